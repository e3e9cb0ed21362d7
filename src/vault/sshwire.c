/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/sshwire.h"

#include <string.h>

#include "base/error.h"

int sshwire_byte(struct sshwire *wire, uint8_t *ret_value)
{
	if (wire->left < 1)
		return -ERR_MALFORMED;
	*ret_value = *wire->at++;
	wire->left--;
	return 0;
}

int sshwire_u32(struct sshwire *wire, uint32_t *ret_value)
{
	if (wire->left < 4)
		return -ERR_MALFORMED;
	const uint8_t *at = wire->at;
	*ret_value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	wire->at += 4;
	wire->left -= 4;
	return 0;
}

int sshwire_string(struct sshwire *wire, struct sshspan *ret_span)
{
	uint32_t len;
	if (sshwire_u32(wire, &len) < 0 || len > wire->left)
		return -ERR_MALFORMED;
	*ret_span = (struct sshspan){ .bytes = wire->at, .len = len };
	wire->at += len;
	wire->left -= len;
	return 0;
}

int sshwire_word(struct sshwire *wire, const char *word)
{
	struct sshspan span;
	if (sshwire_string(wire, &span) < 0 || !sshspan_is(span, word))
		return -ERR_MALFORMED;
	return 0;
}

int sshwire_mpint(struct sshwire *wire, struct sshspan *ret_span)
{
	struct sshspan span;
	if (sshwire_string(wire, &span) < 0 || span.len == 0 || (span.bytes[0] & 0x80) != 0)
		return -ERR_MALFORMED;
	if (span.bytes[0] == 0) {
		if (span.len < 2 || (span.bytes[1] & 0x80) == 0)
			return -ERR_MALFORMED;
		span.bytes++;
		span.len--;
	}
	*ret_span = span;
	return 0;
}

bool sshspan_is(struct sshspan span, const char *word)
{
	return span.len == strlen(word) && memcmp(span.bytes, word, span.len) == 0;
}

bool sshspan_equal(struct sshspan a, struct sshspan b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

int sshwire_put_byte(struct buf *out, uint8_t value)
{
	return buf_append(out, &value, 1);
}

int sshwire_put_u32(struct buf *out, uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value };
	return buf_append(out, bytes, sizeof bytes);
}

int sshwire_put_string(struct buf *out, const void *bytes, size_t len)
{
	if (len > UINT32_MAX)
		return -ERR_TOO_LARGE;
	int r = sshwire_put_u32(out, (uint32_t)len);
	return r < 0 ? r : buf_append(out, bytes, len);
}

int sshwire_put_word(struct buf *out, const char *word)
{
	return sshwire_put_string(out, word, strlen(word));
}

int sshwire_put_mpint(struct buf *out, const uint8_t *bytes, size_t len)
{
	while (len > 0 && bytes[0] == 0) {
		bytes++;
		len--;
	}
	bool sign = len > 0 && (bytes[0] & 0x80) != 0;
	int r = sshwire_put_u32(out, (uint32_t)len + sign);
	if (r == 0 && sign)
		r = sshwire_put_byte(out, 0);
	return r < 0 ? r : buf_append(out, bytes, len);
}
