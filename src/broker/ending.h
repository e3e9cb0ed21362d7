/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

/*
 * Ends sessions because something they stand on ended. Called inside a call's transaction: the row
 * and its audit line are written there; processes are stopped after the commit. `reason` is shown
 * to the person and kept.
 */
struct broker;
enum ending_of {
	ENDING_SESSION, /* id: the session's row id */
	ENDING_USER,
	ENDING_DEVICE,
	ENDING_CREDENTIAL,
	ENDING_AUTHORIZATION,
	ENDING_UNCOVERED,  /* the authorization's, with credentials it reaches no more */
	ENDING_EVERYTHING, /* id is ignored */
};
/*
 * Returns how many sessions it ended, opened or not, or an error. -ERR_NOT_FOUND only for
 * ENDING_SESSION with an id there is not; a session that had ended already counts as 0.
 */
int ending_of(struct broker *broker, enum ending_of what, int64_t id, const char *reason);

/* For `status`: figures of the running gateway. */
struct figures {
	unsigned live, starting, viewers;
	uint64_t calls, refused, sessions_since_start;
	int64_t started_at;
	unsigned front_connected, vault_connected, recorder_connected;
};
void broker_figures(const struct broker *broker, struct figures *ret_figures);
/* Asks the supervisor to end the gateway; the answer to the call still leaves. */
int broker_stop_gateway(struct broker *broker);
