/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/limits.h"
#include "vault/sshwire.h"

/*
 * Which SSH session a key may log in to. Both sides of a key exchange hash the same bytes, the
 * first hash names the session (RFC 4253 sections 7.2 and 8), and the name stands in what a client
 * signs to log in. The bytes begin alike in every method:
 *
 *	string, string	identifications of client and server
 *	string, string	what client and server offered (KEXINIT)
 *	string		the server's host key
 *	..		numbers of the method
 *
 * So whoever shows them shows whose session it is: another host's session has another host key in
 * its bytes, and bytes with the pinned key in them that give the name of another session cannot be
 * found. A worker that was captured can use the key for the target of its session, and no other.
 */
struct exchange {
	uint8_t sha256[32], sha384[48], sha512[64]; /* its name under each hash a method may have */
};

/* -ERR_MALFORMED; -ERR_HOST_KEY_CHANGED: not of the host whose key has this hash. */
int exchange_read(struct sshspan bytes, const uint8_t pin[HASH_LEN], struct exchange *ret_exchange);
bool exchange_made(const struct exchange *exchange, struct sshspan session);
