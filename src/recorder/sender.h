/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How much each page has typed that was taken: a page counts the input frames it sends, and when it
 * comes back is told here how many of them arrived. So what it typed just before its connection
 * broke is sent again exactly when it was lost.
 */
#define SENDERS_MAX 32 /* pages remembered; at most VIEWERS_MAX of them are attached */

struct sender {
	uint64_t page;  /* its own number; 0: this row is free */
	uint64_t taken; /* input frames */
	uint64_t used;  /* grows with every attachment: the smallest is forgotten first */
	bool attached;
};
struct senders {
	struct sender rows[SENDERS_MAX];
	uint64_t used;
};

/* The row of a page that attaches now. *ret_known tells whether it was here before. */
struct sender *sender_attach(struct senders *senders, uint64_t page, bool *ret_known);
void sender_detach(struct sender *sender); /* NULL is fine; the row stays for its return */
