/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resource.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/items.h"
#include "base/mem.h"
#include "store/store.h"

static const struct {
	const char *name;
	enum resource bit;
} resources[] = {
	{ "a2a", RESOURCE_A2A },
	{ "certificate-manager", RESOURCE_CERTIFICATE_MANAGER },
	{ "dashboards", RESOURCE_DASHBOARDS },
	{ "pam-core", RESOURCE_PAM_CORE },
	{ "system", RESOURCE_SYSTEM },
	{ "task-manager", RESOURCE_TASK_MANAGER },
	{ "users", RESOURCE_USERS },
	{ "web-proxy-session", RESOURCE_WEB_PROXY_SESSION },
};

static int one_parse(char *item, uint32_t *reads, uint32_t *writes)
{
	char *colon = strchr(item, ':');
	const char *rights = colon != NULL ? colon + 1 : "r";
	bool writing = strcasecmp(rights, "rw") == 0;
	if (!writing && strcasecmp(rights, "r") != 0)
		return -ERR_RESOURCE_UNKNOWN;
	if (colon != NULL)
		*colon = '\0';
	for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
		if (strcasecmp(item, resources[i].name) != 0)
			continue;
		*reads |= resources[i].bit;
		*writes |= writing ? resources[i].bit : 0;
		return 0;
	}
	return -ERR_RESOURCE_UNKNOWN;
}

int resources_parse(const char *list, uint32_t *ret_reads, uint32_t *ret_writes)
{
	uint32_t reads = 0, writes = 0;
	char item[64];
	int r;
	while ((r = items_next(&list, item, sizeof item)) > 0) {
		r = one_parse(item, &reads, &writes);
		if (r < 0)
			return r;
	}
	if (r < 0 || reads == 0)
		return -ERR_RESOURCE_UNKNOWN;
	*ret_reads = reads;
	*ret_writes = writes;
	return 0;
}

const char *resources_format(uint32_t reads, uint32_t writes, char out[RESOURCES_SIZE])
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
		if ((reads & resources[i].bit) == 0)
			continue;
		used += snprintf(out + used, RESOURCES_SIZE - used, "%s%s:%s", used > 0 ? "," : "",
			resources[i].name, (writes & resources[i].bit) != 0 ? "rw" : "r");
		assert(used < RESOURCES_SIZE); /* all of them fit */
	}
	return out;
}
