/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire/process.h"
#include "witness/file.h"
#include "witness/outlet.h"
#include "witness/positions.h"
#include "witness/syslog.h"
#include "witness/webhook.h"

/*
 * Takes evidence outside as it comes into being: heads of the audit trail and its rows from the
 * broker, heads of recordings from the recorder. It holds nothing anybody waits for: without it
 * sessions go on, unless the administrator wants otherwise (witness.required).
 */
#define WITNESS_RECORDERS_MAX 8 /* of older generations too */
#define WITNESS_LOOK_MS 1000
#define WITNESS_STOP_MS 3000           /* how long the last lines may take */
#define WITNESS_LOOKUP_MS (300 * 1000) /* names are looked up again by a new process */

struct witness {
	struct process process;
	struct channel *broker, *recorders[WITNESS_RECORDERS_MAX];
	struct position newest; /* of the trail, on disk */
	struct outlet_host host;
	struct outlet outlets[OUTLET_COUNT];
	struct file files[2];
	struct syslog syslog;
	struct webhook webhook;
	struct positions positions;
	struct timer *tick;
	uint64_t named_down_at; /* an outlet with a name is away since; 0: none is */
	uint64_t stop_at;
	bool stopping;
};

/* outlets.c: what the settings want, from what the supervisor gave. Before the walls. */
int outlets_open(struct witness *witness);
/* Inside the walls: the files are looked at, and positions known. */
void outlets_begin(struct witness *witness);
void outlets_end(struct witness *witness);
