/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"

/* One session as the network's list and show print it. */
void session_item_write(struct json *json, const struct session_row *session, int64_t now);
/*
 * The session that a path names, by row id or by its 40 digits, if it is this caller's own: others'
 * are as unknown as those that do not exist. -ERR_SESSION_UNKNOWN, -ERR_SESSION_ID_TYPE.
 */
int session_item_find(struct call *call, struct session_row *ret_session);
