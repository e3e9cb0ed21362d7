/* SPDX-License-Identifier: Apache-2.0 */
/* A line of evidence, from a mirror's end or a witness's file: what is read has one form. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size + 1);
	struct line line;
	size_t len = 0;

	if (size > 0)
		memcpy(exact, data, size);
	const char *head = line_find_head(exact, size, &len);
	assert(head == NULL || (head >= exact && head + len <= exact + size));
	if (head != NULL)
		line_read(head, len, &line);
	int r = line_read(exact, size, &line);
	assert(r == 0 || r == -ERR_MALFORMED);
	if (r == 0) {
		struct buf again = BUF(LINE_BYTES_MAX);
		assert(line_write(&again, &line) == 0);
		assert(again.len == size + 1 && memcmp(again.data, exact, size) == 0);
		buf_finish(&again);
	}
	free(exact);
	return 0;
}
