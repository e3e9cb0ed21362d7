/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/buf.h"
#include "vault/sshwire.h"

/* What sshkey.c and the reader of OpenSSH's file format share; nobody else includes it. */
struct curve {
	const char *type;   /* "ecdsa-sha2-nistp256" */
	const char *name;   /* "nistp256" */
	const char *group;  /* OpenSSL's word */
	size_t bytes;       /* of a coordinate */
	const char *digest; /* RFC 5656 section 6.2.1 */
};
const struct curve *curve_find(struct sshspan type);
void pkey_freep(EVP_PKEY **pkey);

/* Does the text begin like an openssh-key-v1 file? */
bool openssh_armored(const char *text, size_t len);
/*
 * Reads the one unencrypted key of the file (PROTOCOL.key of OpenSSH). The public half the file
 * claims is appended to claimed, for comparison with the one the key really has.
 */
int openssh_parse(const char *text, size_t len, EVP_PKEY **ret_pkey, struct buf *claimed);
