/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "recorder/corridor.h"
#include "recorder/pace.h"

/*
 * One person (or watcher) attached to a corridor. Offsets count the shared stream; between its
 * frames, never inside one, frames of this attachment alone are put (WELCOME, PONG).
 */
#define VIEWER_SLACK                                                                               \
	(64 * 1024) /* of a full ring, not promised to who comes: it is overwritten first */
#define VIEWER_CONTROL_MAX 4096 /* bytes of such frames on their way; more is somebody playing */

struct viewer {
	struct viewer *next;
	struct corridor *corridor;
	struct msg_viewer who;
	int fd;
	struct watch *watch;
	bool welcomed;
	bool dead;        /* reaped by corridor_settle() */
	bool deaf;        /* takes nothing any more; what it said is read to its end */
	bool blocked;     /* its socket is full */
	bool control_cut; /* the first control frame is partly sent */
	uint64_t sent, acknowledged;
	uint64_t boundary;     /* a start of a frame at or before sent, or the first after it */
	uint64_t begun;        /* where the frame begins that ends at boundary */
	struct sender *sender; /* counts its input; NULL: a page that does not count */
	uint8_t why;           /* enum view_gap, once it is dead */
	uint8_t farewell;      /* of the last frame, if it was one; 0 */
	uint64_t owed; /* the live edge when it came: what it may claim, however slow it is */
	struct pace pace;
	/* skip.h */
	bool joining;       /* waits for a keyframe to begin with */
	bool lost;          /* and one to go on with; sent and boundary are lost_from */
	uint64_t lost_from; /* everything before was sent, or is in rest */
	uint64_t moved_to;  /* where it went on; acknowledgements before it are old */
	struct buf rest;    /* of a frame that the ring may have forgotten */
	struct buf partial; /* of a frame from the viewer */
	struct buf control;
};

int viewer_create(struct corridor *corridor, const struct msg_viewer *join, int fd,
	struct viewer **ret_viewer);
void viewer_destroy(struct viewer *viewer);
/* It is reaped when the corridor settles; why (enum view_gap) counts when it was the last. */
void viewer_drop(struct viewer *viewer, uint8_t why);
/* Where it wants to go on; or, if that is gone, when there is a keyframe to begin with. */
void viewer_welcome(struct viewer *viewer);
/* Offsets, WELCOME, JOIN in the stream, and its window's size to the worker. */
void viewer_welcome_at(struct viewer *viewer, uint64_t offset, bool complete);
/* The oldest frame of the ring that is safe from being overwritten meanwhile. */
uint64_t viewer_oldest(const struct corridor *corridor);
/* Brings viewer->boundary up to date. True when it lies at what was sent last. */
bool viewer_boundary(struct viewer *viewer);
void viewer_send(struct viewer *viewer);
/* Reads only while `wants`; watches for room while blocked. */
void viewer_watch(struct viewer *viewer, bool wants);
bool viewer_drained(const struct viewer *viewer); /* everything there is was sent */
/* Payload of JOIN and LEAVE: u8 read-only, "ana from 192.0.2.7". Returns its length. */
size_t viewer_words(const struct viewer *viewer, uint8_t out[256]);
