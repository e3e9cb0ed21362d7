/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/call.h"
#include "wire/wire.h"

/*
 * A list of any length leaves in pages: the first one in the turn of its call, each further one in
 * a turn of its own, when front or command line has got rid of the one before and asks for it
 * (API_MORE). So one page of a list is in memory, here and there, however slow the client is; no
 * transaction stays open meanwhile, and other calls go on in between. Pages follow each other by
 * the key of the last row. How many rows there are was settled with the first page: rows that came
 * later are not in the list (`last`), and one that was withdrawn meanwhile is missing from it.
 *
 * Before each page the caller's right to it is looked at again.
 */
#define LIST_PAGE_BYTES 32768 /* a page is sent when it has so many, */
#define LIST_PAGE_ROWS 200    /* or so many rows */
#define LISTS_MAX 64          /* on their way at once: together below what a channel queues */
#define LISTS_OF_ONE 16       /* of them, of one authorization */
#define LIST_MS 1800000       /* the longest a list may take */

struct list {
	const char *name; /* NULL: the answer is no list, or a whole one */
	list_fn *fn;
	int64_t after, last, left; /* key of the last row written; of the last row there is; rows */
	int64_t offset, since;
	unsigned rows; /* of this page */
	bool full;     /* it takes no more */
	bool busy;     /* a page of it is in this turn */
	uint64_t began_ms;
};

/* Sends the answer of a call, which is over then; or the first part of a list, which waits to be
 * asked for the next. */
void list_answer(struct call *call);
/* API_MORE or CONTROL_MORE. */
int list_more(struct broker *broker, struct channel *channel, const struct message *message);
/* Its peer is gone; all of them, whose readers are told. */
void lists_forget(struct broker *broker, const struct channel *channel);
void lists_end(struct broker *broker);
