/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"
#include "broker/ending.h"

/*
 * Ends the sessions that stand on what this call takes away, as ending_of() does, and says how many
 * they were in its audit row. 0 or an error.
 */
int end_and_note(struct broker *broker, struct call *call, enum ending_of what, int64_t id,
	const char *reason);
