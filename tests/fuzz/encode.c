/* SPDX-License-Identifier: Apache-2.0 */
/* The decoders every request goes through: whatever is accepted must encode back to itself. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"

/* Text as bytes of exactly its length, so that reading past it is found. */
static void try_base64(const char *text, size_t len, uint8_t *out, size_t size)
{
	int count = base64_decode(out, size, text, len);

	if (count < 0)
		return;
	char *again = malloc(BASE64_SIZE((size_t)count));

	base64_encode(again, out, (size_t)count);
	assert(strlen(again) == len && memcmp(again, text, len) == 0);
	free(again);
}

static void try_hex(const char *text, size_t len, uint8_t *out, size_t size)
{
	int count = hex_decode(out, size, text, len);

	if (count < 0)
		return;
	char *again = malloc(2 * (size_t)count + 1);

	hex_encode(again, out, (size_t)count);
	assert(strlen(again) == len && strncasecmp(again, text, len) == 0);
	free(again);
}

static void try_percent(const char *text, size_t len, uint8_t *out, size_t size)
{
	struct buf encoded = BUF(3 * len);
	uint8_t *again = malloc(len + 1);
	int count = percent_decode(out, size, text, len, 1);

	if (count >= 0) {
		assert(percent_encode(&encoded, out, (size_t)count) == 0);
		assert(percent_decode(again, len, (const char *)encoded.data, encoded.len, 0) ==
			count);
		assert(memcmp(again, out, (size_t)count) == 0);
	}
	buf_finish(&encoded);
	free(again);
}

/* What the writer of JSON makes of any bytes is UTF-8, and bytes that were UTF-8 are all there. */
static void try_utf8(const char *text, size_t len)
{
	struct buf out = BUF(6 * len + 2);
	struct json json = json_begin(&out);

	json_text_len(&json, NULL, text, len);
	assert(json_finish(&json) == 0);
	assert(utf8_valid(out.data, out.len));
	if (utf8_valid(text, len))
		assert(out.len >= len + 2);
	buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = size > 0 ? data[0] % 64 + size / 2 : 0;
	uint8_t *out = malloc(room + 1);
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	try_base64(text, size, out, room);
	try_hex(text, size, out, room);
	try_percent(text, size, out, room);
	try_utf8(text, size);
	free(text);
	free(out);
	return 0;
}
