/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"
#include "wire/wire.h"

/* What waits for the broker: connection_ask() and connection_forget() of connection.h, and here
 * what comes back. */
int question_answered(void *context, struct channel *channel, struct message *message);
/* The broker is gone: every question is answered with that. */
void question_gone(void *context, struct channel *channel);
