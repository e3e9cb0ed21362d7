/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization field of OAuth 1.0 and the base string made of it: any client may send any
 * bytes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "broker/oauth1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is the field, a zero, and then pairs of a query, each name and value ended by a zero.
 */
static unsigned split(char *text, size_t len, struct param *params)
{
	unsigned count = 0;
	size_t at = 0;

	while (at < len && count < 8) {
		const char *name = text + at;
		size_t name_len = strlen(name);
		at += name_len + 1;
		if (at >= len)
			break;
		size_t value_len = strlen(text + at);
		params[count] = (struct param){ (count & 1) != 0 ? PLACE_FORM : PLACE_QUERY,
			PARAM_TEXT, name, (uint16_t)name_len, text + at, (uint32_t)value_len };
		count++;
		at += value_len + 1;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_api_call head = { .body_is_form = 1,
		.method = "POST",
		.scheme = "https",
		.host = "gw.example:443",
		.raw_path = "/api/x" };
	struct param params[8];
	struct oauth1 oauth;

	if (size > 4096)
		return 0;
	char *text = calloc(1, size + 1);
	memcpy(text, data, size);
	size_t field = strlen(text);
	if (field < sizeof head.authorization)
		memcpy(head.authorization, text, field);
	unsigned count = field < size ? split(text + field + 1, size - field - 1, params) : 0;
	oauth1_present(&head, params, count);
	int r = oauth1_read(&oauth, &head, params, count, 137131202000);
	if (r == 0) {
		struct buf base = BUF(OAUTH1_BASE_MAX);
		assert(oauth1_base_string(&oauth, &head, params, count, &base) == 0);
		/* three parts, and what stands between them is encoded everywhere else */
		unsigned parts = 0;
		for (size_t i = 0; i < base.len; i++)
			parts += base.data[i] == '&';
		assert(parts == 2);
		buf_finish(&base);
	}
	assert(r == 0 || r == -ERR_SIGNATURE_INVALID);
	free(text);
	return 0;
}
