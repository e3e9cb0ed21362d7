/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Expressions that recognise what a target asks: alternatives separated by '|', each plain text in
 * which '*' stands for anything. Letter case does not matter (ASCII). No regular expressions: the
 * work is bounded by pattern length times text length.
 */
#define EXPECT_TEXT_MAX 512 /* only the newest bytes of a longer text are looked at */

/* The text ends with the expression; blanks after it do not count. For prompts. */
bool expect_at_end(const char *expression, const char *text, size_t len);
/* The expression is somewhere in the text. For messages. */
bool expect_within(const char *expression, const char *text, size_t len);
/*
 * A prompt that wants the account's own password, and nothing newer or one-time: what a stored
 * password may be given to.
 */
bool expect_password_prompt(const char *text, size_t len);
