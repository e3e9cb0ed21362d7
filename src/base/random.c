/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/encode.h"
#include "base/mem.h"

#define RANDOM_PIECE 64 /* bytes random_hex() turns into digits at a time */

void random_bytes(void *bytes, size_t len)
{
	uint8_t *place = bytes;

	while (len > 0) {
		ssize_t n = getrandom(place, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			abort(); /* a guessable token is worse than no process */
		place += n;
		len -= (size_t)n;
	}
}

void random_hex(char *out, size_t bytes)
{
	uint8_t piece[RANDOM_PIECE];

	out[0] = '\0';
	while (bytes > 0) {
		size_t len = MIN(bytes, sizeof(piece));

		random_bytes(piece, len);
		hex_encode(out, piece, len);
		out += 2 * len;
		bytes -= len;
	}
	mem_wipe(piece, sizeof(piece));
}
