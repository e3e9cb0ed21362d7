/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "wire/line.h"
#include "wire/witness.h"
#include "witness/heads.h"

/*
 * One way outside. What goes there is a batch of lines at a time: rows and heads of the trail that
 * the broker gave for this outlet's position, and heads that waited. A batch is sent until it was
 * taken; then the position moves on and the next one is made. So an outlet that is slow, or away,
 * falls behind in the trail and loses no row of it.
 */
#define OUTLET_BATCH_MAX (2 * 1024 * 1024) /* bytes of lines */
#define OUTLET_HEADS_MOST 512              /* that waited, in one batch */
#define OUTLET_BACKOFF_MS 1000             /* after a failure, doubled with each */
#define OUTLET_BACKOFF_MOST_MS 60000

struct outlet;

struct outlet_kind {
	/*
	 * Puts outlet->batch outside; then, at once or later, outlet_took() or outlet_failed(). A
	 * mirror's may be empty: it shows that it could.
	 */
	void (*send)(struct outlet *outlet);
	/* Once a second. */
	void (*look)(struct outlet *outlet);
	void (*close)(struct outlet *outlet);
	/* A line in the form it has there. */
	int (*write)(struct outlet *outlet, const struct line *line, struct buf *out);
};

/* By whom outlets live: witness.c, or a test. */
struct outlet_host {
	struct loop *loop;
	/* The newest row on disk, as the broker said; 0: not yet, or it is away. */
	const struct position *newest;
	/* The answer comes by outlet_rows(). False: the broker is away. */
	bool (*ask)(void *context, const struct msg_witness_ask *ask);
	/* It took something; a position is to be kept. */
	void (*took)(void *context, struct outlet *outlet);
	void (*changed)(void *context); /* up or down */
	void *context;
};

enum outlet_stage {
	OUTLET_IDLE,
	OUTLET_ASKING, /* for rows */
	OUTLET_SENDING,
	OUTLET_WAITING, /* after a failure, with its batch */
};

struct outlet {
	enum outlet_id id;
	const struct outlet_kind *kind; /* NULL: not wanted */
	void *self;                     /* the kind's */
	const struct outlet_host *host;
	bool rows;             /* gets the trail whole; else its heads alone */
	bool recordings;       /* gets heads of recordings */
	bool whole;            /* a mirror: from row 1 on. Others begin where the trail is */
	uint64_t heartbeat_ms; /* repeats the newest head after so long without news; 0: not */
	uint32_t most;         /* bytes of packed rows in a batch */
	uint64_t backoff_ms;   /* after a first failure; 0: OUTLET_BACKOFF_MS */

	enum outlet_stage stage;
	struct position taken, sending;
	bool positioned; /* taken means something */
	bool checked;    /* this broker knows the position */
	bool headless;   /* the head of its last row is still to come */
	bool disagrees;
	struct buf batch;
	uint64_t batch_lines;
	struct heads heads;
	struct line last; /* newest audit head, for the heartbeat */

	bool up;
	unsigned failures; /* in a row */
	struct timer *retry;
	uint64_t lines;    /* taken, since the start */
	uint64_t taken_at; /* monotonic ms; 0: never */
	char why[WITNESS_WHY_SIZE];
};

/* at: where it was when the last witness ended, or NULL. The rest is filled in by the caller. */
void outlet_begin(struct outlet *outlet, const struct position *at);
void outlet_end(struct outlet *outlet);

/* A head, of the trail or of a recording. */
void outlet_head(struct outlet *outlet, const struct line *line);
/* Something may be there to do: host->newest moved, or the broker is back. */
void outlet_go(struct outlet *outlet);
void outlet_rows(struct outlet *outlet, const struct msg_witness_rows *answer, const uint8_t *tail,
	size_t len);
void outlet_broker_gone(struct outlet *outlet);
void outlet_look(struct outlet *outlet); /* once a second */

/* For kinds. */
void outlet_took(struct outlet *outlet);
void outlet_alive(struct outlet *outlet); /* there was nothing to take, and it would have */
void outlet_failed(struct outlet *outlet, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * The batch is not to be sent again: it was found how far the outlet really is. headless: its last
 * row stands there without its head.
 */
void outlet_restart(struct outlet *outlet, const struct position *at, bool headless);

void outlet_state(const struct outlet *outlet, struct outlet_state *ret_state);
bool outlet_settled(const struct outlet *outlet); /* it has everything there is */
