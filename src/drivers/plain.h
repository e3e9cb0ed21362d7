/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * Text that came from a target, made harmless for a terminal, a log line and a page: C0, C1, DEL,
 * bidirectional controls and what is not UTF-8 become '?'. Writes at most size - 1 bytes and a
 * NUL, never cuts a character in two, and returns the length.
 */
enum plain_shape {
	PLAIN_LINE,  /* line ends and tabs become blanks */
	PLAIN_LINES, /* line ends become CR LF, tabs stay */
};
size_t plain_text(char *out, size_t size, const void *bytes, size_t len, enum plain_shape shape);
