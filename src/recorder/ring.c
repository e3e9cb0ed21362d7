/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/view.h"

#define RING_LEAST 1024 /* bytes of the first allocation: a prompt and some more */
/*
 * From here on all of it is taken at once: memory nobody has written to costs nothing, and smaller
 * pieces given back would only be kept for others.
 */
#define RING_WHOLE (64 * 1024)

void ring_finish(struct ring *ring)
{
	if (ring->bytes != NULL)
		mem_wipe(ring->bytes, MIN(ring->cap, ring->end)); /* what was ever written */
	free(ring->bytes);
	*ring = (struct ring){};
}

int ring_pieces(const struct ring *ring, uint64_t offset, size_t most, struct iovec ret_pieces[2])
{
	size_t place, first;

	most = MIN(most, (size_t)(ring->end - offset));
	if (most == 0)
		return 0;
	place = offset & (ring->cap - 1);
	first = MIN(most, ring->cap - place);
	ret_pieces[0] = (struct iovec){ ring->bytes + place, first };
	if (first == most)
		return 1;
	ret_pieces[1] = (struct iovec){ ring->bytes, most - first };
	return 2;
}

static void copy_in(struct ring *ring, uint64_t offset, const void *bytes, size_t len)
{
	size_t place = offset & (ring->cap - 1);
	size_t first = MIN(len, ring->cap - place);

	memcpy(ring->bytes + place, bytes, first);
	memcpy(ring->bytes, (const uint8_t *)bytes + first, len - first);
}

static int grow(struct ring *ring, size_t need)
{
	struct ring fresh = {
		.cap = MAX(ring->cap, (size_t)RING_LEAST), .start = ring->start, .end = ring->end
	};
	struct iovec pieces[2];
	uint64_t offset = ring->start;

	while (fresh.cap < need && fresh.cap < RING_WHOLE)
		fresh.cap *= 2;
	if (fresh.cap < need)
		fresh.cap = VIEW_RING_MAX;
	if (fresh.cap == ring->cap)
		return 0;
	fresh.bytes = malloc(fresh.cap);
	if (fresh.bytes == NULL)
		return -ERR_SYSTEM;
	int count = ring_pieces(ring, offset, SIZE_MAX, pieces);
	for (int i = 0; i < count; i++) {
		copy_in(&fresh, offset, pieces[i].iov_base, pieces[i].iov_len);
		offset += pieces[i].iov_len;
	}
	ring_finish(ring);
	*ring = fresh;
	return 0;
}

int ring_append(struct ring *ring, const void *frames, size_t len)
{
	size_t held = (size_t)(ring->end - ring->start);
	int r;

	assert(len <= VIEW_RING_MAX / 2);
	r = grow(ring, held + len);
	if (r < 0)
		return r;
	while (ring->end - ring->start + len > ring->cap)
		ring->start = ring_frame_end(ring, ring->start);
	copy_in(ring, ring->end, frames, len);
	ring->end += len;
	return 0;
}

uint64_t ring_frame_end(const struct ring *ring, uint64_t offset)
{
	uint8_t len[4];

	assert(offset >= ring->start && offset + VIEW_HEADER_LEN <= ring->end);
	for (unsigned i = 0; i < sizeof(len); i++)
		len[i] = ring->bytes[(offset + 4 + i) & (ring->cap - 1)];
	return offset + VIEW_HEADER_LEN + get32(len);
}

bool ring_starts_frame(const struct ring *ring, uint64_t offset)
{
	uint64_t at = ring->start;

	if (offset < ring->start || offset > ring->end)
		return false;
	while (at < offset)
		at = ring_frame_end(ring, at);
	return at == offset;
}
