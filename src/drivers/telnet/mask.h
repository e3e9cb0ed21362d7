/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/*
 * Between the secret's departure and the end of the login, a target that echoes what it is told
 * must not show the secret to the person: every whole occurrence becomes eight stars, wherever the
 * pieces were cut. What could be the beginning of one is held back until more comes.
 */
#define MASK_HELD_MAX (65536 + 1024) /* bytes: one reading of the target, and a beginning */
#define MASK_STARS "********"

struct mask {
	const struct secret *secret; /* the owner's; NULL: nothing is masked */
	struct buf held;
};

void mask_init(struct mask *mask, const struct secret *secret);
void mask_finish(struct mask *mask);
/* Appends to out what may be shown of everything so far. */
int mask_pass(struct mask *mask, const void *bytes, size_t len, struct buf *out);
/* The login is over: a beginning that did not become the secret is shown too. */
int mask_release(struct mask *mask, struct buf *out);
