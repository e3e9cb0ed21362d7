/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/flood.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "worker/grid.h"

#define BLOCK 4096 /* bytes looked at at once */
#define SEQUENCE_MAX 128

struct scan {
	struct parser parser; /* of colours alone */
	struct attributes pen;
	uint8_t sequence[SEQUENCE_MAX]; /* begun and not ended */
	size_t sequence_len;
	uint8_t colors[2 * SEQUENCE_MAX]; /* whole sequences, of which the pen does not know yet */
	size_t colors_len;
	bool second; /* the byte before may begin a C1 control */
};

/* ---- is it one? ---- */

static void on_colors(void *context, uint32_t id, const struct params *params)
{
	attributes_apply(context, params);
}

static void scan_init(struct scan *scan, const struct attributes *pen)
{
	static const struct parser_events events = { .sequence = on_colors };

	parser_init(&scan->parser, &events, &scan->pen);
	scan->pen = *pen;
	scan->sequence_len = scan->colors_len = 0;
	scan->second = false;
}

static void apply_colors(struct scan *scan)
{
	parser_feed(&scan->parser, scan->colors, scan->colors_len);
	scan->colors_len = 0;
}

/* Most colours are taken back before anybody has to know them. */
static void end_sequence(struct scan *scan)
{
	size_t len = scan->sequence_len;

	scan->sequence_len = 0;
	if (len == 3 || (len == 4 && scan->sequence[2] == '0')) {
		scan->colors_len = 0;
		scan->pen = (struct attributes){};
		return;
	}
	if (len > sizeof scan->colors - scan->colors_len)
		apply_colors(scan);
	memcpy(scan->colors + scan->colors_len, scan->sequence, len);
	scan->colors_len += len;
}

/* ESC, the shifts of the character set, and the first byte of every C1 control. */
static const uint8_t remarkable[] = { 0x1b, 0x0e, 0x0f, 0xc2 };

/* Bytes before the first of them. memchr() is far faster than any loop of ours. */
static size_t text_len(const uint8_t *bytes, size_t len)
{
	for (unsigned i = 0; i < sizeof remarkable; i++) {
		const uint8_t *found = memchr(bytes, remarkable[i], len);
		if (found != NULL)
			len = (size_t)(found - bytes);
	}
	return len;
}

/* ESC [ digits m and nothing else. */
static bool in_sequence(struct scan *scan, uint8_t byte)
{
	if (scan->sequence_len == sizeof scan->sequence)
		return false;
	scan->sequence[scan->sequence_len++] = byte;
	if (scan->sequence_len == 2)
		return byte == '[';
	if (byte == 'm') {
		end_sequence(scan);
		return true;
	}
	return (byte >= '0' && byte <= '9') || byte == ';' || byte == ':';
}

static bool scan_byte(struct scan *scan, uint8_t byte)
{
	bool second = scan->second;

	scan->second = byte == 0xc2;
	if (scan->sequence_len > 0)
		return in_sequence(scan, byte);
	if (second && byte >= 0x80 && byte < 0xa0)
		return false;
	if (byte == 0x1b)
		scan->sequence[scan->sequence_len++] = byte;
	return byte != 0x0e && byte != 0x0f;
}

static bool scan_bytes(struct scan *scan, const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		if (scan->sequence_len == 0 && !scan->second)
			at += text_len(bytes + at, MIN(len - at, (size_t)BLOCK));
		else if (!scan_byte(scan, bytes[at++]))
			return false;
		if (at < len && memchr(remarkable, bytes[at], sizeof remarkable) != NULL &&
			!scan_byte(scan, bytes[at++]))
			return false;
	}
	return true;
}

/* ---- how much of it may go ---- */

/*
 * Rows a line takes at least: of characters beyond ASCII nobody knows the width here. That what
 * begins with ESC sets colours is found out later.
 */
static unsigned rows_of(const struct flood *flood, const uint8_t *line, size_t len)
{
	size_t cells = 0;

	if (len <= flood->columns)
		return 1;
	for (size_t i = 0; i < len; i++) {
		if (line[i] == 0x1b) {
			const uint8_t *end = memchr(line + i, 'm', len - i);
			if (end == NULL)
				return 1;
			i = (size_t)(end - line);
		} else if (line[i] < 0x20 || line[i] >= 0x7f) {
			return 1;
		} else {
			cells++;
		}
	}
	return cells > flood->columns ? (unsigned)((cells - 1) / flood->columns) + 1 : 1;
}

/* Back from `end`: the beginning of lines that take more than so many rows; NULL: there is none. */
static const uint8_t *back(
	const struct flood *flood, const uint8_t *bytes, const uint8_t *end, unsigned rows)
{
	unsigned taken = 0;

	for (const uint8_t *at = end; at > bytes;) {
		const uint8_t *feed = memrchr(bytes, '\n', (size_t)(at - bytes));
		if (feed == NULL || feed == bytes)
			return NULL;
		size_t len = (size_t)(at - feed) - 1;
		taken += rows_of(flood, feed + 1, len > 0 && at[-1] == '\r' ? len - 1 : len);
		if (taken > rows && feed[-1] == '\r')
			return feed + 1;
		at = feed;
	}
	return NULL;
}

/*
 * The rest pushes out of sight whatever was on the screen and above it, and so many lines go before
 * it that it begins in the last row.
 */
static const uint8_t *find_rest(const struct flood *flood, const uint8_t *bytes, size_t len)
{
	unsigned kept = flood->rows + MIN(flood->rows, (unsigned)GRID_HISTORY_MAX) + 1;
	const uint8_t *rest = back(flood, bytes, bytes + len, kept);

	if (rest == NULL || back(flood, bytes, rest - 1, flood->rows + 1) == NULL)
		return NULL;
	return rest;
}

bool flood_scan(struct flood *flood, const uint8_t *older, size_t older_len, const uint8_t *newer,
	size_t newer_len)
{
	struct scan scan;

	assert(flood->columns > 0);
	const uint8_t *rest = find_rest(flood, newer, newer_len);
	scan_init(&scan, &flood->pen);
	if (rest == NULL || !scan_bytes(&scan, older, older_len) ||
		!scan_bytes(&scan, newer, (size_t)(rest - newer)) || scan.sequence_len > 0)
		return false;
	apply_colors(&scan);
	if ((scan.pen.bg & ATTRIBUTE_PROTECTED) != 0)
		return false;
	flood->pen = scan.pen;
	flood->rest = rest;
	flood->rest_len = newer_len - (size_t)(rest - newer);
	return scan_bytes(&scan, flood->rest, flood->rest_len);
}

int flood_lead(const struct flood *flood, struct buf *out)
{
	int r = attributes_write(out, &flood->pen);

	for (unsigned i = 0; i <= flood->rows && r == 0; i++)
		r = buf_append(out, "\r\n", 2);
	return r;
}
