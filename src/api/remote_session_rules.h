/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"
#include "broker/policy.h"

/*
 * What must hold before a session is made, as a table that is walked once: by POST remote/session
 * for the first complaint, and by its `check` for what is said of each.
 */
/* What the checks found, one after the other. */
struct wish {
	struct user_row user;
	struct device_row device; /* the one the credential is registered on */
	struct device_row target; /* the one that is reached: usually the same */
	struct credential_row credential;
	struct login login; /* usually it logs in itself */
	bool alone;         /* its policy allows no second session with it */
	char protocol[PROTOCOL_SIZE];
	int64_t port_asked; /* 0: the first that is listed */
	bool spoken;        /* the protocol is among the connectivities of the target */
	uint16_t port, width, height;
	char remote_addr[ADDRESS_SIZE];
};

void wish_finish(struct wish *wish);

/* name: of the parameter, or of what it is about. 0 or -ERR_..., with the call's own words. */
struct rule {
	const char *name;
	int (*holds)(struct broker *broker, struct call *call, struct wish *wish);
	bool of_gateway; /* what it complains of is no fault, and yet not the caller's */
};
extern const struct rule session_rules[]; /* ends with a row without name */
