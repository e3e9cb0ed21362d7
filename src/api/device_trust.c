/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device trust fetches the host key a target shows now; device pin keeps it. Two calls, so that a
 * person compares in between, and what is pinned is what was shown: nothing is fetched again.
 */
#include <string.h>

#include "api/connectivity.h"
#include "api/control.h"
#include "api/endpoints.h"
#include "api/fingerprint.h"
#include "api/names.h"
#include "base/hash.h"
#include "base/mem.h"
#include "broker/drivers.h"
#include "broker/probe.h"

static const struct field trust_fields[] = {
	{ "hostname", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "protocol", FIELD_TEXT, PROTOCOL_SIZE - 1, ERR_NONE, ERR_PROTOCOL_INVALID },
	{},
};
static const struct field pin_fields[] = {
	{ "hostname", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "protocol", FIELD_TEXT, PROTOCOL_SIZE - 1, ERR_NONE, ERR_PROTOCOL_INVALID },
	{ "algorithm", FIELD_TEXT, 47, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "fingerprint", FIELD_TEXT, FINGERPRINT_SIZE - 1, ERR_PARAMETER_MISSING,
		ERR_PARAMETER_INVALID },
	{},
};

struct spoken {
	char protocol[PROTOCOL_SIZE];
	uint16_t port; /* of the first connectivity that speaks it; 0: none does */
};

static int keep_spoken(void *context, const struct connectivity_row *row)
{
	struct spoken *spoken = context;
	if (spoken->port == 0 && strcmp(row->protocol, spoken->protocol) == 0)
		spoken->port = row->port;
	return 0;
}

/* Device and protocol of the call: one the device speaks and that has a key to pin. */
static int find_spoken(struct call *call, struct device_row *ret_device, struct spoken *ret_spoken)
{
	const char *protocol = control_text(call, "protocol");
	struct spoken spoken = { .port = 0 };
	int r = control_device(call, "hostname", ret_device);
	if (r == 0)
		r = protocol_parse(protocol[0] != '\0' ? protocol : "ssh", spoken.protocol);
	if (r == 0)
		r = store_connectivity_list(call_store(call), ret_device->id, keep_spoken, &spoken);
	if (r < 0)
		return r;
	if (spoken.port == 0)
		return call_fail(call, -ERR_PROTOCOL_INVALID, "The device is not registered for %s",
			spoken.protocol);
	const struct driver_row *driver = driver_find(spoken.protocol);
	if (driver == NULL || !driver->host_key)
		return call_fail(call, -ERR_PROTOCOL_INVALID,
			"%s has no host key that could be pinned", spoken.protocol);
	*ret_spoken = spoken;
	return 0;
}

static int resume(struct broker *broker, struct call *call, int result)
{
	struct device_row device;
	struct spoken spoken = { 0 };
	struct pin_row pins[PINS_MAX];
	uint8_t hash[HASH_LEN];
	char text[FINGERPRINT_SIZE];
	int r = result < 0 ? result : find_spoken(call, &device, &spoken);
	if (r < 0)
		return r;
	const struct msg_probe *probe = probe_result(call);
	hash_sha256(hash, probe->blob, probe->blob_len);
	int pinned = store_pin_list(call_store(call), device.id, spoken.protocol, pins);
	if (pinned < 0)
		return pinned;
	json_text(call_audit(call), "algorithm", probe->algorithm);
	json_text(call_audit(call), "fingerprint", fingerprint_format(hash, text));
	struct json *json = call_json(call);
	json_open_object(json, "host_key");
	json_text(json, "hostname", device.hostname);
	json_text(json, "protocol", spoken.protocol);
	json_text(json, "algorithm", probe->algorithm);
	json_text(json, "fingerprint", text);
	json_text(json, "pinned", pinned > 0 ? fingerprint_format(pins[0].fingerprint, text) : "");
	json_hex(json, "blob_hash", hash, sizeof hash);
	json_close_object(json);
	return 0;
}

static int trust(struct broker *broker, struct call *call)
{
	struct device_row device;
	struct spoken spoken = { 0 };
	int r = find_spoken(call, &device, &spoken);
	if (r < 0)
		return r;
	return probe_start(broker, call, &device, spoken.protocol, spoken.port, resume);
}

static int pin(struct broker *broker, struct call *call)
{
	struct device_row device;
	struct spoken spoken = { 0 };
	struct pin_row row = { .pinned_at = call_now(call) };
	const char *fingerprint = control_text(call, "fingerprint");
	int r = find_spoken(call, &device, &spoken);
	if (r < 0)
		return r;
	if (fingerprint_parse(fingerprint, row.fingerprint) < 0)
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"The fingerprint is not of the form SHA256:..");
	if (!hostname_fits(control_text(call, "algorithm")))
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The algorithm is not the name of one");
	row.device_id = device.id;
	r = text_copy(row.protocol, sizeof row.protocol, spoken.protocol);
	if (r == 0)
		r = text_copy(row.algorithm, sizeof row.algorithm, control_text(call, "algorithm"));
	if (r == 0)
		r = store_pin_replace(call_store(call), &row);
	json_text(call_audit(call), "algorithm", row.algorithm);
	json_text(call_audit(call), "fingerprint", fingerprint);
	return r;
}

const struct endpoint control_device_trust = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "device/trust",
	.need = NEED_WRITE,
	.audit = "device.probed",
	.fields = trust_fields,
	.message = "Host key fetched",
	.answer = trust,
};
const struct endpoint control_device_pin = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "device/pin",
	.need = NEED_WRITE,
	.audit = "device.pinned",
	.fields = pin_fields,
	.message = "Host key pinned",
	.answer = pin,
};
