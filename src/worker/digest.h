/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "worker/attribute.h"

/*
 * What it takes to say at any time what the person's screen shows, for as little as possible: the
 * last keyframe and the bytes since. A terminal is made of them only when somebody asks, when they
 * have become many, or when the session rests and they would cost more than the keyframe.
 *
 * A flood of lines is not looked at: what has scrolled out of reach before anybody could ask is
 * left out, as long as nothing in it did more than write lines in colours.
 */
#define DIGEST_PENDING_MAX (32 * 1024) /* bytes since the last keyframe that are kept */
#define DIGEST_REST (4 * 1024)         /* so few may stay while the session rests */

struct digest {
	unsigned columns, rows;
	bool off;      /* a screen too large, or no memory: nobody knows what it shows */
	uint8_t *base; /* the last keyframe; NULL: the screen was just reset */
	size_t base_len;
	struct attributes pen; /* with which it ends */
	bool unusual;          /* it ends with a part that scrolls, or lines that do not wrap */
	struct buf pending;
	uint64_t noted; /* bytes since the last digest_keyframe() */
};

void digest_init(struct digest *digest, unsigned columns, unsigned rows);
void digest_finish(struct digest *digest); /* wipes; may be called on zeroes */
void digest_note(struct digest *digest, const void *bytes, size_t len);
void digest_resize(struct digest *digest, unsigned columns, unsigned rows);
/* The session rests: gives back what memory it can. */
void digest_rest(struct digest *digest);
/*
 * The bytes for a terminal that was just reset; they stay the digest's, until the next call.
 * -ERR_WRONG_MOMENT when it is off.
 */
int digest_keyframe(struct digest *digest, const uint8_t **ret_bytes, size_t *ret_len);
