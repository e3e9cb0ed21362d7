/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void hex_encode(char *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[from[i] >> 4];
		*out++ = digits[from[i] & 15];
	}
	*out = '\0';
}

int hex_decode(void *out, size_t size, const char *text, size_t len)
{
	uint8_t *to = out;

	if (len % 2 != 0)
		return -ERR_MALFORMED;
	if (len / 2 > size)
		return -ERR_TOO_LARGE;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_value(text[i]), low = hex_value(text[i + 1]);

		if (high < 0 || low < 0)
			return -ERR_MALFORMED;
		*to++ = (uint8_t)(high << 4 | low);
	}
	return (int)(len / 2);
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)from[i] << 16;

		group |= have > 1 ? (uint32_t)from[i + 1] << 8 : 0;
		group |= have > 2 ? (uint32_t)from[i + 2] : 0;
		*out++ = base64_digits[group >> 18];
		*out++ = base64_digits[group >> 12 & 63];
		*out++ = have > 1 ? base64_digits[group >> 6 & 63] : '=';
		*out++ = have > 2 ? base64_digits[group & 63] : '=';
	}
	*out = '\0';
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four digits, the last `padding` of them '='. -1 when one is wrong or a dropped bit is set. */
static int32_t base64_group(const char *text, unsigned padding)
{
	int32_t group = 0;

	for (unsigned i = 0; i < 4; i++) {
		int value = i < 4 - padding ? base64_value(text[i]) : 0;

		if (value < 0)
			return -1;
		group = group << 6 | value;
	}
	if ((padding == 1 && (group & 0xff)) || (padding == 2 && (group & 0xffff)))
		return -1;
	return group;
}

int base64_decode(void *out, size_t size, const char *text, size_t len)
{
	uint8_t *to = out;
	size_t padding = 0, total;

	if (len % 4 != 0)
		return -ERR_MALFORMED;
	if (len > 0 && text[len - 1] == '=')
		padding = text[len - 2] == '=' ? 2 : 1;
	total = len / 4 * 3 - padding;
	if (total > size || total > INT32_MAX)
		return -ERR_TOO_LARGE;
	for (size_t i = 0; i < len; i += 4) {
		unsigned missing = i + 4 == len ? (unsigned)padding : 0;
		int32_t group = base64_group(text + i, missing);

		if (group < 0)
			return -ERR_MALFORMED;
		for (unsigned b = 0; b < 3 - missing; b++)
			*to++ = (uint8_t)(group >> (16 - 8 * b));
	}
	return (int)total;
}

static bool unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

int percent_encode(struct buf *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t *from = bytes;

	for (size_t i = 0; i < len; i++) {
		char code[3] = { '%', digits[from[i] >> 4], digits[from[i] & 15] };
		int r = unreserved(from[i]) ? buf_append(out, &from[i], 1)
					    : buf_append(out, code, sizeof(code));

		if (r < 0)
			return r;
	}
	return 0;
}

/* 1 outside of least to most, 0 inside, without a branch. */
static unsigned outside(int c, int least, int most)
{
	return (unsigned)((c - least) | (most - c)) >> 31;
}

int percent_plain(const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	unsigned reserved = 0;

	for (size_t i = 0; i < len; i++)
		reserved |= outside(from[i], 'a', 'z') & outside(from[i], 'A', 'Z') &
			    outside(from[i], '0', '9') & outside(from[i], '-', '.') &
			    outside(from[i], '_', '_') & outside(from[i], '~', '~');
	return (int)(reserved ^ 1);
}

int percent_decode(void *out, size_t size, const char *text, size_t len, int plus_is_space)
{
	uint8_t *to = out;
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (used == size || used == INT32_MAX)
			return -ERR_TOO_LARGE;
		if (byte == '+' && plus_is_space)
			byte = ' ';
		if (byte == '%') {
			if (len - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
				return -ERR_MALFORMED;
			byte = (uint8_t)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
			i += 2;
		}
		to[used++] = byte;
	}
	return (int)used;
}

/* How many continuation bytes follow, and what the first may be (RFC 3629, section 4). */
static int utf8_shape(uint8_t first, uint8_t *ret_least, uint8_t *ret_most)
{
	*ret_least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*ret_most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef)
		return 2;
	return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

int utf8_valid(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint8_t least, most;

	for (size_t i = 0; i < len;) {
		int follow = utf8_shape(at[i++], &least, &most);

		if (follow < 0 || (size_t)follow > len - i)
			return false;
		for (; follow > 0; follow--, i++) {
			if (at[i] < least || at[i] > most)
				return false;
			least = 0x80;
			most = 0xbf;
		}
	}
	return true;
}
