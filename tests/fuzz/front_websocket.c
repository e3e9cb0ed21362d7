/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of a hostile page: in one piece and byte by byte they must mean the same, and a message
 * must never grow past its ceiling.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "front/websocket.h"

struct trace {
	uint64_t digest;
	size_t data;
	int end;
};

static void note(struct trace *trace, const struct websocket_piece *piece)
{
	if (piece->opcode != WEBSOCKET_BINARY)
		trace->digest = (trace->digest ^ piece->opcode ^ piece->len << 8 ^
					(uint64_t)piece->code << 16) *
				1099511628211u;
	else
		trace->data += piece->len;
	for (size_t i = 0; i < piece->len; i++)
		trace->digest = (trace->digest ^ piece->bytes[i]) * 1099511628211u;
}

static struct trace read_frames(const uint8_t *data, size_t size, size_t step)
{
	struct websocket websocket = { 0 };
	struct trace trace = { .digest = 14695981039346656037u };
	for (size_t at = 0; at < size && trace.end == 0; at += step) {
		size_t take = size - at < step ? size - at : step, used = 0;
		uint8_t *bytes = malloc(take);
		struct websocket_piece piece;
		int r;
		memcpy(bytes, data + at, take);
		while ((r = websocket_next(&websocket, bytes, take, &used, &piece)) > 0)
			note(&trace, &piece);
		assert(used <= take && (r < 0 || used == take));
		assert(websocket.message <= WEBSOCKET_MESSAGE_MAX);
		trace.end = r;
		free(bytes);
	}
	return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace whole = read_frames(data, size, size ? size : 1),
		     bytes = read_frames(data, size, 1);
	assert(whole.end == bytes.end && whole.data == bytes.data && whole.digest == bytes.digest);
	return 0;
}
