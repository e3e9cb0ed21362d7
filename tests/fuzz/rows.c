/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a captured broker may send to the witness instead of the trail: packed rows and heads. What
 * is taken is taken whole, goes outside in one piece and in every form, and cannot end its line.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/head.h"
#include "wire/rows.h"
#include "witness/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_one_line(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert(text[i] >= ' ');
}

/* A frame of counted octets that holds one message. */
static void check_message(const struct line *line, bool cef)
{
	CLEANUP(buf_finish) struct buf out = BUF(4 * LINE_BYTES_MAX);
	char *end;

	assert(message_write(&out, line, "gate", cef) == 0);
	assert(buf_append(&out, "", 1) == 0);
	unsigned long len = strtoul((const char *)out.data, &end, 10);
	assert(*end == ' ' && strlen(end + 1) == len && end[1] == '<');
	assert_one_line((const uint8_t *)end, len + 1);
}

/* The line is read back as it was, or not at all: a damaged detail is a text. */
static void check_line(const struct line *line)
{
	CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX), again = BUF(LINE_BYTES_MAX);
	CLEANUP(mem_freep) struct line *read = malloc(sizeof *read);

	assert(line_write(&text, line) == 0 && text.data[text.len - 1] == '\n');
	assert_one_line(text.data, text.len - 1);
	if (line_read((const char *)text.data, text.len - 1, read) == 0) {
		assert(line_write(&again, read) == 0 && again.len == text.len);
		assert(memcmp(again.data, text.data, text.len) == 0);
	}
}

static void check_packed(const struct line *line, const uint8_t *from, const uint8_t *to)
{
	CLEANUP(buf_finish) struct buf packed = BUF(sizeof(struct line) + 64);

	if (line->kind == LINE_ROW)
		assert(rows_put_row(&packed, &line->row) == 0);
	else
		assert(rows_put_head(&packed, &line->audit) == 0);
	assert(packed.len == (size_t)(to - from) && memcmp(packed.data, from, packed.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nobody[32] = { 1 };
	uint8_t *exact = malloc(size + 1); /* so that one byte too far is seen */
	const uint8_t *at = exact + 1, *end = exact + size + 1, *before = at;
	CLEANUP(mem_freep) struct line *line = malloc(sizeof *line);
	int r;

	if (size > 0)
		memcpy(exact + 1, data, size);
	while ((r = rows_next(&at, end, line)) > 0) {
		assert(at > before && at <= end);
		check_packed(line, before, at);
		check_line(line);
		check_message(line, false);
		check_message(line, true);
		if (line->kind == LINE_AUDIT_HEAD)
			assert(signer_check(&line->audit.signer, nobody) < 0);
		before = at;
	}
	assert(at == before && (r == 0 ? at == end : r == -ERR_MALFORMED));
	free(exact);
	return 0;
}
