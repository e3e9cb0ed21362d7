/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/settings.h"
#include "wire/wire.h"

/*
 * The broker's side of the witness: tells it the newest head that is on disk, gives it rows from
 * wherever an outlet stands, and keeps what it says of its outlets. Nothing here waits for it. What
 * it could not take outside is on record, once per outage; and when a witness is required, no
 * session is created or opened without one that took something lately.
 */
struct broker;
struct message;

#define WITNESS_SILENT_MS 5000 /* without a word for so long it counts as away */
#define WITNESS_DOWN_MS 5000   /* an outlet that is away for so long is on record */
#define WITNESS_AGAIN_MS 60000 /* and not more often */

struct witness_link {
	struct channel *channel;
	bool heard;        /* state is what it said */
	bool owes;         /* the newest head could not be told: again at the next tick */
	uint64_t heard_at; /* monotonic ms */
	struct msg_witness_state state;
	uint64_t last_until; /* of the last words; 0: not yet */
	struct timer *last_timer;
	struct outage {           /* one for each outlet, and the last for the process itself */
		uint64_t since;   /* 0: it is up */
		uint64_t said_at; /* when a row was written last */
		bool said;        /* of this outage */
		bool said_disagrees;
		uint64_t left_out; /* as last put on record */
	} outages[OUTLET_COUNT + 1];
};

void witness_came(struct broker *broker, int fd);
void witness_gone(struct broker *broker);
void witness_tell(struct broker *broker); /* head.c: the durable head moved */
void witness_look(struct broker *broker); /* every tick */
/* 0, or -ERR_WITNESS_AWAY. */
int witness_refuses(const struct broker *broker);
/* Each outlet that is up, up to the newest head. */
bool witness_has_all(const struct broker *broker);
/* The end: what was written last is taken outside, or there was no time; then the loop stops. */
void witness_last_words(struct broker *broker);
void witness_write(struct json *json, const struct broker *broker); /* for `status` */
