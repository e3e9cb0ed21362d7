/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/settings.h"

/*
 * The API's envelope (contract section 2) for the errors that never reach the broker. error: an
 * enum error, either sign; its status and text come from errors.def.
 */
int envelope_write(struct buf *out, const struct settings *settings, int error, const char *detail);
/* For the page that opens a session: {"error":"TICKET_REFUSED","message":".."} */
int refusal_write(struct buf *out, int error);
