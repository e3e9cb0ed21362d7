/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Decoders return the number of bytes written, or -ERR_MALFORMED / -ERR_TOO_LARGE. */
void hex_encode(char *out, const void *bytes, size_t len); /* 2 * len digits and a NUL */
int hex_decode(void *out, size_t size, const char *text, size_t len);
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void base64_encode(char *out, const void *bytes, size_t len); /* RFC 4648 section 4, padded, NUL */
/* Strict: canonical padding required, no white space. */
int base64_decode(void *out, size_t size, const char *text, size_t len);
/* RFC 3986: everything but unreserved becomes %XX, upper case (RFC 5849 section 3.6). */
int percent_encode(struct buf *out, const void *bytes, size_t len);
/* True when percent_encode() would change nothing. Takes as long whatever the bytes are. */
int percent_plain(const void *bytes, size_t len);
/* Strict: '%' needs two digits. plus_is_space as in HTML forms. */
int percent_decode(void *out, size_t size, const char *text, size_t len, int plus_is_space);
/* RFC 3629, shortest forms only, no surrogates. True when valid. */
int utf8_valid(const void *bytes, size_t len);
