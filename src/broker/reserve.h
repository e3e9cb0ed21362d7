/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Disk that is kept for the day it is full: then it is given up, every session is ended, and that
 * is still written. New sessions are refused until it could be taken again. The recorder has its
 * own.
 */
#define RESERVE_BYTES (2 * 1024 * 1024)
#define RESERVE_RETRY_MS 5000

struct broker;
struct reserve {
	int fd;
	bool given;
	uint64_t retry_at;         /* when it is tried to be taken again */
	uint64_t recorder_full_at; /* when the recorder last had no room; 0: never */
};

/* Before the store is opened, which may need the room. Only an embedded store has one. */
void reserve_open(struct broker *broker);
void reserve_give(struct broker *broker);
void reserve_close(struct broker *broker);
/* Called at every tick. */
void reserve_look(struct broker *broker);
/* A recording could not be written for want of room: no new ones for a while. */
void reserve_recorder_full(struct broker *broker);
/* 0, or why no session may be created or opened now. */
int reserve_refuses(const struct broker *broker);
