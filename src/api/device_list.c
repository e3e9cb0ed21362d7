/* SPDX-License-Identifier: Apache-2.0 */
/* device list: each with what it speaks and the host key that is pinned. */
#include <stdio.h>
#include <string.h>

#include "api/connectivity.h"
#include "api/control.h"
#include "api/endpoints.h"
#include "api/fingerprint.h"

static const struct field fields[] = { {} };

struct spoken {
	char list[CONNECTIVITIES_MAX * (PROTOCOL_SIZE + 8)]; /* "SSH:22,RDP:3389" */
};

static int add_spoken(void *context, const struct connectivity_row *row)
{
	struct spoken *spoken = context;
	char one[PROTOCOL_SIZE + 8];
	size_t used = strlen(spoken->list);
	snprintf(spoken->list + used, sizeof spoken->list - used, "%s%s", used > 0 ? "," : "",
		connectivity_format(row->protocol, row->port, one));
	return 0;
}

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
	struct spoken spoken = { "" };
	int r = store_connectivity_list(call_store(call), device->id, add_spoken, &spoken);
	json_open_object(json, NULL);
	json_id(json, "id", device->id);
	json_text(json, "hostname", device->hostname);
	json_text(json, "ip", device->ip);
	json_text(json, "domain", device->domain[0] != '\0' ? device->domain : NULL);
	json_text(json, "connectivity", spoken.list);
	json_bool(json, "any_port", device->any_port);
	if (r == 0)
		r = write_pin(call, json, device->id);
	json_time(json, "created_at", device->created_at);
	json_time(json, "disabled_at", device->disabled_at);
	json_close_object(json);
	return r;
}

static int answer(struct broker *broker, struct call *call)
{
	json_open_array(call_json(call), "devices");
	int r = store_device_list(call_store(call), write_device, call);
	json_close_array(call_json(call));
	return r;
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
