/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "wire/wire.h"

/*
 * A broker's first moment: no session opens before the vault has certified its key (broker/head.h).
 * That takes milliseconds, and whoever opens a URL just then waits for it, instead of being refused
 * because a broker was started again or renewed. When the vault has spoken, or is silent for
 * EARLY_MS, they are answered as always.
 */
struct broker;

#define EARLY_MS 2000
#define EARLY_MAX 256 /* who waits; the others are answered at once */

struct early_redeem;
struct early {
	uint64_t until; /* monotonic; 0: that moment is over */
	struct early_redeem *first, **last;
	unsigned count;
	struct timer *timer;
};

void early_begin(struct broker *broker);
/* In the place of ticket_redeem(). */
int early_redeem(struct broker *broker, struct channel *front, struct message *message);
void early_over(struct broker *broker);   /* the vault has spoken: all are answered, soon */
void early_answer(struct broker *broker); /* the same at once: a front is about to end */
void early_finish(struct broker *broker);
