/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * The wall clock says when something happened; how long something lives it must not say, because it
 * jumps. URLs and access tokens live by a clock of the broker's own, which began as the wall clock
 * and goes on by itself. A jump of the wall clock by more than a second is an audit event; the
 * order of events is their sequence.
 */
struct broker;
struct steady {
	int64_t began;      /* wall clock less machine clock, when this broker started */
	int64_t looked;     /* the same, when last looked */
	uint64_t jumped_at; /* machine clock; 0: never */
};

/*
 * Once, with the store open. What a broker before us left is worth at most a new one's time; when
 * the clock is behind what is on record, nothing.
 */
int steady_begin(struct broker *broker);
/* Called at every tick. */
void steady_look(struct broker *broker);
int64_t steady_now(const struct broker *broker); /* ms; to compare with what else came from here */
