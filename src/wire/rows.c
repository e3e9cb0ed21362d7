/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rows.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define ROW_PACKED_MAX (sizeof(struct audit_row) + 64)

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	uint16_t len = (uint16_t)strlen(text);

	return put(put(at, &len, sizeof len), text, len);
}

int rows_put_row(struct buf *out, const struct audit_row *row)
{
	uint8_t packed[ROW_PACKED_MAX], *at = packed;

	*at++ = LINE_ROW;
	at = put(at, &row->sequence, sizeof row->sequence);
	at = put(at, &row->at, sizeof row->at);
	at = put(at, &row->result, sizeof row->result);
	at = put_text(at, row->event);
	at = put_text(at, row->actor);
	at = put_text(at, row->from);
	at = put_text(at, row->object);
	at = put_text(at, row->detail);
	at = put(at, row->before, HASH_LEN);
	at = put(at, row->hash, HASH_LEN);
	return buf_append(out, packed, (size_t)(at - packed));
}

int rows_put_head(struct buf *out, const struct audit_head *head)
{
	uint8_t packed[1 + sizeof *head];

	packed[0] = LINE_AUDIT_HEAD;
	memcpy(packed + 1, head, sizeof *head);
	return buf_append(out, packed, sizeof packed);
}

struct taker {
	const uint8_t *at, *end;
	bool bad;
};

static void take(struct taker *taker, void *out, size_t len)
{
	if (taker->bad || (size_t)(taker->end - taker->at) < len) {
		taker->bad = true;
		return;
	}
	memcpy(out, taker->at, len);
	taker->at += len;
}

static void take_text(struct taker *taker, char *out, size_t size)
{
	uint16_t len = 0;

	take(taker, &len, sizeof len);
	if (taker->bad || (size_t)(taker->end - taker->at) < len ||
		text_copy_len(out, size, taker->at, len) < 0) {
		taker->bad = true;
		return;
	}
	taker->at += len;
}

static void take_row(struct taker *taker, struct audit_row *row)
{
	take(taker, &row->sequence, sizeof row->sequence);
	take(taker, &row->at, sizeof row->at);
	take(taker, &row->result, sizeof row->result);
	take_text(taker, row->event, sizeof row->event);
	take_text(taker, row->actor, sizeof row->actor);
	take_text(taker, row->from, sizeof row->from);
	take_text(taker, row->object, sizeof row->object);
	take_text(taker, row->detail, sizeof row->detail);
	take(taker, row->before, HASH_LEN);
	take(taker, row->hash, HASH_LEN);
}

int rows_next(const uint8_t **at, const uint8_t *end, struct line *ret_line)
{
	struct taker taker = { *at, end, false };
	uint8_t kind;

	if (*at == end)
		return 0;
	memset(ret_line, 0, sizeof *ret_line);
	take(&taker, &kind, 1);
	ret_line->kind = kind;
	if (kind == LINE_ROW)
		take_row(&taker, &ret_line->row);
	else if (kind == LINE_AUDIT_HEAD)
		take(&taker, &ret_line->audit, sizeof ret_line->audit);
	else
		taker.bad = true;
	if (taker.bad)
		return -ERR_MALFORMED;
	*at = taker.at;
	return 1;
}
