/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST device: creates the device of this host name, or updates it. What is left out stays as it
 * is; the order of the fields is that of the complaints.
 */
#include <string.h>

#include "api/device.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "base/mem.h"

static const struct field fields[] = {
	{ "hostname", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_HOSTNAME_MISSING, ERR_PARAMETER_INVALID },
	{ "ip", FIELD_TEXT, ADDRESS_SIZE - 1, ERR_IP_MISSING, ERR_PARAMETER_INVALID },
	{ "site", FIELD_TEXT, NAME_SIZE - 1, ERR_SITE_MISSING, ERR_PARAMETER_INVALID },
	{ "model", FIELD_TEXT, NAME_SIZE - 1, ERR_MODEL_MISSING, ERR_PARAMETER_INVALID },
	{ "vendor", FIELD_TEXT, NAME_SIZE - 1, ERR_VENDOR_MISSING, ERR_PARAMETER_INVALID },
	{ "type", FIELD_TEXT, NAME_SIZE - 1, ERR_TYPE_MISSING, ERR_PARAMETER_INVALID },
	{ "device_domain", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_NONE, ERR_DOMAIN_UNKNOWN },
	{ "device_tags", FIELD_TEXT, DEVICE_TAGS_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "connectivities", FIELD_TEXT, 1023, ERR_NONE, ERR_PROTOCOL_INVALID },
	{ "session_remote_config", FIELD_TEXT, DEVICE_CONFIG_SIZE - 1, ERR_NONE,
		ERR_PARAMETER_INVALID },
	{},
};

static int take_texts(struct call *call, struct device_row *device)
{
	int r = device_take_text(call, "site", device->site, sizeof device->site);

	if (r == 0)
		r = device_take_text(call, "model", device->model, sizeof device->model);
	if (r == 0)
		r = device_take_text(call, "vendor", device->vendor, sizeof device->vendor);
	if (r == 0)
		r = device_take_text(call, "type", device->type, sizeof device->type);
	if (r == 0)
		r = device_take_text(call, "device_tags", device->tags, sizeof device->tags);
	return r;
}

static int take_fields(struct call *call, struct device_row *device)
{
	const char *domain = call_text(call, "device_domain"),
		   *config = call_text(call, "session_remote_config");
	int r = device_take_ip(call, call_text(call, "ip"), device);

	if (r == 0)
		r = device_take_hostname(call, call_text(call, "hostname"), device);
	if (r == 0)
		r = take_texts(call, device);
	if (r == 0 && domain != NULL)
		r = device_take_domain(call, domain, device);
	if (r == 0 && config != NULL)
		r = device_take_config(call, config, device);
	return r;
}

static bool is_same(const struct device_row *one, const struct device_row *other)
{
	return strcmp(one->hostname, other->hostname) == 0 && strcmp(one->ip, other->ip) == 0 &&
	       strcmp(one->site, other->site) == 0 && strcmp(one->model, other->model) == 0 &&
	       strcmp(one->vendor, other->vendor) == 0 && strcmp(one->type, other->type) == 0 &&
	       strcmp(one->tags, other->tags) == 0 && strcmp(one->domain, other->domain) == 0 &&
	       strcmp(one->session_remote_config, other->session_remote_config) == 0;
}

/* Host names are one space for everybody: one that is another's cannot be had, and that is said. */
static int check_held(struct call *call, const struct device_row *device)
{
	int sight = store_device_sight(
		call_store(call), call_principal(call)->authorization_id, device->id);

	if (sight == DEVICE_ABSENT)
		return -ERR_NAME_TAKEN;
	return sight == DEVICE_SEEN ? -ERR_READ_ONLY : sight;
}

static int create(struct call *call, struct device_row *device, bool *ret_changed)
{
	const char *spoken = call_text(call, "connectivities");

	*device = (struct device_row){ .created_at = call_now(call),
		.owner_authorization = call_principal(call)->authorization_id };
	int r = take_fields(call, device);
	if (r == 0)
		r = store_device_add(call_store(call), device, &device->id);
	if (r == 0 && spoken != NULL)
		r = device_speak(call, device->id, spoken);
	if (r < 0)
		return r;
	*ret_changed = true;
	call_message(call, "Device successfully registered!", NULL);
	return 0;
}

static int update(struct call *call, struct device_row *device, bool *ret_changed)
{
	const char *spoken = call_text(call, "connectivities");
	struct device_row before = *device;
	int other = 0, r = check_held(call, device);

	if (r >= 0)
		r = take_fields(call, device);
	if (r == 0 && spoken != NULL)
		r = other = device_speak(call, device->id, spoken);
	if (r < 0)
		return r;
	*ret_changed = other > 0 || !is_same(&before, device);
	call_message(call, "Device updated successfully!", NULL);
	device->changed_at = call_now(call);
	return *ret_changed ? store_device_set(call_store(call), device) : 0;
}

static int answer(struct broker *broker, struct call *call)
{
	struct device_row device;
	bool changed = false;
	const char *hostname = call_text(call, "hostname");
	int r = store_device_by_hostname(call_store(call), hostname, &device);

	(void)broker;
	call_object(call, "device:%s", hostname);
	if (r == -ERR_NOT_FOUND)
		r = create(call, &device, &changed);
	else if (r == 0)
		r = update(call, &device, &changed);
	if (r < 0)
		return r;
	json_text(call_audit(call), "ip", device.ip);
	json_bool(call_audit(call), "changed", changed);
	call_changed(call, changed);
	return device_write(call, &device);
}

const struct endpoint device_register = {
	.door = DOOR_API,
	.method = "POST",
	.path = "device",
	.need = NEED_WRITE,
	.resource = RESOURCE_PAM_CORE,
	.audit = "device.registered",
	.fields = fields,
	.status = 201,
	.message = "Device successfully registered!",
	.answer = answer,
};
