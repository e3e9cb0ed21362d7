/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the target's words during a login and says what to do next. It types nothing itself and
 * never sees the secret. Prompts are recognised at the end of what was written so far, messages
 * anywhere in a line; expressions as in drivers/expect.h. A line counts as written when its end
 * came, or when the target has been quiet for LOGIN_QUIET_MS.
 */
#define LOGIN_LINE_MAX 256 /* newest bytes of the unfinished line that are looked at */
#define LOGIN_QUIET_MS 300
#define LOGIN_NAMELESS_MS                                                                          \
	700 /* quiet after which a password prompt without a name before it counts */

enum login_phase {
	LOGIN_NAME,     /* waits for the prompt for the user name */
	LOGIN_PASSWORD, /* the name was typed: waits for the prompt for the password */
	LOGIN_VAULT,    /* the prompt came: the vault is asked */
	LOGIN_ANSWER,   /* the secret was typed: in or not? */
	LOGIN_DONE,
};
enum login_act { LOGIN_NOTHING, LOGIN_TYPE_NAME, LOGIN_ASK_VAULT, LOGIN_IN, LOGIN_REFUSED };

struct login {
	const char *name_prompt, *password_prompt, *success, *failure;
	enum login_phase phase;
	char line[LOGIN_LINE_MAX];
	size_t line_len;
	enum { PLAIN_TEXT, AFTER_ESCAPE, IN_SEQUENCE, IN_STRING } escape;
	bool something; /* words other than blanks and stars since the secret was typed */
	bool failed;    /* a line said that the login failed */
	bool succeeded; /* something matched the expression for success */
};

/* expect: the four expressions of the birth record; empty ones mean the defaults. */
void login_init(struct login *login, const char expect[4][128]);
/* The target wrote this. */
void login_feed(struct login *login, const void *bytes, size_t len);
/* What to do now, quiet_ms after the target's last byte. Moves the phase along. */
enum login_act login_decide(struct login *login, unsigned quiet_ms);
void login_secret_typed(struct login *login);
