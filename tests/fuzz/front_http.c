/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as strangers send them. What is accepted must be accepted alike when it arrives in two
 * pieces, must lie inside its bytes, and must have nothing in it that a second reader could read
 * another way.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "front/http.h"
#include "front/path.h"

static void inside(struct slice slice, const char *bytes, size_t len)
{
	assert(!slice.at || (slice.at >= bytes && slice.at + slice.len <= bytes + len));
	assert(!slice.at || !memchr(slice.at, '\n', slice.len));
	assert(!slice.at || !memchr(slice.at, '\r', slice.len));
	assert(!slice.at || !memchr(slice.at, 0, slice.len));
}

static void try_path(struct slice raw)
{
	char path[512], again[512];
	int len = path_canonical(path, sizeof path, raw.at, raw.len);
	if (len < 0)
		return;
	assert((size_t)len == strlen(path) && path[0] == '/');
	assert(!strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./"));
	if (!strchr(path, '%')) {
		assert(path_canonical(again, sizeof again, path, (size_t)len) == len);
		assert(strcmp(path, again) == 0);
	}
}

/* In one piece and byte by byte: the same body, the same rest, or the same refusal. */
static void try_chunks(const uint8_t *data, size_t size)
{
	uint8_t *whole = malloc(size + 1), *pieces = malloc(size + 1);
	struct http_chunked one = { 0 }, many = { 0 };
	size_t len = size, held = 0, fed = 0;
	memcpy(whole, data, size);
	int r = http_dechunk(&one, whole, &len), s = 0;
	while (s == 0 && fed < size) {
		pieces[held++] = data[fed++];
		s = http_dechunk(&many, pieces, &held);
	}
	assert((r < 0) == (s < 0) && (r == 1) == (s == 1));
	assert(r < 0 || (one.body_len == many.body_len && one.body_len <= HTTP_BODY_MAX));
	assert(r < 0 || memcmp(whole, pieces, one.body_len) == 0);
	assert(r != 1 || len - one.body_len == held - many.body_len + (size - fed));
	free(whole);
	free(pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request request, cut;
	char *bytes = malloc(size ? size : 1);
	memcpy(bytes, data, size);
	int len = http_parse(bytes, size, &request);
	if (len > 0) {
		assert((size_t)len <= size && memcmp(bytes + len - 4, "\r\n\r\n", 4) == 0);
		assert(request.field_count <= HTTP_FIELDS_MAX &&
			request.content_length <= HTTP_BODY_MAX);
		assert(!request.chunked || request.content_length == 0);
		for (unsigned i = 0; i < request.field_count; i++)
			inside(request.fields[i].value, bytes, (size_t)len);
		inside(request.path, bytes, (size_t)len);
		inside(request.query, bytes, (size_t)len);
		assert(http_parse(bytes, (size_t)len - 1, &cut) == 0);
		assert(http_parse(bytes, (size_t)len, &cut) == len);
		try_path(request.path);
		if (request.chunked)
			try_chunks(data + len, size - (size_t)len);
	}
	free(bytes);
	return 0;
}
