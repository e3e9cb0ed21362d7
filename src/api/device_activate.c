/* SPDX-License-Identifier: Apache-2.0 */
/* PUT and DELETE device/{id or host name}: in use or not. Nothing is ever deleted. */
#include "api/device.h"
#include "api/endpoints.h"

static const struct field fields[] = { {} };

static int activate(struct broker *broker, struct call *call)
{
	struct device_row device;
	int r = device_find(call, DEVICE_HELD, &device);

	(void)broker;
	if (r < 0)
		return r;
	return device.disabled_at == 0 ? -ERR_DEVICE_ACTIVE : device_enable(call, &device);
}

/* Said again, it is true already: clients repeat it. */
static int deactivate(struct broker *broker, struct call *call)
{
	struct device_row device;
	int r = device_find(call, DEVICE_HELD, &device);

	return r < 0 ? r : device_disable(broker, call, &device);
}

const struct endpoint device_activate = {
	.door = DOOR_API,
	.method = "PUT",
	.path = "device/{}",
	.copy = "device",
	.need = NEED_WRITE,
	.resource = RESOURCE_PAM_CORE,
	.audit = "device.enabled",
	.fields = fields,
	.message = "Device successfully activated",
	.answer = activate,
};

const struct endpoint device_deactivate = {
	.door = DOOR_API,
	.method = "DELETE",
	.path = "device/{}",
	.copy = "device",
	.need = NEED_WRITE,
	.resource = RESOURCE_PAM_CORE,
	.audit = "device.disabled",
	.fields = fields,
	.message = "Device successfully deactivated",
	.answer = deactivate,
};
