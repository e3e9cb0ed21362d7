/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/echo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ESCAPE 0x1b
#define CAP_LEAST 128
#define HEAD sizeof(struct echo_piece)

/* Pieces back to back, each behind its head. Allocated while something waits, and wiped. */
struct echo_wait {
	uint32_t at, last, len, cap; /* at, last: heads of the first piece and of the last */
	uint8_t bytes[];
};

enum output_state { GROUND, SEQUENCE, INTERMEDIATE, CONTROL, STRING, STRING_ESCAPE };

void echo_init(struct echo *echo, echo_fn *fn, void *context)
{
	*echo = (struct echo){ .fn = fn, .context = context };
}

static void wait_free(struct echo_wait *wait)
{
	if (wait != NULL)
		mem_wipe(wait, sizeof(*wait) + wait->cap);
	free(wait);
}

void echo_finish(struct echo *echo)
{
	wait_free(STEAL(echo->wait));
}

/* ---- what waits ---- */

static struct echo_piece piece_at(const struct echo_wait *wait, uint32_t at)
{
	struct echo_piece piece;

	memcpy(&piece, wait->bytes + at, HEAD);
	return piece;
}

static struct echo_piece first_piece(const struct echo *echo)
{
	return piece_at(echo->wait, echo->wait->at);
}

static const uint8_t *first_bytes(const struct echo *echo)
{
	return echo->wait->bytes + echo->wait->at + HEAD;
}

/* Tells of the first len bytes of the first piece and lets go of them. */
static int take(struct echo *echo, uint32_t len, bool shown)
{
	struct echo_wait *wait = echo->wait;
	struct echo_piece piece = first_piece(echo), told = piece;

	told.len = len;
	int r = echo->fn(echo->context, &told, first_bytes(echo), shown);
	piece.len -= len;
	if (piece.len > 0) { /* the head of the rest goes where its first bytes were */
		wait->last += wait->last == wait->at ? len : 0;
		wait->at += len;
		memcpy(wait->bytes + wait->at, &piece, HEAD);
		return r;
	}
	wait->at += HEAD + len;
	if (wait->at == wait->len)
		wait_free(STEAL(echo->wait));
	return r;
}

/* What was shown of the first piece, in one piece. */
static int take_run(struct echo *echo)
{
	uint32_t run = echo->run;

	echo->run = 0;
	return run > 0 ? take(echo, run, true) : 0;
}

/* Keys that are no text wait for nothing themselves. */
static int take_keys(struct echo *echo)
{
	int r = 0;

	while (r == 0 && echo->wait != NULL && !first_piece(echo).text)
		r = take(echo, first_piece(echo).len, true);
	return r;
}

int echo_settle(struct echo *echo)
{
	int r = 0;

	while (r == 0 && echo->wait != NULL)
		r = take(echo, first_piece(echo).len, !first_piece(echo).text);
	return r;
}

int echo_late(struct echo *echo, uint64_t now)
{
	return now - echo->since >= ECHO_WAIT_MS ? echo_settle(echo) : 0;
}

/* ---- typed ---- */

static bool ends_line(uint8_t byte)
{
	return byte == '\r' || byte == '\n';
}

static bool prints(uint8_t byte)
{
	return byte >= 0x20 && byte != 0x7f;
}

/* Length of the key at bytes: an escape sequence is one, whatever prints in it. */
static size_t key_len(const uint8_t *bytes, size_t len)
{
	size_t at = 2;

	if (bytes[0] != ESCAPE || len < 2)
		return 1;
	if (bytes[1] == 'O') /* an arrow or a function key */
		return MIN(len, (size_t)3);
	if (bytes[1] != '[')
		return 2;
	while (at < len && bytes[at] >= 0x20 && bytes[at] < 0x40)
		at++;
	return MIN(len, at + 1);
}

/* The next piece of one kind: text up to the next key, or keys up to the next text. */
static size_t piece_len(const uint8_t *bytes, size_t len, bool *ret_text)
{
	size_t at = 0;

	*ret_text = prints(bytes[0]);
	while (at < len && prints(bytes[at]) == *ret_text)
		at += *ret_text ? 1 : key_len(bytes + at, len - at);
	return at;
}

/* Room for so many more bytes, its head included. */
static bool reserve(struct echo *echo, size_t len)
{
	struct echo_wait *old = echo->wait, *wait;
	uint32_t used = old != NULL ? old->len - old->at : 0;
	uint32_t cap = old != NULL ? old->cap : CAP_LEAST;

	while (cap < used + len)
		cap *= 2;
	if (cap > ECHO_WAITING_MAX)
		return false;
	if (old != NULL && old->len + len <= old->cap)
		return true;
	wait = malloc(sizeof(*wait) + cap);
	if (wait == NULL)
		return false;
	*wait = (struct echo_wait){ .len = used, .cap = cap };
	if (old != NULL) {
		memcpy(wait->bytes, old->bytes + old->at, used);
		wait->last = old->last - old->at;
	}
	wait_free(old);
	echo->wait = wait;
	return true;
}

/* Goes on with the last piece, if it is of the same kind. */
static void append(struct echo_wait *wait, const struct echo_piece *piece, const uint8_t *bytes)
{
	struct echo_piece last =
		wait->len > wait->at ? piece_at(wait, wait->last) : (struct echo_piece){};

	if (last.len > 0 && last.text && piece->text && last.type == piece->type &&
		last.viewer == piece->viewer && last.len + piece->len <= ECHO_PIECE_MAX) {
		last.len += piece->len;
		memcpy(wait->bytes + wait->last, &last, HEAD);
	} else {
		wait->last = wait->len;
		memcpy(wait->bytes + wait->len, piece, HEAD);
		wait->len += HEAD;
	}
	memcpy(wait->bytes + wait->len, bytes, piece->len);
	wait->len += piece->len;
}

/* Keys wait only behind text, text always; what there is no room for was not shown. */
static int add(struct echo *echo, const struct echo_piece *piece, const uint8_t *bytes)
{
	if (echo->wait == NULL && !piece->text)
		return echo->fn(echo->context, piece, bytes, true);
	if (!reserve(echo, HEAD + piece->len)) {
		int r = echo_settle(echo);
		return r < 0 ? r : echo->fn(echo->context, piece, bytes, !piece->text);
	}
	append(echo->wait, piece, bytes);
	return 0;
}

/* Who types more now is at something new, or has seen that something else came: no echo comes. */
static bool outrun(const struct echo *echo)
{
	const struct echo_wait *wait = echo->wait;

	return wait != NULL && (echo->strayed || (!piece_at(wait, wait->last).text &&
							 ends_line(wait->bytes[wait->len - 1])));
}

static void begin(struct echo *echo, uint64_t now)
{
	echo->since = now;
	echo->run = echo->matched = echo->redrawn = 0;
	echo->strayed = echo->blank = echo->returned = false;
	echo->last = 0;
	echo->output = GROUND;
}

int echo_typed(struct echo *echo, uint8_t type, uint16_t viewer, const uint8_t *bytes, size_t len,
	uint64_t now)
{
	bool over = outrun(echo);
	int r = 0;

	while (r == 0 && len > 0) {
		struct echo_piece piece = { .viewer = viewer, .type = type };
		piece.len = (uint32_t)piece_len(bytes, MIN(len, ECHO_PIECE_MAX), &piece.text);
		if (over && piece.text)
			r = echo_settle(echo);
		over = over && !piece.text;
		if (echo->wait == NULL)
			begin(echo, now);
		if (r == 0)
			r = add(echo, &piece, bytes);
		bytes += piece.len;
		len -= piece.len;
	}
	return r;
}

/* ---- printed ---- */

static enum output_state after_escape(uint8_t byte)
{
	switch (byte) {
	case '[':
		return CONTROL;
	case ']':
	case 'P':
	case '_':
	case '^':
	case 'X':
		return STRING;
	case ESCAPE:
		return SEQUENCE;
	default:
		return byte >= 0x20 && byte < 0x30 ? INTERMEDIATE : GROUND;
	}
}

/* True for what a terminal puts on its screen, or obeys without moving to another place. */
static bool on_screen(struct echo *echo, uint8_t byte)
{
	enum output_state state = echo->output;

	if (state == SEQUENCE)
		echo->output = after_escape(byte);
	else if (byte == ESCAPE)
		echo->output = state == STRING ? STRING_ESCAPE : SEQUENCE;
	else if (state == STRING)
		echo->output = byte == 0x07 ? GROUND : STRING;
	else if (state == CONTROL)
		echo->output = byte >= 0x40 ? GROUND : CONTROL;
	else
		echo->output = GROUND;
	return state == GROUND && byte != ESCAPE;
}

/* The Enter behind the first piece was typed too. */
static bool line_is_whole(const struct echo *echo, uint32_t len)
{
	const struct echo_wait *wait = echo->wait;
	uint32_t next = wait->at + (uint32_t)HEAD + len;

	return next < wait->len && ends_line(wait->bytes[next + HEAD]);
}

/* Only a whole line is believed by now. */
static int match_line(struct echo *echo, uint8_t byte, uint64_t now)
{
	uint32_t len = first_piece(echo).len;
	const uint8_t *bytes = first_bytes(echo);

	if (ends_line(byte) && echo->matched == len && line_is_whole(echo, len)) {
		int r = take(echo, len, true);
		begin(echo, now);
		return r == 0 ? take_keys(echo) : r;
	}
	if (byte == '\r') /* a long line wraps */
		return 0;
	if (echo->matched == len || byte != bytes[echo->matched])
		echo->matched = echo->last = 0;
	if (byte == bytes[echo->matched]) {
		echo->matched++;
		echo->last = byte;
	}
	return 0;
}

/* What waits is shown byte by byte, as long as nothing else is. */
static int match_next(struct echo *echo, uint8_t byte, uint64_t now)
{
	if (byte == first_bytes(echo)[echo->run]) {
		echo->since = now;
		echo->last = byte;
		if (++echo->run < first_piece(echo).len)
			return 0;
		int r = take_run(echo);
		return r == 0 ? take_keys(echo) : r;
	}
	if (byte == '\b') {
		echo->redrawn++;
	} else if (prints(byte) && echo->redrawn > 0) {
		echo->redrawn--;
	} else if (prints(byte)) {
		int r = take_run(echo);
		echo->strayed = true;
		return r < 0 ? r : match_line(echo, byte, now);
	}
	return 0;
}

static int match(struct echo *echo, uint8_t byte, uint64_t now)
{
	return echo->strayed ? match_line(echo, byte, now) : match_next(echo, byte, now);
}

static bool expects(const struct echo *echo, uint8_t byte)
{
	uint32_t at = echo->strayed ? echo->matched : echo->run;

	return at < first_piece(echo).len && first_bytes(echo)[at] == byte;
}

/* Where a line wraps, shells print a blank and go back, or go back and print the last byte again.
 */
static int see(struct echo *echo, uint8_t byte, uint64_t now)
{
	bool blank = echo->blank, again = echo->returned && byte == echo->last;

	echo->blank = false;
	if (blank && byte == '\r')
		return 0;
	int r = blank ? match(echo, ' ', now) : 0;
	echo->returned = byte == '\r';
	if (r < 0 || again)
		return r;
	if (byte != ' ' || expects(echo, ' '))
		return match(echo, byte, now);
	echo->blank = true;
	return 0;
}

int echo_printed(struct echo *echo, const uint8_t *bytes, size_t len, uint64_t now)
{
	int r = 0;

	for (size_t i = 0; i < len && r == 0 && echo->wait != NULL; i++)
		if (on_screen(echo, bytes[i]))
			r = see(echo, bytes[i], now);
	return r == 0 ? take_run(echo) : r;
}
