/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"
#include "wire/messages.h"

/*
 * Fetches the host key a registered target shows, by a worker that holds no secret. For answer():
 *
 *	return probe_start(broker, call, &device, "ssh", 22, resume);
 *
 * returns -ERR_AGAIN (the call is deferred) or an error. resume() gets 0 or -ERR_PROBE_FAILED,
 * -ERR_TARGET_UNREACHABLE ..; then probe_result() holds algorithm and blob, until resume() returns.
 */
struct device_row;
int probe_start(struct broker *broker, struct call *call, const struct device_row *device,
	const char *protocol, uint16_t port, int (*resume)(struct broker *, struct call *, int));
const struct msg_probe *probe_result(const struct call *call);
