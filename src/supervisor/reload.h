/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/supervisor.h"

/*
 * `sallyport reload`, and SIGHUP: a new generation from the executables and settings now on disk.
 *
 *	asked	   settings, certificate and executables are looked at; nothing has changed yet
 *	executing  this process becomes the new supervisor, with its children and descriptors
 *	preparing  the next vault, which gets the old one's key, and the next recorder
 *	front	   the next front; both accept from the one socket
 *	broker	   the old broker answers what it was asked and ends; calls wait for the next one
 *	opening	   the next broker opens the store
 *	done	   the old ones finish what they have, sessions however long they take; the witness,
 *		   of which there is one, ends and starts again
 *
 * What fails before the broker's turn changes nothing. What fails after it brings the old
 * generation's broker back, from the executable it was started from.
 */

/* Checks and begins. Words and generation are in *ret_answer; result 0: it is under way. */
void reload_ask(struct supervisor *supervisor, bool force, struct msg_reload_answer *ret_answer);
void reload_begin(struct supervisor *supervisor); /* in the new executable */
void reload_ready(struct supervisor *supervisor, struct service *service);
/* True: it belongs to the reload, which has dealt with it. */
bool reload_reaped(struct supervisor *supervisor, struct service *service);
void reload_cancel(struct supervisor *supervisor); /* the gateway ends */

/*
 * takeover.c: this process in a new executable, with the same pid, its children and its open
 * descriptors. What it knows goes along in a sealed memory file of a version of its own: a live
 * takeover also needs the same wire format; an empty one, after everything has ended, needs only
 * the place.
 */
enum takeover_kind { TAKEOVER_LIVE = 1, TAKEOVER_EMPTY = 2 };
/* Does the new executable understand what it would be given? */
int takeover_try(struct supervisor *supervisor, int program, enum takeover_kind kind);
/* Returns only when it failed; everything is as before then. */
int takeover_execute(struct supervisor *supervisor, int program, enum takeover_kind kind);
/* fd is closed. -ERR_MALFORMED: not of this version, or not to be believed. */
int takeover_read(struct supervisor *supervisor, int fd, enum takeover_kind *ret_kind);
int takeover_check(int fd); /* the exit status of the trial */
