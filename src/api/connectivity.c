/* SPDX-License-Identifier: Apache-2.0 */
#include "api/connectivity.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/items.h"
#include "base/mem.h"

static const struct {
	const char *name;
	uint16_t port;
	const char *shown; /* NULL: in upper case */
} protocols[] = {
	{ "http", 80, NULL },
	{ "https", 443, NULL },
	{ "mysql", 3306, "MySQL" },
	{ "rdp", 3389, NULL },
	{ "sql server", 1433, "SQL Server" },
	{ "ssh", 22, NULL },
	{ "telnet", 23, NULL },
	{ "vnc", 5900, NULL },
	{ "x11 forward", 6000, "X11 Forward" },
};

static int protocol_index(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		if (strcasecmp(word, protocols[i].name) == 0)
			return i;
	}
	return -ERR_PROTOCOL_INVALID;
}

int protocol_parse(const char *word, char ret_protocol[PROTOCOL_SIZE])
{
	int index = protocol_index(word);
	return index < 0 ? index : text_copy(ret_protocol, PROTOCOL_SIZE, protocols[index].name);
}

static int port_parse(const char *digits, uint16_t *ret_port)
{
	uint32_t port = 0;
	size_t len = strlen(digits);
	if (len == 0 || len > 5 || strspn(digits, "0123456789") != len)
		return -ERR_PORT_INVALID;
	for (; *digits != '\0'; digits++)
		port = port * 10 + (*digits - '0');
	if (port == 0 || port > UINT16_MAX)
		return -ERR_PORT_INVALID;
	*ret_port = port;
	return 0;
}

static int one_parse(char *item, struct connectivity *ret_connectivity)
{
	char *colon = strchr(item, ':');
	if (colon != NULL)
		*colon = '\0';
	int index = protocol_index(item);
	if (index < 0)
		return index;
	ret_connectivity->port = protocols[index].port;
	int r = text_copy(ret_connectivity->protocol, PROTOCOL_SIZE, protocols[index].name);
	if (r < 0 || colon == NULL)
		return r;
	return port_parse(colon + 1, &ret_connectivity->port);
}

static bool is_listed(const struct connectivity *list, int count)
{
	for (int i = 0; i < count; i++) {
		if (list[i].port == list[count].port &&
			strcmp(list[i].protocol, list[count].protocol) == 0)
			return true;
	}
	return false;
}

int connectivities_parse(const char *list, struct connectivity ret_list[CONNECTIVITIES_MAX])
{
	char item[32];
	int count = 0, r;
	while ((r = items_next(&list, item, sizeof item)) > 0) {
		if (count == CONNECTIVITIES_MAX)
			return -ERR_TOO_LARGE;
		r = one_parse(item, &ret_list[count]);
		if (r < 0)
			return r;
		if (!is_listed(ret_list, count))
			count++;
	}
	return r < 0 || count == 0 ? -ERR_PROTOCOL_INVALID : count;
}

const char *connectivity_format(const char *protocol, uint16_t port, char out[PROTOCOL_SIZE + 8])
{
	char upper[PROTOCOL_SIZE] = "";
	int index = protocol_index(protocol);
	if (index >= 0 && protocols[index].shown != NULL) {
		snprintf(out, PROTOCOL_SIZE + 8, "%s:%u", protocols[index].shown, port);
		return out;
	}
	for (size_t i = 0; i < sizeof upper - 1 && protocol[i] != '\0'; i++)
		upper[i] = toupper((unsigned char)protocol[i]);
	snprintf(out, PROTOCOL_SIZE + 8, "%s:%u", upper, port);
	return out;
}

static int add_text(void *context, const struct connectivity_row *row)
{
	char one[PROTOCOL_SIZE + 8];
	return items_add(
		context, CONNECTIVITIES_SIZE, connectivity_format(row->protocol, row->port, one));
}

int connectivities_text(struct store *store, int64_t device_id, char ret_list[CONNECTIVITIES_SIZE])
{
	ret_list[0] = '\0';
	return store_connectivity_list(store, device_id, add_text, ret_list);
}
