/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Telnet target may send any bytes. In whatever pieces they come they mean the same; answers stay
 * under their ceiling and hold nothing but what RFC 1073 and 1091 ask for; an echoed secret is
 * never shown.
 */
#include "drivers/expect.c"
#include "drivers/telnet/option.c"
#include "drivers/telnet/login.c"
#include "drivers/telnet/mask.c"

#include <assert.h>
#include <stdlib.h>

#define SECRET "s3cret"

/* Returns the length of the text. */
static int receive(
	const uint8_t *bytes, size_t len, size_t step, uint8_t *text, struct buf *replies)
{
	struct option option;
	int text_len = 0;

	option_init(&option, "xterm", 80, 24);
	for (size_t at = 0; at < len; at += step) {
		size_t piece = MIN(step, len - at);
		int r = option_receive(&option, bytes + at, piece, text + text_len, replies);

		if (r < 0)
			return r;
		assert((size_t)r <= piece);
		assert(option.sub_len <= OPTION_SUB_MAX + 1);
		text_len += r;
	}
	return text_len;
}

/* Every answer is WILL, WONT, DO, DONT, a terminal type or a window. */
static void check_replies(const struct buf *replies)
{
	for (size_t i = 0; i < replies->len;) {
		const uint8_t *at = replies->data + i;

		assert(replies->len - i >= 3 && at[0] == IAC);
		if (at[1] >= WILL && at[1] <= DONT) {
			i += 3;
			continue;
		}
		assert(at[1] == SB && (at[2] == OPTION_TERMINAL || at[2] == OPTION_WINDOW));
		if (at[2] == OPTION_TERMINAL)
			assert(memcmp(at + 3, "\0xterm\xff\xf0", 8) == 0);
		i += at[2] == OPTION_TERMINAL ? 11 : 9;
	}
}

static void try_mask(const uint8_t *text, size_t len, size_t step, struct buf *out)
{
	struct secret *secret = secret_create(SECRET, strlen(SECRET));
	struct mask mask;

	mask_init(&mask, secret);
	for (size_t at = 0; at < len; at += step) {
		int r = mask_pass(&mask, text + at, MIN(step, len - at), out);

		assert(r == 0);
	}
	int r = mask_release(&mask, out);
	assert(r == 0);
	assert(out->len == 0 || memmem(out->data, out->len, SECRET, strlen(SECRET)) == NULL);
	mask_finish(&mask);
	secret_destroy(secret);
}

static void try_login(const uint8_t *text, size_t len)
{
	static const char nothing[4][128];
	struct login login;
	unsigned asked = 0;

	login_init(&login, nothing);
	for (size_t at = 0; at < len; at += 7) {
		login_feed(&login, text + at, MIN((size_t)7, len - at));
		enum login_act act = login_decide(&login, text[at] * 8u);

		if (act == LOGIN_ASK_VAULT) {
			asked++;
			login_secret_typed(&login);
		}
	}
	assert(asked <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF(OPTION_REPLIES_MAX), pieces = BUF(OPTION_REPLIES_MAX);
	struct buf shown = BUF(1024 * 1024), shown_pieces = BUF(1024 * 1024);
	size_t step = size > 0 ? 1 + data[0] % 16 : 1;
	uint8_t *text = malloc(size + 1), *text_pieces = malloc(size + 1);
	int len = receive(data, size, size + 1, text, &whole);

	assert(len == receive(data, size, step, text_pieces, &pieces));
	if (len >= 0) {
		assert(memcmp(text, text_pieces, (size_t)len) == 0);
		assert(whole.len == pieces.len);
		check_replies(&whole);
		try_mask(text, (size_t)len, (size_t)len + 1, &shown);
		try_mask(text, (size_t)len, step, &shown_pieces);
		assert(shown.len == shown_pieces.len);
		try_login(text, (size_t)len);
	}
	buf_finish(&whole);
	buf_finish(&pieces);
	buf_finish(&shown);
	buf_finish(&shown_pieces);
	free(text);
	free(text_pieces);
	return 0;
}
