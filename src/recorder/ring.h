/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * The newest stretch of a session's shared stream, by offset: what people get who come back. Holds
 * whole frames only; starts with nothing, doubles up to VIEW_RING_MAX, then forgets the oldest.
 */
struct ring {
	uint8_t *bytes;
	size_t cap;          /* a power of two, or 0 */
	uint64_t start, end; /* offsets of the stream; start is always the start of a frame */
};

void ring_finish(struct ring *ring);
/* Whole frames, at most VIEW_RING_MAX / 2 bytes. -ERR_SYSTEM without memory: nothing was appended.
 */
int ring_append(struct ring *ring, const void *frames, size_t len);
/* The bytes from offset on, at most `most`, in one or two pieces. Returns how many pieces. */
int ring_pieces(const struct ring *ring, uint64_t offset, size_t most, struct iovec ret_pieces[2]);
/* Where the frame that starts at offset ends. */
uint64_t ring_frame_end(const struct ring *ring, uint64_t offset);
/* True when a frame that is kept starts at offset, or the stream ends there. */
bool ring_starts_frame(const struct ring *ring, uint64_t offset);
