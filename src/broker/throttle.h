/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

/*
 * Who asked too often: tables of fixed size, so that a flood costs no memory; the slot unused for
 * longest makes room. Keys are hashed with a key of this process: nobody can aim at a slot.
 * An IPv6 client counts by its /64.
 *
 * Failed authentications count per client and per address for 15 minutes. From `failures` on each
 * further one doubles the wait, to 15 minutes at most. A success forgets the client's failures, not
 * the address's: one good key does not pay for guessing others.
 */
#define THROTTLE_WINDOW_MS (15 * 60 * 1000)
#define THROTTLE_REFUSALS                                                                          \
	50 /* refusals without identity that are audited one by one in a window                    \
	    */

struct throttle;
int throttle_create(int64_t failures, int64_t calls_per_second, struct throttle **ret_throttle);
void throttle_destroy(struct throttle *throttle);

/* One call by this address. 0, or the seconds it must wait. Times are monotonic milliseconds. */
unsigned throttle_call(struct throttle *throttle, const struct address *address, uint64_t now);
/* May this client, from this address, try to authenticate now? 0, or the seconds to wait. */
unsigned throttle_wait(
	struct throttle *throttle, const char *client, const struct address *address, uint64_t now);
void throttle_failed(
	struct throttle *throttle, const char *client, const struct address *address, uint64_t now);
void throttle_succeeded(struct throttle *throttle, const char *client);
/*
 * Strangers must not be able to fill the audit: true while a refusal of this address should get a
 * row of its own; *ret_omitted: how many before it, in an earlier window, did not.
 */
bool throttle_audited(struct throttle *throttle, const struct address *address, uint64_t now,
	unsigned *ret_omitted);
