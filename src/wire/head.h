/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "wire/audit.h"

/*
 * The head of the audit trail, as it is signed. Ed25519 by a broker's key over exactly these 103
 * bytes, numbers little endian:
 *
 *	offset	length
 *	     0	    23	"sallyport audit head 1" and a NUL
 *	    23	    32	the trail: hash of its first row
 *	    55	     8	sequence of the row
 *	    63	     8	time of signing, milliseconds since 1970
 *	    71	    32	hash of the row
 *
 * A receipt is signed by the same key over "sallyport receipt 1", a NUL, and its text. The words at
 * the beginning keep the one from passing for the other. Recordings: docs/formats/recording.md.
 */
void audit_head_sign(struct audit_head *head, const uint8_t secret_key[64]);
/* Is it by the key it names? -ERR_CRYPTO. */
int audit_head_check(const struct audit_head *head);

int receipt_sign(
	const char *text, size_t len, const uint8_t secret_key[64], uint8_t ret_signature[64]);
int receipt_check(
	const char *text, size_t len, const uint8_t signature[64], const uint8_t public_key[32]);

/* Did the installation certify it? -ERR_CRYPTO; also when it is not certified yet. */
int signer_check(const struct signer *signer, const uint8_t installation_public[32]);

/* Signature and certificate of a recording's head. -ERR_CRYPTO. */
int recording_head_check(const struct recording_head *head, const uint8_t installation_public[32]);
