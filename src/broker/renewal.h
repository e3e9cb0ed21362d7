/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"
#include "wire/wire.h"

/*
 * `sallyport reload`, as far as the broker has to do with it: it asks the supervisor, which checks
 * that it can be done and then replaces this very process among others; and it knows what runs.
 */
struct broker;

struct renewal {
	struct call *call; /* waits for the supervisor's word */
	uint32_t serial;
	struct msg_reload_answer answer;
	struct msg_generations generations;
};

/* For answer(): -ERR_AGAIN (deferred) or an error. resume() gets 0 and finds renewal_answer(). */
int renewal_ask(struct broker *broker, struct call *call, bool force,
	int (*resume)(struct broker *, struct call *, int));
const struct msg_reload_answer *renewal_answer(const struct broker *broker);
const struct msg_generations *renewal_generations(const struct broker *broker);
/* Sessions that the recorder of this generation has. */
unsigned renewal_sessions(const struct broker *broker, uint32_t generation);
int renewal_from_supervisor(struct broker *broker, struct message *message);
