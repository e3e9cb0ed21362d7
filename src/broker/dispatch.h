/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call_inside.h"

/*
 * A call from its message to its answer: route, who, right, fields, answer() behind a savepoint,
 * audit in the same transaction; the reply leaves after the commit of the turn.
 */
int dispatch_message(struct broker *broker, struct channel *channel, enum door door, uint32_t uid,
	struct message *message);
/* A deferred call goes on: resume() in the open turn. */
void dispatch_resume(struct broker *broker, struct call *call, int result);
/* The peer that asked is gone: its deferred calls have nobody to answer to. */
void dispatch_forget(struct broker *broker, const struct channel *channel);
/* Decides one call: 0, -ERR_..., or -ERR_AGAIN when it is deferred. Inside an open turn. */
int dispatch_run(struct broker *broker, struct call *call);
