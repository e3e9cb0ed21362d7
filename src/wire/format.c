/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/format.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire_format.h"

#define MARK_LEN (sizeof WIRE_FORMAT_MARK - 1)
#define DIGITS_LEN (WIRE_FORMAT_SIZE - 1)
#define WHOLE_LEN (MARK_LEN + DIGITS_LEN)

/* Kept whatever the linker thinks of it: others look for it in the file. */
__attribute__((used, retain)) static const char mark[] = WIRE_FORMAT_MARK WIRE_FORMAT;

_Static_assert(sizeof mark == WHOLE_LEN + 1, "64 digits");

const char *wire_format(void)
{
	return mark + MARK_LEN;
}

/* The mark may stand there without digits too: whoever looks for it holds it as a string. */
static bool find(const char *bytes, size_t len, char ret_format[WIRE_FORMAT_SIZE])
{
	for (const char *at = bytes; len - (size_t)(at - bytes) >= WHOLE_LEN; at++) {
		at = memmem(at, len - (size_t)(at - bytes), WIRE_FORMAT_MARK, MARK_LEN);
		if (at == NULL || len - (size_t)(at - bytes) < WHOLE_LEN)
			return false;
		text_copy_len(ret_format, WIRE_FORMAT_SIZE, at + MARK_LEN, DIGITS_LEN);
		if (strspn(ret_format, "0123456789abcdef") == DIGITS_LEN)
			return true;
	}
	return false;
}

int wire_format_of(int fd, char ret_format[WIRE_FORMAT_SIZE])
{
	char window[65536], format[WIRE_FORMAT_SIZE];
	size_t kept = 0;
	off_t offset = 0;

	for (;;) {
		ssize_t got = pread(fd, window + kept, sizeof window - kept, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -ERR_SYSTEM : -ERR_NOT_FOUND;
		offset += got;
		size_t len = kept + (size_t)got;
		if (find(window, len, format)) {
			memcpy(ret_format, format, sizeof format);
			return 0;
		}
		kept = MIN(len, WHOLE_LEN - 1); /* it may lie across two windows */
		memmove(window, window + len - kept, kept);
	}
}
