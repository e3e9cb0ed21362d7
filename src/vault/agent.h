/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "vault/exchange.h"
#include "vault/sshkey.h"
#include "vault/sshwire.h"

/*
 * What a worker may ask on its stream, in the framing of the SSH agent protocol
 * (draft-miller-ssh-agent): u32 length, u8 type, payload. This file knows the words and what a
 * signature may be for; grant.c knows the moments and the stream. Pure: bytes in, bytes out.
 *
 * First, once: EXTENSION, string "pin@sallyport", string of 32 bytes: SHA-256 of the host key blob
 * (RFC 4253 section 6.6) the worker verified in its key exchange; zeros when the protocol proves
 * nothing. For a key one more string: what that key exchange hashed (exchange.h).
 * The answer: SUCCESS; for a password followed by a string with it. Or FAILURE, and the end. Then,
 * for keys: REQUEST_IDENTITIES and SIGN_REQUEST, as any agent.
 */
#define AGENT_FAILURE 5
#define AGENT_SUCCESS 6
#define AGENT_REQUEST_IDENTITIES 11
#define AGENT_IDENTITIES_ANSWER 12
#define AGENT_SIGN_REQUEST 13
#define AGENT_SIGN_RESPONSE 14
#define AGENT_EXTENSION 27

#define AGENT_PIN_WORD "pin@sallyport"
#define AGENT_MESSAGE_MAX (EXCHANGE_MAX + 128) /* bytes a worker may send as one message */
#define AGENT_REQUESTS_MAX 16                  /* of one grant, the pin included */
#define AGENT_SIGNATURES_MAX 4 /* of one grant: a login needs one, a server that asks again two */
#define AGENT_REPLY_MAX (SSHKEY_BLOB_MAX + SSHKEY_SIGNATURE_MAX)

/* Who may log in with the key, and what was signed already. */
struct agent {
	const struct sshkey *key;
	const char *username;
	const struct exchange *exchange; /* and in which SSH session */
	unsigned signatures;
};

/*
 * The next whole message of a stream: 1 and its bytes (type and payload, valid until in changes;
 * the caller consumes 4 + *ret_len), 0 when there is more to come, -ERR_MALFORMED.
 */
int agent_next(const struct buf *in, const uint8_t **ret_message, size_t *ret_len);
/* Is it the pin, to the byte? -ERR_MALFORMED when it is anything else. No exchange: it is empty. */
int agent_read_pin(const uint8_t *message, size_t len, uint8_t ret_pin[HASH_LEN],
	struct sshspan *ret_exchange);

/* The writers append one whole message. */
int agent_write_status(struct buf *out, uint8_t type);
int agent_write_secret(struct buf *out, size_t len); /* up to the secret itself, which follows */
int agent_write_identities(struct buf *out, const struct sshkey *key);

/* Is it a request for a signature in the agent protocol's shape, and within the limits below? */
struct agent_request {
	const uint8_t *data;
	size_t data_len;
	uint32_t flags;
};
/*
 * Checks that the request asks for this key's signature under a login of the granted user, in the
 * SSH session that the exchange made: -ERR_MALFORMED (not a request), -ERR_NOT_AUTHORIZED (a
 * request for something else: the worker misbehaves), -ERR_NOT_FOUND (an algorithm this key does
 * not do).
 */
int agent_check(const struct agent *agent, const uint8_t *message, size_t len,
	struct agent_request *ret_request);
/* Signs what agent_check() allowed, appends SIGN_RESPONSE. */
int agent_sign(struct agent *agent, const struct agent_request *request, struct buf *out);
