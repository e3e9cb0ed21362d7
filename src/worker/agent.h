/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/secret.h"
#include "wire/messages.h"

/*
 * The worker's end of the vault's stream. It speaks the framing of the SSH agent protocol
 * (draft-miller-ssh-agent section 3, numbers big-endian):
 *
 *   worker:  u32 length, u8 27 EXTENSION, string "pin@sallyport", string SHA-256 of the host key
 *            [, string what the key exchange hashed: for a key; the vault sees whose it was]
 *   vault:   u32 length, u8 6 SUCCESS [, string the password]       or  u8 5 FAILURE
 *
 * Once, per session. For a key the same stream afterwards serves an SSH library as its agent, so
 * not one byte more than the answer is read.
 */
#define AGENT_FAILURE 5
#define AGENT_SUCCESS 6
#define AGENT_EXTENSION 27
#define AGENT_PIN_NAME "pin@sallyport"
#define AGENT_ANSWER_MAX (1 + 4 + SECRET_MAX)

struct agent {
	int fd;
	enum secret_kind kind;
	bool asked, answered;
	struct buf out;
	uint8_t head[4];
	size_t head_len;
	struct buf answer; /* holds the secret for a moment: wiped */
};

void agent_init(struct agent *agent, int fd, enum secret_kind kind);
void agent_finish(struct agent *agent);
/* exchange NULL: none. -ERR_WRONG_MOMENT twice; -ERR_TOO_LARGE. */
int agent_ask(struct agent *agent, const uint8_t proof[HASH_LEN], const void *exchange, size_t len);
/*
 * Goes on as far as the stream allows. 1: the vault agreed, *ret_secret is the password or NULL
 * for a key; 0: not yet. -ERR_CREDENTIAL_NO_ACCESS: the vault refused; -ERR_PEER_GONE;
 * -ERR_MALFORMED.
 */
int agent_turn(struct agent *agent, struct secret **ret_secret);
/* The pure part: one answer without its length. Same results as agent_turn(), never 0. */
int agent_parse(
	const uint8_t *answer, size_t len, enum secret_kind kind, struct secret **ret_secret);
