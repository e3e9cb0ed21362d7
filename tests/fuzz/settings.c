/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport.conf is written by people: any text may come, only rows of settings.def may pass. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings, untouched;
	char complaint[REASON_SIZE], *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	settings_defaults(&settings);
	untouched = settings;
	if (settings_parse(&settings, text, complaint) < 0) {
		assert(strncmp(complaint, "line ", 5) == 0);
		assert(memcmp(&settings, &untouched, sizeof(settings)) == 0);
	} else {
		assert(complaint[0] == '\0');
		assert(settings.ticket_lifetime >= 5 && settings.ticket_lifetime <= 300);
		assert(memchr(settings.gateway_tenant, '\0', NAME_SIZE) != NULL);
	}
	free(text);
	return 0;
}
