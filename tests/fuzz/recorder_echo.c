/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person typed against what a hostile target prints: everything is settled once, in its
 * order, and no key that is no text counts as a secret.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "recorder/echo.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TYPED_MAX (256 * 1024)

struct world {
	uint8_t typed[TYPED_MAX];
	size_t len, settled;
};

static int on_settled(
	void *context, const struct echo_piece *piece, const uint8_t *bytes, bool shown)
{
	struct world *world = context;

	assert(piece->len > 0 && piece->len <= ECHO_PIECE_MAX);
	assert(world->settled + piece->len <= world->len);
	assert(memcmp(world->typed + world->settled, bytes, piece->len) == 0);
	assert(shown || piece->text);
	for (uint32_t i = 0; piece->text && i < piece->len; i++)
		assert(prints(bytes[i]));
	world->settled += piece->len;
	return 0;
}

/* Steps of: what (bit 0: printed; bits 1, 2: who and how; bits 3..7: time that passes), length,
 * bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	struct echo echo;
	uint64_t now = 1;

	world.len = world.settled = 0;
	echo_init(&echo, on_settled, &world);
	while (size >= 2) {
		uint8_t what = data[0];
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		const uint8_t *bytes = data + 2;
		now += (uint64_t)(what >> 3) * 200;
		echo_late(&echo, now);
		if ((what & 1) != 0) {
			echo_printed(&echo, bytes, len, now);
		} else if (len > 0 && world.len + len <= TYPED_MAX) {
			memcpy(world.typed + world.len, bytes, len);
			world.len += len;
			echo_typed(&echo, (what & 2) != 0 ? 0x41 : 0x40, (what & 4) != 0, bytes,
				len, now);
		}
		data += 2 + len;
		size -= 2 + len;
	}
	echo_settle(&echo);
	assert(world.settled == world.len && echo.wait == NULL);
	echo_finish(&echo);
	return 0;
}
