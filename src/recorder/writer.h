/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"

/*
 * One thread that writes and syncs for all recordings, so that no session waits for a disk. What
 * is added is written in order, at once, and synced within WRITER_SYNC_MS. Beside the recordings
 * lies a file of reserved space: when the disk is full it is given up, so that what is under way
 * can still be ended properly, and taken again when there is room.
 */
struct writer;
struct writer_file;

#define WRITER_SYNC_MS 750 /* with a chunk's 250 ms: on disk within a second */
#define WRITER_QUEUE_MAX                                                                           \
	(256 * 1024)              /* waiting bytes of one recording after which its session waits */
#define WRITER_STALL_MAX_MS 10000 /* a disk that says nothing for so long is a failed disk */
#define WRITER_RESERVE (8 * 1024 * 1024) /* bytes kept free for ends */
#define WRITER_RETRY_MS 2000             /* how often a given-up reserve is tried again */

enum writer_event {
	WRITER_SYNCED, /* what was added with WRITER_TELL is on disk */
	WRITER_ROOM,   /* writer_full() was true and is not any more */
	WRITER_FAILED, /* the disk is full or broken: only WRITER_LAST may be tried now */
};
typedef void writer_fn(void *context, enum writer_event event);

enum writer_flags {
	WRITER_TELL = 1, /* sync at once, then say WRITER_SYNCED */
	WRITER_LAST = 2, /* the end of a recording: may live on the reserve without a complaint */
};

/* dir is kept open by the caller. The thread starts here: enter the sandbox first. */
int writer_create(struct loop *loop, int dir, struct writer **ret_writer);
/* Writes and syncs what waits, then ends the thread. Files that are still open are closed. */
void writer_destroy(struct writer *writer);

/* Creates the file; it must not exist. -ERR_DISK, -ERR_EXISTS. fn is called from the loop. */
int writer_open(struct writer *writer, const char *name, writer_fn *fn, void *context,
	struct writer_file **ret_file);
/* Takes ownership of bytes, always. -ERR_SYSTEM without memory. */
int writer_add(struct writer_file *file, uint8_t *bytes, size_t len, unsigned flags);
bool writer_full(struct writer_file *file); /* stop adding; WRITER_ROOM will come */
/* fn is not called any more; what waits is written, synced, and the file closed. NULL is fine. */
void writer_close(struct writer_file *file);
