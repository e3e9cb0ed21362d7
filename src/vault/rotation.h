/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/secret.h"
#include "wire/wire.h"

/*
 * A new root key, and the end of the old ones. What is sealed from then on is under the new one;
 * the broker brings the envelopes over (REWRAP) and says when none is left (RETIRE).
 *
 * The keyring gets a new master key with it where that can be had: a new root.key; a new passphrase
 * if one came with the question; the credential that comes next, if it was given; for a token
 * always, wrapped by it anew.
 */
struct vault;
int rotation_answer_rotate(struct vault *vault, struct message *message);
int rotation_passphrase(struct vault *vault, const struct secret *passphrase);
int rotation_answer_retire(struct vault *vault, struct message *message);
