/* SPDX-License-Identifier: Apache-2.0 */
/* What a target sent, on its way to the terminal of whoever plays it, and into a text file. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check_line(void *context, const char *line, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)line;

	for (size_t at = 0; at < len;) {
		uint32_t character;
		unsigned used = text_decode(bytes + at, len - at, &character);
		assert(used > 0 && !text_dangerous(character));
		at += used;
	}
	return 0;
}

static void check_filter(const uint8_t *data, size_t size, size_t step)
{
	struct buf once = BUF(16 * size + 64), twice = BUF(16 * size + 64);
	struct filter filter = {}, again = {};

	for (size_t at = 0; at < size; at += step) {
		size_t len = MIN(step, size - at);
		uint8_t *exact = malloc(len); /* so that reading past it is found */
		memcpy(exact, data + at, len);
		assert(filter_put(&filter, exact, len, &once) == 0);
		free(exact);
	}
	assert(filter_put(&again, once.data, once.len, &twice) == 0);
	/* What passed is what may pass. */
	assert(once.len == twice.len);
	assert(once.len == 0 || memcmp(once.data, twice.data, once.len) == 0);
	buf_finish(&once);
	buf_finish(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 16384)
		return -1;
	size_t step = data[0] % 16 + 1U;
	check_filter(data + 1, size - 1, step);
	struct text_lines *lines = text_lines_create(check_line, NULL);
	for (size_t at = 1; at < size; at += step)
		assert(text_lines_put(lines, data + at, MIN(step, size - at)) == 0);
	assert(text_lines_flush(lines) == 0);
	text_lines_destroy(lines);
	return 0;
}
