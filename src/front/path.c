/* SPDX-License-Identifier: Apache-2.0 */
#include "front/path.h"

#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

/* The byte a percent sign stands for, or -1. */
static int decode_byte(const char *at, const char *end)
{
	uint8_t byte;
	if (end - at < 3 || hex_decode(&byte, 1, at + 1, 2) != 1)
		return -1;
	return byte;
}

static bool segment_refused(const char *segment, size_t len)
{
	return len == 0 || (len == 1 && segment[0] == '.') ||
	       (len == 2 && segment[0] == '.' && segment[1] == '.');
}

static bool segments_valid(const char *path, size_t len)
{
	const char *at = path + 1, *end = path + len;
	while (at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		const char *stop = slash ? slash : end;
		if (segment_refused(at, (size_t)(stop - at)))
			return false;
		at = stop + 1;
	}
	return true;
}

static int decode(char *out, size_t size, const char *raw, size_t len, bool lower)
{
	size_t n = 0;
	if (len == 0 || raw[0] != '/')
		return -ERR_MALFORMED;
	for (const char *at = raw, *end = raw + len; at < end; at++) {
		int byte = (unsigned char)*at;
		if (byte == '%') {
			byte = decode_byte(at, end);
			if (byte < 0 || byte == '/' || byte == '\\')
				return -ERR_MALFORMED;
			at += 2;
		}
		if (byte < 0x20 || byte == 0x7f)
			return -ERR_MALFORMED;
		if (n + 1 >= size)
			return -ERR_TOO_LARGE;
		out[n++] = (char)(lower && byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
	}
	bool slash = n > 1 && out[n - 1] == '/';
	n -= slash;
	out[n] = '\0';
	if ((slash && out[n - 1] == '/') || !segments_valid(out, n) || !utf8_valid(out, n))
		return -ERR_MALFORMED;
	return (int)n;
}

int path_canonical(char *out, size_t size, const char *raw, size_t len)
{
	return decode(out, size, raw, len, true);
}

int path_decoded(char *out, size_t size, const char *raw, size_t len)
{
	return decode(out, size, raw, len, false);
}

bool path_session(const char *path, const char *rest, char ret_session[SESSION_ID_SIZE])
{
	const char *id = path + sizeof("/session/") - 1;
	if (strncmp(path, "/session/", sizeof("/session/") - 1) != 0)
		return false;
	if (strspn(id, "0123456789abcdef") != SESSION_ID_SIZE - 1 ||
		strcmp(id + SESSION_ID_SIZE - 1, rest) != 0)
		return false;
	return text_copy_len(ret_session, SESSION_ID_SIZE, id, SESSION_ID_SIZE - 1) == 0;
}
