/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/secret.h"
#include "wire/messages.h"

/*
 * One wrapping or unwrapping by an AES key that never leaves its PKCS#11 token. What a wrapped
 * root key looks like:
 *
 *	offset	length
 *	     0	     1	form: 1 (AES-GCM, tag of 16 bytes)
 *	     1	     1	n, length of the IV: 12
 *	     2	     n	IV: ours, or the one the token made instead
 *	   2+n	len+16	the root key, encrypted, and the tag
 *
 * Associated data: "sallyport root key 1". Version rule: an unknown form is refused.
 */
#define WRAP_MODULES_MAX 32
#define WRAP_SLOTS_MAX 64

struct wrap_place {
	const char *module; /* path; "": those p11-kit is configured with */
	const char *key;    /* PKCS#11 URI of the token and the key; it may name no PIN */
};

/*
 * Logs in once at most. What the token says of its PIN is looked at before: a locked one is not
 * tried, and nobody's stored PIN (question->automatic) is tried after a refusal.
 */
int wrap_answer(const struct wrap_place *place, const struct msg_token_question *question,
	const struct secret *pin, struct msg_token_answer *ret_answer);
