/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"
#include "wire/wire.h"

/* What waits for the broker: connection_ask() and connection_forget() of connection.h, and here
 * what comes back. */
int question_answered(void *context, struct channel *channel, struct message *message);
/* Of an answer that comes in parts: the client took the last one; and it wants no more of them. */
void question_more(struct connection *connection);
void question_drop(struct connection *connection);
/* The broker is gone: every question is answered with that. */
void question_gone(void *context, struct channel *channel);
