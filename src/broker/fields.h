/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call_inside.h"

/* Takes the parameters of a message into the call. -ERR_MALFORMED, -ERR_TOO_LARGE. */
int fields_read(struct call *call, const uint8_t *tail, size_t len);
/*
 * Checks them against the endpoint's fields, in the fields' order: the first complaint is the
 * answer. Unknown parameters are remembered, to be named in `detail`.
 */
int fields_check(struct call *call);
