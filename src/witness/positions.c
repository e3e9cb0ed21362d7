/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/positions.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/view.h"

#define SLOT 64
#define CHECKED 56

static void check_of(const uint8_t slot[SLOT], uint8_t out[8])
{
	uint8_t hash[HASH_LEN];

	crypto_generichash(hash, sizeof hash, slot, CHECKED, NULL, 0);
	memcpy(out, hash, 8);
}

static void load(struct positions *positions, unsigned index)
{
	struct position *row = &positions->rows[index];
	uint8_t slot[SLOT], check[8];

	if (pread(positions->fd, slot, SLOT, (off_t)index * SLOT) != SLOT)
		return;
	check_of(slot, check);
	if (memcmp(check, slot + CHECKED, sizeof check) != 0)
		return;
	row->sequence = (int64_t)get64(slot);
	memcpy(row->hash, slot + 8, HASH_LEN);
	positions->known[index] = true;
}

int positions_open(struct positions *positions, int directory)
{
	*positions = (struct positions){ .fd = openat(directory, "positions",
						 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) };
	if (positions->fd < 0)
		return -ERR_DISK;
	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		load(positions, i);
	return 0;
}

void positions_put(struct positions *positions, enum outlet_id id, const struct position *at)
{
	positions->rows[id] = *at;
	positions->known[id] = positions->changed[id] = true;
}

static int save(struct positions *positions, unsigned index)
{
	const struct position *row = &positions->rows[index];
	uint8_t slot[SLOT] = { 0 };

	put64(slot, (uint64_t)row->sequence);
	memcpy(slot + 8, row->hash, HASH_LEN);
	check_of(slot, slot + CHECKED);
	return pwrite(positions->fd, slot, SLOT, (off_t)index * SLOT) == SLOT ? 0 : -ERR_DISK;
}

void positions_save(struct positions *positions)
{
	bool any = false;
	int r = 0;

	for (unsigned i = 0; i < OUTLET_COUNT; i++) {
		if (!positions->changed[i])
			continue;
		any = true;
		positions->changed[i] = false;
		if (save(positions, i) < 0)
			r = -ERR_DISK;
	}
	/* A position that is behind makes an outlet hear some lines twice: no more than that. */
	if (any && (r < 0 || fdatasync(positions->fd) < 0))
		log_warning("witness.positions", "%s", strerror(errno));
}

void positions_close(struct positions *positions)
{
	if (positions->fd >= 0)
		positions_save(positions);
	fd_closep(&positions->fd);
}
