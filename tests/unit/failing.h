/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdbool.h>

/*
 * What the machine refuses. The block runs with the 1st, then the 2nd, then the 3rd .. of the named
 * calls failing, until one run got through without; a block that makes none of them fails the test.
 *
 *	FAILING(FAILING_MEMORY) {
 *		int r = throttle_create(10, 100, &throttle);
 *		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
 *	}
 *
 * Names are those of failing.def. Calls inside of shared libraries are not seen.
 */
#define FAILING_MEMORY "malloc calloc realloc strdup mmap64"
#define FAILING(names) FAILING_WITH(names, EIO)
/* The same with an error of one's own: EINTR, ENOSPC ..; FAILING_SHORT lets a read or write stop in
 * the middle. */
#define FAILING_WITH(names, error) for (failing_begin(names, error); failing_more();)
#define FAILING_SHORT 0

void failing_begin(const char *names, int error);
bool failing_more(void);
bool failing_struck(void);      /* in this run, so far */
const char *failing_call(void); /* the name of the call that failed; "" before */
void failing_once(const char *name, unsigned n, int error); /* that one alone, no loop */
void failing_end(void);   /* nothing fails any more, in this run */
void failing_go_on(void); /* after failing_end(), for what is prepared inside of the block */

/* For tests that wrap a call of their own: true when it has to fail now; errno is set. */
bool failing_now(const char *name);
