/* SPDX-License-Identifier: Apache-2.0 */
/* device add: what sessions can reach, at which address, and what it speaks. */
#include "api/connectivity.h"
#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "base/mem.h"

static const struct field fields[] = {
	{ "hostname", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "ip", FIELD_TEXT, ADDRESS_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "connectivity", FIELD_TEXT, 1023, ERR_PARAMETER_MISSING, ERR_PROTOCOL_INVALID },
	{ "domain", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "any_port", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

/* A host name that reads as an address would be found in place of the device that has it. */
static int check_hostname(struct call *call, const char *hostname, const struct address *address)
{
	struct address other;
	if (!hostname_fits(hostname))
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"A host name has letters, digits, '.', '-' and '_'");
	if (address_parse(&other, hostname) == 0 && !address_equal(&other, address))
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The host name is another address than --ip");
	return 0;
}

static int read_device(struct call *call, struct device_row *ret_device, bool *ret_loopback)
{
	struct address address;
	const char *hostname = control_text(call, "hostname"),
		   *domain = control_text(call, "domain");
	if (address_parse(&address, control_text(call, "ip")) < 0)
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The address is not an IPv4 or IPv6 address");
	if (address_forbidden(&address))
		return -ERR_ADDRESS_FORBIDDEN;
	int r = check_hostname(call, hostname, &address);
	if (r < 0)
		return r;
	if (domain[0] != '\0' && !hostname_fits(domain))
		return call_fail(call, -ERR_PARAMETER_INVALID, "The domain is not a domain name");
	r = text_copy(ret_device->hostname, sizeof ret_device->hostname, hostname);
	if (r == 0)
		r = text_copy(ret_device->domain, sizeof ret_device->domain, domain);
	address_format(&address, ret_device->ip);
	ret_device->any_port = call_bool(call, "any_port", false);
	ret_device->created_at = call_now(call);
	*ret_loopback = address_listed(&address, "127.0.0.0/8 ::1");
	return r;
}

static int add_connectivities(
	struct store *store, int64_t device_id, const struct connectivity *list, int count)
{
	int r = 0;
	for (int i = 0; i < count && r == 0; i++)
		r = store_connectivity_add(store, device_id, list[i].protocol, list[i].port);
	return r;
}

static int answer(struct broker *broker, struct call *call)
{
	struct connectivity list[CONNECTIVITIES_MAX];
	struct device_row device = { 0 };
	bool loopback = false;
	call_object(call, "device:%s", control_text(call, "hostname"));
	int r = read_device(call, &device, &loopback);
	int count = connectivities_parse(control_text(call, "connectivity"), list);
	if (r < 0 || count < 0)
		return r < 0 ? r : count;
	r = store_device_add(call_store(call), &device, &device.id);
	if (r == -ERR_EXISTS)
		return -ERR_NAME_TAKEN;
	if (r == 0)
		r = add_connectivities(call_store(call), device.id, list, count);
	if (r < 0)
		return r;
	json_text(call_audit(call), "ip", device.ip);
	json_text(call_audit(call), "connectivity", control_text(call, "connectivity"));
	struct json *json = call_json(call);
	json_open_object(json, "device");
	json_id(json, "id", device.id);
	json_text(json, "hostname", device.hostname);
	json_text(json, "ip", device.ip);
	if (loopback)
		json_text(json, "warning", "The address is the gateway's own loopback");
	json_close_object(json);
	return 0;
}

const struct endpoint control_device_add = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "device/add",
	.need = NEED_WRITE,
	.audit = "device.added",
	.fields = fields,
	.message = "Device added",
	.answer = answer,
};
