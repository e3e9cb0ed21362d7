/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"

/* Length of the UTF-8 character at bytes[0], or 0 when it is none. */
static size_t character_len(const uint8_t *bytes, size_t len)
{
	for (size_t n = 1; n <= MIN(len, (size_t)4); n++)
		if (utf8_valid(bytes, n))
			return n;
	return 0;
}

static uint32_t code_point(const uint8_t *bytes, size_t n)
{
	static const uint8_t first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t code = bytes[0] & first[n];

	for (size_t i = 1; i < n; i++)
		code = code << 6 | (bytes[i] & 0x3f);
	return code;
}

/* Controls, and the marks that let a text pretend to be another one. */
static bool dangerous(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

/* What stands for the character; its length is *ret_len. */
static const char *piece_for(
	const uint8_t *bytes, size_t n, enum plain_shape shape, size_t *ret_len)
{
	*ret_len = 1;
	if (n == 0)
		return "?";
	if (bytes[0] == '\r')
		*ret_len = 0; /* its line feed makes the line end */
	if (bytes[0] == '\n' && shape == PLAIN_LINES)
		*ret_len = 2;
	if (bytes[0] == '\n' || bytes[0] == '\r')
		return shape == PLAIN_LINES ? "\r\n" : " ";
	if (bytes[0] == '\t')
		return shape == PLAIN_LINES ? "\t" : " ";
	if (dangerous(code_point(bytes, n)))
		return "?";
	*ret_len = n;
	return (const char *)bytes;
}

size_t plain_text(char *out, size_t size, const void *text, size_t len, enum plain_shape shape)
{
	const uint8_t *bytes = text;
	size_t written = 0;

	for (size_t at = 0; at < len;) {
		size_t n = character_len(bytes + at, len - at), piece_len;
		const char *piece = piece_for(bytes + at, n, shape, &piece_len);

		if (written + piece_len + 1 > size)
			break;
		memcpy(out + written, piece, piece_len);
		written += piece_len;
		at += MAX(n, (size_t)1);
	}
	if (size > 0)
		out[written] = '\0';
	return written;
}
