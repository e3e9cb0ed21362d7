/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "vault/keyring.h"
#include "wire/messages.h"

/*
 * Is this the OAuth 1.0 signature (RFC 5849 section 3.4.2) that the owner of both secrets would
 * have made? The secrets never leave this function. 0; -ERR_SIGNATURE_INVALID; -ERR_CRYPTO when an
 * envelope is not what the message says; -ERR_MALFORMED; -ERR_SEALED.
 */
int oauth_check(const struct keyring *keyring, const struct msg_signature *question,
	const uint8_t *tail, size_t tail_len);
