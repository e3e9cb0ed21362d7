/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/expect.h"

#include <string.h>

#include "base/mem.h"

static const char password_prompts[] =
	"password|password:|password for *:|passwort:|passwort f\xc3\xbcr *:|senha:|senha de *:|"
	"senha para *:|contrase\xc3\xb1\x61:|contrase\xc3\xb1\x61 de *:|contrase\xc3\xb1\x61 para "
	"*:|"
	"mot de passe:|mot de passe :|mot de passe de *:";
/* Words that turn a password prompt into a question for something else. */
static const char other_prompts[] =
	"new password|new unix password|(current)|current password|old password|retype|re-enter|"
	"repeat|one-time|one time| otp|otp:|otp)|token|verification|passcode|sms|nova senha|"
	"neues passwort|nueva contrase";

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Does the whole pattern match the whole text? Goes back to the newest '*' only: no explosion. */
static bool whole(const char *pattern, size_t pattern_len, const char *text, size_t len)
{
	size_t p = 0, t = 0, star = pattern_len, star_text = 0;

	while (t < len) {
		if (p < pattern_len && pattern[p] == '*') {
			star = p++;
			star_text = t;
		} else if (p < pattern_len && lower(pattern[p]) == lower(text[t])) {
			p++, t++;
		} else if (star < pattern_len) {
			p = star + 1;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (p < pattern_len && pattern[p] == '*')
		p++;
	return p == pattern_len;
}

/* The pattern with a '*' put before, and one after it when it may stand anywhere. */
static bool alternative(
	const char *pattern, size_t pattern_len, const char *text, size_t len, bool anywhere)
{
	char padded[256];

	if (pattern_len == 0 || pattern_len > sizeof padded - 2)
		return false;
	padded[0] = '*';
	memcpy(padded + 1, pattern, pattern_len);
	padded[1 + pattern_len] = '*';
	return whole(padded, pattern_len + (anywhere ? 2 : 1), text, len);
}

static bool any(const char *expression, const char *text, size_t len, bool anywhere)
{
	if (len > EXPECT_TEXT_MAX) {
		text += len - EXPECT_TEXT_MAX;
		len = EXPECT_TEXT_MAX;
	}
	for (;;) {
		size_t pattern_len = strcspn(expression, "|");

		if (alternative(expression, pattern_len, text, len, anywhere))
			return true;
		if (expression[pattern_len] == '\0')
			return false;
		expression += pattern_len + 1;
	}
}

static size_t without_blanks(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return len;
}

bool expect_at_end(const char *expression, const char *text, size_t len)
{
	return any(expression, text, without_blanks(text, len), false);
}

bool expect_within(const char *expression, const char *text, size_t len)
{
	return any(expression, text, len, true);
}

bool expect_password_prompt(const char *text, size_t len)
{
	const char *line_end;

	len = without_blanks(text, len);
	line_end = memrchr(text, '\n', len);
	if (line_end != NULL) {
		len -= (size_t)(line_end + 1 - text);
		text = line_end + 1;
	}
	return any(password_prompts, text, len, false) && !any(other_prompts, text, len, true);
}
