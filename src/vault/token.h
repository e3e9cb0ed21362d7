/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "wire/wire.h"

/*
 * One question at a time to a PKCS#11 token. The code that speaks to tokens is not ours and never
 * loaded here: the supervisor starts sallyport-token for each question, gives it the PIN, and ends
 * it when it takes too long.
 */
struct vault;
/*
 * r: 0 with the answer's bytes, or -ERR_...; called once. Meanwhile token.asker and token.question
 * are still what was asked.
 */
typedef void token_fn(struct vault *vault, int r, const uint8_t *bytes, size_t len);

struct token {
	token_fn *fn;           /* NULL: nothing is asked */
	uint32_t serial, asker; /* of TOKEN_START; of the question of the broker, 0: nobody waits */
	struct msg_token_question *question; /* guarded: it may hold the material to wrap */
	struct channel *channel;
	struct timer *deadline;
};

/*
 * Asks. pin is passed on and stays the caller's; -1: the one the settings name, which is used only
 * when nothing can be lost by it. -ERR_AGAIN: one is asked already.
 */
int token_ask(struct vault *vault, bool wrap, const void *bytes, size_t len, int pin,
	uint32_t asker, token_fn *fn);
/* From the supervisor: TOKEN_STARTED. */
int token_started(struct vault *vault, struct message *message);
void token_cancel(struct vault *vault, int r); /* what is asked ends with r */
