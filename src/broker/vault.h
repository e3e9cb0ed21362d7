/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/broker.h"
#include "wire/messages.h"

/*
 * Questions to the vault. Each waits for its answer (milliseconds; VAULT_PATIENCE_MS at most) and
 * returns 0 or -ERR_... (-ERR_PEER_GONE, -ERR_TIMED_OUT, -ERR_SEALED, -ERR_CRYPTO, or what the
 * vault found wrong with the secret: -ERR_KEY_UNREADABLE, -ERR_TOO_LARGE ..). Descriptors are
 * passed on unread and stay the caller's.
 */
#define VAULT_PATIENCE_MS 5000

struct sealed {
	uint32_t key_version;
	uint32_t len;
	uint8_t bytes[SEALED_MAX]; /* the envelope */
	char detail[REASON_SIZE];  /* a key's type and fingerprint */
};
/* Reads a secret from `from` until its end. */
int vault_seal(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	int from, struct sealed *ret_sealed);
/* Makes a secret of 64 hex digits and writes it to `to` once. */
int vault_seal_new(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	int to, struct sealed *ret_sealed);
/* The same secret under the newest root key. */
int vault_rewrap(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	const void *envelope, uint32_t len, struct sealed *ret_sealed);
int vault_status(struct broker *broker, struct msg_vault_state *ret_state);
int vault_unseal(struct broker *broker, int passphrase, struct msg_vault_state *ret_state);
int vault_rotate(struct broker *broker, struct msg_vault_state *ret_state);
/* The key of one recording, 32 bytes written to `to`. */
int vault_open_recording(struct broker *broker, const struct msg_recording_open *recording, int to);
/* tail: consumer envelope, token envelope, base string. 0: right; -ERR_SIGNATURE_INVALID: wrong. */
int vault_check_signature(
	struct broker *broker, const struct msg_signature *signature, const void *tail, size_t len);
