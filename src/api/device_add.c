/* SPDX-License-Identifier: Apache-2.0 */
/* device add, device edit: what sessions can reach, at which address, and what it speaks. */
#include <stdio.h>
#include <string.h>

#include "api/connectivity.h"
#include "api/control.h"
#include "api/device.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "base/items.h"
#include "base/mem.h"

/* What may be said of a device, new or not. */
#define DESCRIPTION                                                                                \
	{ "domain", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },              \
		{ "any_port", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },                    \
		{ "model", FIELD_TEXT, NAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },           \
		{ "vendor", FIELD_TEXT, NAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },          \
		{ "type", FIELD_TEXT, NAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },            \
		{ "site", FIELD_TEXT, NAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },            \
		{ "tags", FIELD_TEXT, DEVICE_TAGS_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },     \
	{                                                                                          \
		"session_remote_config", FIELD_TEXT, DEVICE_CONFIG_SIZE - 1, ERR_NONE,             \
			ERR_PARAMETER_INVALID                                                      \
	}
static const struct field add_fields[] = {
	{ "hostname", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "ip", FIELD_TEXT, ADDRESS_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "connectivity", FIELD_TEXT, 1023, ERR_PARAMETER_MISSING, ERR_PROTOCOL_INVALID },
	DESCRIPTION,
	{},
};
static const struct field edit_fields[] = {
	{ "hostname", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "ip", FIELD_TEXT, ADDRESS_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "connectivity", FIELD_TEXT, 1023, ERR_NONE, ERR_PROTOCOL_INVALID },
	DESCRIPTION,
	{},
};

static int take_texts(struct call *call, struct device_row *device)
{
	int r = device_take_text(call, "model", device->model, sizeof device->model);
	if (r == 0)
		r = device_take_text(call, "vendor", device->vendor, sizeof device->vendor);
	if (r == 0)
		r = device_take_text(call, "type", device->type, sizeof device->type);
	if (r == 0)
		r = device_take_text(call, "site", device->site, sizeof device->site);
	return r == 0 ? device_take_text(call, "tags", device->tags, sizeof device->tags) : r;
}

static int know_domain(struct call *call, const char *name)
{
	struct domain_row domain;
	int64_t id;
	if (!hostname_fits(name))
		return call_fail(call, -ERR_PARAMETER_INVALID, "The domain is not a domain name");
	int r = store_domain_find(call_store(call), name, &domain);
	return r == -ERR_NOT_FOUND ? store_domain_add(call_store(call), name, call_now(call), &id)
				   : r;
}

/* The administrator's word is a registration: a domain that is not there yet is one from now on. */
static int take_domain(struct call *call, const char *names, struct device_row *device)
{
	const char *cursor = names;
	char name[HOSTNAME_SIZE];
	int r;
	while ((r = items_next(&cursor, name, sizeof name)) > 0) {
		r = know_domain(call, name);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : device_take_domain(call, names, device);
}

static int take_fields(struct call *call, struct device_row *device)
{
	const char *ip = call_text(call, "ip"), *domain = call_text(call, "domain"),
		   *config = call_text(call, "session_remote_config");
	int r = ip != NULL ? device_take_ip(call, ip, device) : 0;
	if (r == 0)
		r = device_take_hostname(call, control_text(call, "hostname"), device);
	if (r == 0 && domain != NULL)
		r = take_domain(call, domain, device);
	if (r == 0 && config != NULL)
		r = device_take_config(call, config, device);
	if (r == 0)
		r = take_texts(call, device);
	device->any_port = call_bool(call, "any_port", device->any_port);
	return r;
}

static void write_device(struct call *call, const struct device_row *device)
{
	struct address address;
	struct json *json = call_json(call);
	bool loopback = address_parse(&address, device->ip) == 0 &&
			address_listed(&address, "127.0.0.0/8 ::1");
	json_text(call_audit(call), "ip", device->ip);
	json_text(call_audit(call), "connectivity", call_text(call, "connectivity"));
	json_open_object(json, "device");
	json_id(json, "id", device->id);
	json_text(json, "hostname", device->hostname);
	json_text(json, "ip", device->ip);
	if (loopback)
		json_text(json, "warning", "The address is the gateway's own loopback");
	json_close_object(json);
}

static int speak(struct call *call, int64_t device_id)
{
	const char *list = call_text(call, "connectivity");
	if (list == NULL)
		return 0;
	if (list[0] == '\0') /* a device that speaks nothing cannot be reached */
		return -ERR_PROTOCOL_INVALID;
	int r = device_speak(call, device_id, list);
	return r < 0 ? r : 0;
}

static int answer_add(struct broker *broker, struct call *call)
{
	struct connectivity list[CONNECTIVITIES_MAX];
	struct device_row device = { .created_at = call_now(call) };
	call_object(call, "device:%s", control_text(call, "hostname"));
	int r = take_fields(call, &device);
	int count = connectivities_parse(control_text(call, "connectivity"), list);
	if (r < 0 || count < 0)
		return r < 0 ? r : count;
	r = store_device_add(call_store(call), &device, &device.id);
	if (r == -ERR_EXISTS)
		return -ERR_NAME_TAKEN;
	if (r == 0)
		r = speak(call, device.id);
	if (r == 0)
		write_device(call, &device);
	return r;
}

static int answer_edit(struct broker *broker, struct call *call)
{
	struct device_row device;
	int r = control_device(call, "hostname", &device);
	if (r == 0)
		r = take_fields(call, &device);
	if (r == 0)
		r = speak(call, device.id);
	device.changed_at = call_now(call);
	if (r == 0)
		r = store_device_set(call_store(call), &device);
	if (r == 0)
		write_device(call, &device);
	return r;
}

const struct endpoint control_device_add = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "device/add",
	.need = NEED_WRITE,
	.audit = "device.added",
	.fields = add_fields,
	.message = "Device added",
	.answer = answer_add,
};
const struct endpoint control_device_edit = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "device/edit",
	.need = NEED_WRITE,
	.audit = "device.changed",
	.fields = edit_fields,
	.message = "Device changed",
	.answer = answer_edit,
};
