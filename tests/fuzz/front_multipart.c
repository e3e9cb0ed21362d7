/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data with a Content-Type of the stranger's: everything up to the first NUL. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "front/form.h"

static struct form form;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	if (!nul)
		return 0;
	size_t type_len = (size_t)(nul - data), body_len = size - type_len - 1;
	char *type = malloc(type_len ? type_len : 1), *body = malloc(body_len ? body_len : 1);
	memcpy(type, data, type_len);
	memcpy(body, nul + 1, body_len);
	form_begin(&form);
	int r = form_multipart(&form, (struct slice){ type, (uint32_t)type_len }, body, body_len);
	assert(r == 0 || r == -ERR_MALFORMED || r == -ERR_PARAMETER_TWICE);
	free(type);
	free(body);
	return 0;
}
