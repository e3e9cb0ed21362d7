/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"

/* What the endpoints of a device share, on both doors. */

/*
 * The device that the path names, by row id or by host name, if this caller may see it: others' are
 * as unknown as those that do not exist. -ERR_DEVICE_UNKNOWN; -ERR_READ_ONLY when it has less of it
 * than `least`.
 */
int device_find(struct call *call, enum device_sight least, struct device_row *ret_device);
/* The whole device as the API documents it, with its name in the answer. */
int device_write(struct call *call, const struct device_row *device);

/*
 * Each checks one value and puts it into the row; a complaint is the call's. Addresses and host
 * names have one form in the store, domains are those that are registered.
 */
int device_take_ip(struct call *call, const char *ip, struct device_row *device);
int device_take_hostname(struct call *call, const char *hostname, struct device_row *device);
int device_take_domain(struct call *call, const char *domains, struct device_row *device);
int device_take_config(struct call *call, const char *config, struct device_row *device);
/* The parameter of that name, a text that people read; what was not given is kept. */
int device_take_text(struct call *call, const char *name, char *out, size_t size);
/* Replaces what it speaks by this list; "" is nothing. 1 when that is a change, 0, or an error. */
int device_speak(struct call *call, int64_t device_id, const char *connectivities);

/* Active from now on, or not: its sessions end then. */
int device_enable(struct call *call, const struct device_row *device);
int device_disable(struct broker *broker, struct call *call, const struct device_row *device);
