/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/throttle.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"

#define SETS 2048
#define WAYS 4
#define DELAY_MAX_S 900

/* What is remembered of one client or one address. */
struct slot {
	uint64_t key; /* 0: free */
	uint64_t used;
	uint64_t failures_since, second_since, refusals_since;
	uint64_t wait_until;
	uint32_t failures, calls;
	uint32_t refusals;
};
struct throttle {
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	uint32_t failures, calls_per_second;
	struct slot slots[SETS][WAYS];
};

int throttle_create(int64_t failures, int64_t calls_per_second, struct throttle **ret_throttle)
{
	struct throttle *throttle = calloc(1, sizeof *throttle);

	if (throttle == NULL)
		return -ERR_SYSTEM;
	throttle->failures = (uint32_t)failures;
	throttle->calls_per_second = (uint32_t)calls_per_second;
	random_bytes(throttle->hash_key, sizeof throttle->hash_key);
	*ret_throttle = throttle;
	return 0;
}

void throttle_destroy(struct throttle *throttle)
{
	free(throttle);
}

static uint64_t key_of(const struct throttle *throttle, const void *bytes, size_t len)
{
	uint64_t key;

	crypto_shorthash((unsigned char *)&key, bytes, len, throttle->hash_key);
	return key | UINT64_C(1) << 63; /* never 0; the set is chosen by the low bits */
}

static uint64_t key_of_address(const struct throttle *throttle, const struct address *address)
{
	uint8_t bytes[9] = { address->family };

	memcpy(bytes + 1, address->bytes, address->family == 4 ? 4 : 8);
	return key_of(throttle, bytes, sizeof bytes);
}

/* The slot of a key, made if there is none: the one unused for longest in its set gives way. */
static struct slot *slot_of(struct throttle *throttle, uint64_t key, uint64_t now)
{
	struct slot *set = throttle->slots[key % SETS], *oldest = &set[0];

	for (int way = 0; way < WAYS; way++) {
		if (set[way].key == key) {
			set[way].used = now;
			return &set[way];
		}
		if (set[way].used < oldest->used)
			oldest = &set[way];
	}
	*oldest = (struct slot){ .key = key,
		.used = now,
		.failures_since = now,
		.second_since = now,
		.refusals_since = now };
	return oldest;
}

static struct slot *slot_find(struct throttle *throttle, uint64_t key)
{
	struct slot *set = throttle->slots[key % SETS];

	for (int way = 0; way < WAYS; way++)
		if (set[way].key == key)
			return &set[way];
	return NULL;
}

unsigned throttle_call(struct throttle *throttle, const struct address *address, uint64_t now)
{
	struct slot *slot = slot_of(throttle, key_of_address(throttle, address), now);

	if (now - slot->second_since >= 1000) {
		slot->second_since = now;
		slot->calls = 0;
	}
	if (slot->calls >= throttle->calls_per_second)
		return 1;
	slot->calls++;
	return 0;
}

static unsigned slot_wait(const struct slot *slot, uint64_t now)
{
	if (slot == NULL || slot->wait_until <= now)
		return 0;
	return (unsigned)((slot->wait_until - now + 999) / 1000);
}

unsigned throttle_wait(
	struct throttle *throttle, const char *client, const struct address *address, uint64_t now)
{
	unsigned by_client =
		slot_wait(slot_find(throttle, key_of(throttle, client, strlen(client))), now);
	unsigned by_address =
		slot_wait(slot_find(throttle, key_of_address(throttle, address)), now);

	return MAX(by_client, by_address);
}

static void slot_failed(struct throttle *throttle, uint64_t key, uint64_t now)
{
	struct slot *slot = slot_of(throttle, key, now);

	if (now - slot->failures_since >= THROTTLE_WINDOW_MS) {
		slot->failures_since = now;
		slot->failures = 0;
	}
	slot->failures++;
	if (slot->failures < throttle->failures)
		return;
	uint32_t beyond = slot->failures - throttle->failures;
	uint64_t seconds = beyond < 10 ? 1u << beyond : DELAY_MAX_S;
	slot->wait_until = now + MIN(seconds, (uint64_t)DELAY_MAX_S) * 1000;
}

void throttle_failed(
	struct throttle *throttle, const char *client, const struct address *address, uint64_t now)
{
	if (client[0] != 0)
		slot_failed(throttle, key_of(throttle, client, strlen(client)), now);
	slot_failed(throttle, key_of_address(throttle, address), now);
}

void throttle_succeeded(struct throttle *throttle, const char *client)
{
	struct slot *slot = slot_find(throttle, key_of(throttle, client, strlen(client)));

	if (slot != NULL)
		slot->failures = 0;
}

bool throttle_audited(struct throttle *throttle, const struct address *address, uint64_t now,
	unsigned *ret_omitted)
{
	struct slot *slot = slot_of(throttle, key_of_address(throttle, address), now);

	*ret_omitted = 0;
	if (now - slot->refusals_since >= THROTTLE_WINDOW_MS) {
		if (slot->refusals > THROTTLE_REFUSALS)
			*ret_omitted = slot->refusals - THROTTLE_REFUSALS;
		slot->refusals_since = now;
		slot->refusals = 0;
	}
	return ++slot->refusals <= THROTTLE_REFUSALS;
}
