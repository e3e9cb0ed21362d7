/* SPDX-License-Identifier: Apache-2.0 */
/* GET device and device/{id or host name}: what an application created or may use. */
#include <stdio.h>

#include "api/device.h"
#include "api/endpoints.h"

static const struct field list_fields[] = { LIST_FIELDS, {} };
static const struct field no_fields[] = { {} };

static int keep(void *context, const struct device_row *device)
{
	struct call *call = context;
	struct json *json = call_json(call);

	json_open_object(json, NULL);
	json_id(json, "id", device->id);
	json_text(json, "hostname", device->hostname);
	json_text(json, "ip", device->ip);
	json_text(json, "model", device->model);
	json_text(json, "type", device->type);
	json_text(json, "vendor", device->vendor);
	json_text(json, "site", device->site);
	json_text(json, "tags", device->tags);
	json_close_object(json);
	return call_list_row(call, device->id);
}

static int write_page(struct call *call, const struct store_page *page)
{
	return store_device_page(
		call_store(call), call_principal(call)->authorization_id, page, keep, call);
}

static int count(struct call *call, int64_t since, struct store_count *ret_count)
{
	return store_device_count(
		call_store(call), call_principal(call)->authorization_id, since, ret_count);
}

static int answer_list(struct broker *broker, struct call *call)
{
	(void)broker;
	return call_counted_list(call, "devices", "devices", count, write_page);
}

static int answer_show(struct broker *broker, struct call *call)
{
	struct device_row device;
	char message[64];
	int r = device_find(call, DEVICE_SEEN, &device);

	(void)broker;
	if (r < 0)
		return r;
	snprintf(message, sizeof message, "Device %lld", (long long)device.id);
	call_message(call, message, NULL);
	return device_write(call, &device);
}

const struct endpoint device_list = {
	.door = DOOR_API,
	.method = "GET",
	.path = "device",
	.need = NEED_READ,
	.resource = RESOURCE_PAM_CORE,
	.fields = list_fields,
	.message = "N devices found",
	.answer = answer_list,
};

const struct endpoint device_show = {
	.door = DOOR_API,
	.method = "GET",
	.path = "device/{}",
	.copy = "device",
	.need = NEED_READ,
	.resource = RESOURCE_PAM_CORE,
	.fields = no_fields,
	.message = "Device N",
	.answer = answer_show,
};
