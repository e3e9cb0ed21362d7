/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "broker/session.h"

/*
 * Attaching to a session: the cookie says which page asks, the signature over a fresh challenge
 * proves that it is the browser that opened the URL. Neither is worth anything without the other.
 */
struct broker;
struct channel;
struct message;

/* What verifies; made before the sandbox, because the crypto library loads things once. */
struct prover;
int prover_create(struct prover **ret_prover);
void prover_destroy(struct prover *prover);
/* Is this an uncompressed point on P-256? 0 or -ERR_MALFORMED. */
int prover_key_check(struct prover *prover, const uint8_t public_key[65]);
/* signature: r || s over VIEW_PROOF_CONTEXT NUL, the 40 digits, the challenge. 0 or
 * -ERR_ATTACH_REFUSED. */
int prover_verify(struct prover *prover, const uint8_t public_key[65], const char *session_id,
	const uint8_t challenge[32], const uint8_t signature[64]);

int attach_ask(struct broker *broker, struct channel *front, struct message *message);
int attach_prove(struct broker *broker, struct channel *front, struct message *message);
/* The recording started: those who proved themselves before get their end. */
void attach_join_waiting(struct broker *broker, struct session *session);
void attach_refuse_waiting(struct broker *broker, struct session *session, int why);
void attach_forget(struct broker *broker, const struct channel *front); /* front went */
