/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/telnet/login.h"

#include <string.h>

#include "base/mem.h"
#include "drivers/expect.h"

static const char *const defaults[4] = {
	"login:|username:|user name:|user:|usuario:",
	"password:|passcode:|passwort:|senha:|password for *:",
	"", /* whatever comes after the password and is no failure */
	"login incorrect|login failed|login invalid|invalid login|authentication failed|"
	"authentication failure|access denied|permission denied|invalid password|bad password|"
	"incorrect password|% bad passwords|login timed out|too many",
};

void login_init(struct login *login, const char expect[4][128])
{
	const char **const places[4] = { &login->name_prompt, &login->password_prompt,
		&login->success, &login->failure };

	memset(login, 0, sizeof *login);
	for (unsigned i = 0; i < 4; i++)
		*places[i] = expect[i][0] != '\0' ? expect[i] : defaults[i];
}

static void judge_line(struct login *login)
{
	if (login->phase != LOGIN_ANSWER && login->phase != LOGIN_PASSWORD)
		return;
	if (expect_within(login->failure, login->line, login->line_len))
		login->failed = true;
	if (login->phase == LOGIN_ANSWER &&
		expect_within(login->success, login->line, login->line_len))
		login->succeeded = true;
}

/* The newest bytes of an endless line are what a prompt is made of. */
static void append(struct login *login, char c)
{
	if (login->line_len == sizeof login->line) {
		login->line_len = sizeof login->line / 2;
		memmove(login->line, login->line + sizeof login->line - login->line_len,
			login->line_len);
	}
	login->line[login->line_len++] = c;
	if (login->phase == LOGIN_ANSWER && strchr(" \t*", c) == NULL)
		login->something = true;
}

/* Colours and cursor movement are no words. */
static bool part_of_escape(struct login *login, char c)
{
	switch (login->escape) {
	case AFTER_ESCAPE:
		login->escape = c == '['               ? IN_SEQUENCE
				: c == ']' || c == 'P' ? IN_STRING
						       : PLAIN_TEXT;
		return true;
	case IN_SEQUENCE:
		if (c >= 0x40 && c <= 0x7e)
			login->escape = PLAIN_TEXT;
		return true;
	case IN_STRING:
		if (c == '\a')
			login->escape = PLAIN_TEXT;
		if (c == '\033')
			login->escape = AFTER_ESCAPE; /* ESC \ ends it */
		return true;
	default:
		if (c == '\033')
			login->escape = AFTER_ESCAPE;
		return c == '\033';
	}
}

static void feed_one(struct login *login, char c)
{
	if (part_of_escape(login, c))
		return;
	if (c == '\n') {
		judge_line(login);
		login->line_len = 0;
	} else if ((unsigned char)c >= ' ' && c != 0x7f) {
		append(login, c);
	}
}

void login_feed(struct login *login, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		feed_one(login, ((const char *)bytes)[i]);
}

static enum login_act decide_answer(struct login *login, unsigned quiet_ms)
{
	bool quiet = quiet_ms >= LOGIN_QUIET_MS;

	if (quiet || login->success[0] != '\0')
		judge_line(login);
	/* A prompt again is a refusal, but "Last login:" cut short by the network is none. */
	if (login->failed ||
		(quiet && (expect_at_end(login->name_prompt, login->line, login->line_len) ||
				  expect_at_end(
					  login->password_prompt, login->line, login->line_len)))) {
		login->phase = LOGIN_DONE;
		return LOGIN_REFUSED;
	}
	if (login->success[0] != '\0' ? !login->succeeded
				      : !login->something || (login->line_len > 0 && !quiet))
		return LOGIN_NOTHING;
	login->phase = LOGIN_DONE;
	return LOGIN_IN;
}

static enum login_act decide_prompt(struct login *login, unsigned quiet_ms)
{
	if (login->failed) {
		login->phase = LOGIN_DONE;
		return LOGIN_REFUSED;
	}
	if (login->phase == LOGIN_NAME &&
		expect_at_end(login->name_prompt, login->line, login->line_len)) {
		login->phase = LOGIN_PASSWORD;
		login->line_len = 0;
		return LOGIN_TYPE_NAME;
	}
	/* Some devices ask for a password only. */
	if ((login->phase == LOGIN_PASSWORD || quiet_ms >= LOGIN_NAMELESS_MS) &&
		expect_at_end(login->password_prompt, login->line, login->line_len)) {
		login->phase = LOGIN_VAULT;
		return LOGIN_ASK_VAULT;
	}
	return LOGIN_NOTHING;
}

enum login_act login_decide(struct login *login, unsigned quiet_ms)
{
	switch (login->phase) {
	case LOGIN_NAME:
	case LOGIN_PASSWORD:
		return decide_prompt(login, quiet_ms);
	case LOGIN_ANSWER:
		return decide_answer(login, quiet_ms);
	default:
		return LOGIN_NOTHING;
	}
}

void login_secret_typed(struct login *login)
{
	login->phase = LOGIN_ANSWER;
	login->line_len = 0;
	login->something = login->failed = false;
}
