/* SPDX-License-Identifier: Apache-2.0 */
#include "api/device.h"

#include <string.h>

#include "api/connectivity.h"
#include "api/ended.h"
#include "api/names.h"
#include "api/segment.h"
#include "base/items.h"
#include "base/mem.h"

static int row_find(struct call *call, const char *name, struct device_row *ret_device)
{
	int64_t id = segment_id(name);
	int r = -ERR_NOT_FOUND;

	if (id != 0)
		r = store_device_get(call_store(call), id, ret_device);
	return r == -ERR_NOT_FOUND ? store_device_find(call_store(call), name, ret_device) : r;
}

int device_find(struct call *call, enum device_sight least, struct device_row *ret_device)
{
	int r = row_find(call, call_segment(call, 0), ret_device);

	if (r == 0)
		r = store_device_sight(
			call_store(call), call_principal(call)->authorization_id, ret_device->id);
	if (r == -ERR_NOT_FOUND || r == DEVICE_ABSENT)
		return -ERR_DEVICE_UNKNOWN;
	if (r < 0)
		return r;
	call_object(call, "device:%s", ret_device->hostname);
	return r < (int)least ? -ERR_READ_ONLY : 0;
}

int device_write(struct call *call, const struct device_row *device)
{
	char spoken[CONNECTIVITIES_SIZE];
	struct json *json = call_json(call);
	int r = connectivities_text(call_store(call), device->id, spoken);

	json_open_object(json, "device");
	json_id(json, "id", device->id);
	json_text(json, "hostname", device->hostname);
	json_text(json, "ip", device->ip);
	json_text(json, "model", device->model);
	json_text(json, "type", device->type);
	json_text(json, "vendor", device->vendor);
	json_text(json, "site", device->site);
	json_text(json, "device_domain", device->domain);
	json_text(json, "connectivities", spoken);
	json_text(json, "session_remote_config", device->session_remote_config);
	json_text(json, "device_tags", device->tags);
	json_close_object(json);
	return r;
}

int device_take_ip(struct call *call, const char *ip, struct device_row *device)
{
	struct address address;

	if (address_parse(&address, ip) < 0)
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The address is not an IPv4 or IPv6 address");
	if (address_forbidden(&address))
		return -ERR_ADDRESS_FORBIDDEN;
	address_format(&address, device->ip);
	return 0;
}

/* One that reads as another address would be found in place of the device that has it. */
int device_take_hostname(struct call *call, const char *hostname, struct device_row *device)
{
	struct address named, own;

	if (!hostname_fits(hostname))
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"A host name has letters, digits, '.', '-' and '_'");
	if (address_parse(&named, hostname) == 0 && address_parse(&own, device->ip) == 0 &&
		!address_equal(&named, &own))
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"The host name is another address than the device's");
	return text_copy(device->hostname, sizeof device->hostname, hostname);
}

int device_take_domain(struct call *call, const char *domains, struct device_row *device)
{
	char one[HOSTNAME_SIZE], all[HOSTNAME_SIZE] = "";
	struct domain_row domain;
	int r;

	while ((r = items_next(&domains, one, sizeof one)) > 0) {
		r = store_domain_find(call_store(call), one, &domain);
		if (r < 0)
			return r == -ERR_NOT_FOUND ? -ERR_DOMAIN_UNKNOWN : r;
		if (items_add(all, sizeof all, domain.name) < 0)
			return -ERR_DOMAIN_UNKNOWN;
	}
	if (r < 0)
		return -ERR_DOMAIN_UNKNOWN;
	return text_copy(device->domain, sizeof device->domain, all);
}

int device_take_text(struct call *call, const char *name, char *out, size_t size)
{
	const char *text = call_text(call, name);

	if (text == NULL)
		return 0;
	if (text[0] != '\0' && !name_fits(text))
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "%s has characters it may not have", name);
	return text_copy(out, size, text);
}

/* PROTOCOL:EXPECT:FILL; what is expected and filled in may be empty. */
int device_take_config(struct call *call, const char *config, struct device_row *device)
{
	char protocol[PROTOCOL_SIZE];
	size_t len = strcspn(config, ":");
	bool fits = config[0] == '\0' ||
		    (config[len] == ':' && strchr(config + len + 1, ':') != NULL &&
			    text_copy_len(protocol, sizeof protocol, config, len) == 0 &&
			    protocol_parse(protocol, protocol) == 0);

	if (!fits)
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"session_remote_config has the form PROTOCOL:EXPECT:FILL");
	return text_copy(
		device->session_remote_config, sizeof device->session_remote_config, config);
}

int device_speak(struct call *call, int64_t device_id, const char *connectivities)
{
	struct connectivity list[CONNECTIVITIES_MAX];
	char before[CONNECTIVITIES_SIZE], after[CONNECTIVITIES_SIZE];
	struct store *store = call_store(call);
	int count = connectivities[0] == '\0' ? 0 : connectivities_parse(connectivities, list);
	int r = count < 0 ? count : connectivities_text(store, device_id, before);

	if (r == 0)
		r = store_connectivity_clear(store, device_id);
	for (int i = 0; i < count && r == 0; i++)
		r = store_connectivity_add(store, device_id, list[i].protocol, list[i].port);
	if (r == 0)
		r = connectivities_text(store, device_id, after);
	return r < 0 ? r : strcmp(before, after) != 0;
}

int device_enable(struct call *call, const struct device_row *device)
{
	return store_device_set_disabled(call_store(call), device->id, 0, call_now(call));
}

int device_disable(struct broker *broker, struct call *call, const struct device_row *device)
{
	int64_t now = call_now(call);
	int r = device->disabled_at != 0
			? 0
			: store_device_set_disabled(call_store(call), device->id, now, now);

	return r < 0 ? r
		     : end_and_note(broker, call, ENDING_DEVICE, device->id,
			       "The device was deactivated");
}
