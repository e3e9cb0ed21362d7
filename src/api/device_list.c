/* SPDX-License-Identifier: Apache-2.0 */
/* device list: each with what it speaks and the host key that is pinned. */
#include <stdio.h>
#include <string.h>

#include "api/connectivity.h"
#include "api/control.h"
#include "api/endpoints.h"
#include "api/fingerprint.h"

static const struct field fields[] = { LIST_FIELDS, {} };

/* The SSH host key: the one that matters to whoever reads the list. */
static int write_pin(struct call *call, struct json *json, int64_t device_id)
{
	struct pin_row pins[PINS_MAX];
	char fingerprint[FINGERPRINT_SIZE], text[sizeof pins->algorithm + FINGERPRINT_SIZE];
	int count = store_pin_list(call_store(call), device_id, "ssh", pins);
	if (count > 0)
		snprintf(text, sizeof text, "%s %s", pins[0].algorithm,
			fingerprint_format(pins[0].fingerprint, fingerprint));
	json_text(json, "host_key", count > 0 ? text : NULL);
	return count < 0 ? count : 0;
}

static int write_device(void *context, const struct device_row *device)
{
	struct call *call = context;
	struct json *json = call_json(call);
	char spoken[CONNECTIVITIES_SIZE];
	int r = connectivities_text(call_store(call), device->id, spoken);
	json_open_object(json, NULL);
	json_id(json, "id", device->id);
	json_text(json, "hostname", device->hostname);
	json_text(json, "ip", device->ip);
	json_text(json, "domain", device->domain[0] != '\0' ? device->domain : NULL);
	json_text(json, "connectivity", spoken);
	json_bool(json, "any_port", device->any_port);
	if (r == 0)
		r = write_pin(call, json, device->id);
	json_text(json, "tags", device->tags);
	json_time(json, "created_at", device->created_at);
	json_time(json, "disabled_at", device->disabled_at);
	json_close_object(json);
	return r < 0 ? r : call_list_row(call, device->id);
}

static int write_page(struct call *call, const struct store_page *page)
{
	return store_device_page(call_store(call), 0, page, write_device, call);
}

static int answer(struct broker *broker, struct call *call)
{
	return call_list(call, "devices", write_page);
}

const struct endpoint control_device_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "device/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Devices",
	.answer = answer,
};
