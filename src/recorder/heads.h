/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/settings.h"
#include "recorder/corridor.h"
#include "wire/audit.h"
#include "wire/wire.h"

/*
 * Each signature of a recording on its way to the witness, the moment it is made. Nothing waits for
 * it: a witness that is away, or does not read, hears the newest of each recording when it is back,
 * those that ended meanwhile included.
 */
#define HEADS_ENDED_MAX 256 /* ended recordings whose last head is kept for a new witness */
#define HEADS_RETRY_MS 1000

struct heads {
	struct loop *loop;
	struct corridor *const *corridors; /* the recorder's list */
	struct channel *channel;           /* to the witness, or NULL */
	bool wanted;                       /* by the settings */
	bool owes;                         /* something could not be said */
	struct timer *retry;
	struct recording_head *ended; /* a ring, the oldest is overwritten */
	unsigned ended_next, ended_count;
};

void heads_init(struct heads *heads, struct loop *loop, const struct settings *settings,
	struct corridor *const *corridors);
void heads_finish(struct heads *heads);
void heads_meet(struct heads *heads, int fd); /* a witness, or another; owns fd */
/* A signature was made on this corridor's tape. */
void heads_signed(struct heads *heads, const struct corridor *corridor);
