/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies and queries. The first byte chooses the reader, the second where the bytes are divided
 * between query and body. What is accepted must be read back from its written form, and no name
 * may be there twice in one place.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/error.h"
#include "front/form.h"

static struct form form;

static void check(void)
{
	const uint8_t *at = form.out.data, *end = at + form.out.len;
	struct param params[PARAMS_MAX];
	unsigned count = 0;
	int r;
	while (count < PARAMS_MAX && (r = params_next(&at, end, &params[count])) == 1)
		count++;
	assert(at == end && count == form.count);
	for (unsigned i = 0; i < count; i++) {
		assert(params[i].name_len > 0 && utf8_valid(params[i].name, params[i].name_len));
		assert(utf8_valid(params[i].value, params[i].value_len));
		assert(!memchr(params[i].value, 0, params[i].value_len));
		for (unsigned j = 0; j < i; j++)
			assert(params[i].place != params[j].place ||
				params[i].name_len != params[j].name_len ||
				strncasecmp(params[i].name, params[j].name, params[i].name_len) !=
					0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "application/json",
		"application/x-www-form-urlencoded", "multipart/form-data; boundary=b", NULL };
	if (size < 2)
		return 0;
	const char *type = types[data[0] & 3];
	size_t query_len = data[1] < size - 2 ? data[1] : 0, body_len = size - 2 - query_len;
	char *query = malloc(query_len + 1), *body = malloc(body_len ? body_len : 1);
	bool is_signed;
	memcpy(query, data + 2, query_len);
	memcpy(body, data + 2 + query_len, body_len);
	form_begin(&form);
	int r = form_urlencoded(&form, PLACE_QUERY, query, query_len);
	if (r == 0)
		r = form_body(&form, (struct slice){ type, type ? (uint32_t)strlen(type) : 0 },
			body, body_len, &is_signed);
	assert(r == 0 || r == -ERR_MALFORMED || r == -ERR_PARAMETER_TWICE);
	if (r == 0)
		check();
	free(query);
	free(body);
	return 0;
}
