/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The file of SQLite's write-ahead log, written in one piece per commit and not page by page, and
 * synced, when the caller wishes, by a thread beside the work: the rows of one commit are written
 * while those of the one before go to the disk. Everything else is the system's own.
 *
 * A commit whose sync was left to the thread stands for everybody who reads, but is not on disk:
 * nobody may be told of it before log_synced() says so. Order is kept without waiting, because a
 * frame of the log is valid only after all frames before it (SQLite file format, section 4.2), and
 * what depends on more than that is synced at once: a new log's header before its first frame,
 * and the log before a checkpoint.
 *
 * A failed sync is final: what the kernel dropped it will not write again. The log is then broken,
 * every later commit fails, and the process is to end.
 */
struct log_sync; /* the thread and the layer; one per connection that writes */

int log_sync_create(struct log_sync **ret_sync);
void log_sync_destroy(struct log_sync *sync); /* after the connection was closed; NULL is fine */
const char *log_sync_layer(const struct log_sync *sync); /* for sqlite3_open_v2() */

/* Until it is said again: a commit's sync is left to the thread. */
void log_sync_defer(struct log_sync *sync, bool defer);
/* The newest commit whose sync was left. */
uint64_t log_sync_mark(const struct log_sync *sync);
/* Up to which mark everything is on disk; -ERR_STORE_BROKEN: the log is broken. */
int log_synced(struct log_sync *sync, uint64_t *ret_mark);
/* Becomes readable when log_synced() has news; reset by it. */
int log_sync_descriptor(const struct log_sync *sync);
/* Waits until all is on disk. */
int log_sync_wait(struct log_sync *sync);
