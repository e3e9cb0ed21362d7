/* SPDX-License-Identifier: Apache-2.0 */
/* device disable, device enable: its credentials are suspended with it, and do not come back with
 * it. */
#include "api/control.h"
#include "api/device.h"
#include "api/endpoints.h"

static const struct field fields[] = {
	{ "hostname", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{},
};

static int disable(struct broker *broker, struct call *call)
{
	struct device_row device;
	int r = control_device(call, "hostname", &device);
	return r < 0 ? r : device_disable(broker, call, &device);
}

static int enable(struct broker *broker, struct call *call)
{
	struct device_row device;
	int r = control_device(call, "hostname", &device);
	return r < 0 ? r : device_enable(call, &device);
}

const struct endpoint control_device_disable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "device/disable",
	.need = NEED_WRITE,
	.audit = "device.disabled",
	.fields = fields,
	.message = "Device disabled",
	.answer = disable,
};
const struct endpoint control_device_enable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "device/enable",
	.need = NEED_WRITE,
	.audit = "device.enabled",
	.fields = fields,
	.message = "Device enabled",
	.answer = enable,
};
