/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"
#include "drivers/driver.h"
#include "worker/agent.h"
#include "worker/batch.h"
#include "worker/digest.h"
#include "worker/refresh.h"
#include "worker/view.h"

/* Where a worker finds what it was born with. */
#define FD_TARGET 3
#define FD_VIEW 4
#define FD_VAULT 5
#define FD_BIRTH 6

/*
 * The host of one driver: everything that is the same for every protocol. One session, one loop,
 * no thread. The person's stream, the vault's stream, the target and a few timers meet here; what
 * drivers may ask is declared in drivers/driver.h.
 */
struct worker {
	struct worker_birth birth;
	struct screen screen;
	struct loop *loop;
	void *session; /* the driver's */
	enum view_state state;
	struct view view;
	struct agent agent;
	struct digest digest;   /* of what the view was given */
	struct refresh refresh; /* a keyframe on its way */
	struct batch batch;     /* of what the target sends */
	struct channel *probe;  /* only when birth.probe */
	struct watch *target_watch, *view_watch, *agent_watch;
	struct timer *wake, *login, *beat, *linger;
	struct timer *look; /* the target is looked at then, and not before */
	bool blocked;       /* the driver waits for room in the view */
	bool size_pending;  /* a SIZE frame waits for room in the view */
	bool heard;         /* the target sent something since the last beat */
	unsigned misses;    /* beats without a sign of the target */
	bool ended;
};

/* The birth and a loop are already in place. */
int host_begin(struct worker *worker);
/* In the sandbox: opens the driver and serves until the session is over. */
void host_run(struct worker *worker);
void host_finish(struct worker *worker);
/* birth.probe: tells the broker what worker_host_key() saw, or why nothing was seen. */
int probe_begin(struct worker *worker, int channel);
int probe_tell(
	struct worker *worker, int result, const char *algorithm, const void *blob, size_t len);
