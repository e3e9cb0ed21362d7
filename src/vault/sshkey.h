/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/secret.h"

/*
 * A private SSH key: RSA (2048 to 16384 bits), ECDSA (nistp256, nistp384, nistp521), Ed25519. Read
 * from the openssh-key-v1 format or from PEM (PKCS#8, PKCS#1, SEC1), never encrypted.
 */
struct sshkey;

#define SSHKEY_BLOB_MAX 2200      /* bytes of a public key: RSA of 16384 bits and its words */
#define SSHKEY_SIGNATURE_MAX 2200 /* bytes of a signature with its words */
#define SSHKEY_FLAG_SHA256 2      /* the agent protocol's flags of SIGN_REQUEST */
#define SSHKEY_FLAG_SHA512 4

/* -ERR_KEY_UNREADABLE, -ERR_KEY_ENCRYPTED, -ERR_SYSTEM. */
int sshkey_parse(const struct secret *text, struct sshkey **ret_key);
/*
 * Do both halves belong together? Asked once, before a key is sealed: what comes out of an envelope
 * is what went in. -ERR_KEY_UNREADABLE.
 */
int sshkey_prove(const struct sshkey *key);
void sshkey_destroy(struct sshkey *key); /* wipes; NULL is fine */
void sshkey_destroyp(struct sshkey **key);
const char *sshkey_type(const struct sshkey *key); /* "ssh-ed25519" */
/* The public key as SSH names it (RFC 4253 section 6.6). */
const uint8_t *sshkey_blob(const struct sshkey *key, size_t *ret_len);
/* "ssh-ed25519 SHA256:...", as ssh-keygen -l prints fingerprints. */
void sshkey_describe(const struct sshkey *key, char out[REASON_SIZE]);
/*
 * The signature algorithm for these flags: "rsa-sha2-512". NULL when the key does not do that; RSA
 * with SHA-1 is never done.
 */
const char *sshkey_algorithm(const struct sshkey *key, uint32_t flags);
/* Appends the signature blob: string algorithm, string signature. */
int sshkey_sign(
	const struct sshkey *key, uint32_t flags, const void *data, size_t len, struct buf *out);
