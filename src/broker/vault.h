/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/broker.h"
#include "broker/call.h"
#include "wire/wire.h"

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
/* Wipes the vault's keys. */
int vault_seal_itself(struct broker *broker, struct msg_vault_state *ret_state);
/*
 * Opening the vault and a new root key take as long as a token or a passphrase takes: the call is
 * deferred (-ERR_AGAIN) and resumed with what came of it; vault_said() is then what the vault said.
 * secret: passphrase or PIN, -1 for none.
 */
#define LATER_MS 45000
#define LATER_MAX 8 /* calls that wait at once */
typedef int later_fn(struct broker *broker, struct call *call, int result);
int vault_unseal(struct broker *broker, struct call *call, int secret, later_fn *resume);
int vault_rotate(struct broker *broker, struct call *call, int secret, later_fn *resume);
const struct msg_vault_state *vault_said(const struct call *call);

/* A VAULT_STATE came, an answer or not; a RELEASES_HEAD came; the vault is gone. */
void vault_heard(struct broker *broker, const struct message *message);
void vault_released(struct broker *broker, const struct msg_releases_head *head);
void vault_lost(struct broker *broker);
/* It is known to be sealed: what needs it is refused without asking. */
bool vault_sealed(const struct broker *broker);

/*
 * Writes how long the vault's log of releases is and its newest hash into an audit row: a log that
 * was cut disagrees with the trail from then on. Nothing when it was never heard.
 */
void vault_note_releases(const struct broker *broker, struct json *json);

/* The key of one recording, 32 bytes written to `to`. */
int vault_open_recording(struct broker *broker, const struct msg_recording_open *recording, int to);
/* tail: consumer envelope, token envelope, base string. 0: right; -ERR_SIGNATURE_INVALID: wrong. */
int vault_check_signature(
	struct broker *broker, const struct msg_signature *signature, const void *tail, size_t len);
