/* SPDX-License-Identifier: Apache-2.0 */
#include "front/crowd.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"

#define BUCKETS 4096

struct member {
	struct member *next;
	uint64_t key;
	uint32_t count;
	uint8_t family;
};

struct crowd {
	uint64_t seed; /* strangers choose addresses: they must not choose buckets */
	unsigned most;
	struct member *buckets[BUCKETS];
};

struct crowd *crowd_create(unsigned most)
{
	struct crowd *crowd = calloc(1, sizeof *crowd);
	if (crowd) {
		crowd->most = most;
		random_bytes(&crowd->seed, sizeof crowd->seed);
	}
	return crowd;
}

void crowd_destroy(struct crowd *crowd)
{
	for (unsigned i = 0; crowd && i < BUCKETS; i++)
		for (struct member *member = crowd->buckets[i], *next; member; member = next) {
			next = member->next;
			free(member);
		}
	free(crowd);
}

static uint64_t key_of(const struct address *address)
{
	uint64_t key = 0;
	memcpy(&key, address->bytes, address->family == 4 ? 4 : 8);
	return key;
}

static struct member **find(const struct crowd *crowd, const struct address *address)
{
	uint64_t key = key_of(address), mixed = (key ^ crowd->seed) * UINT64_C(0x9e3779b97f4a7c15);
	struct member **at = (struct member **)&crowd->buckets[(mixed >> 40) % BUCKETS];
	while (*at && ((*at)->key != key || (*at)->family != address->family))
		at = &(*at)->next;
	return at;
}

int crowd_join(struct crowd *crowd, const struct address *address)
{
	struct member **at = find(crowd, address);
	if (!*at) {
		*at = calloc(1, sizeof **at);
		if (!*at)
			return -ERR_SYSTEM;
		(*at)->key = key_of(address);
		(*at)->family = address->family;
	}
	if ((*at)->count >= crowd->most)
		return -ERR_FULL;
	(*at)->count++;
	return 0;
}

void crowd_leave(struct crowd *crowd, const struct address *address)
{
	struct member **at = find(crowd, address), *member = *at;
	assert(member && member->count > 0);
	if (--member->count > 0)
		return;
	*at = member->next;
	free(member);
}

unsigned crowd_count(const struct crowd *crowd, const struct address *address)
{
	const struct member *member = *find(crowd, address);
	return member ? member->count : 0;
}
