/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vault/keyring.h"
#include "wire/messages.h"

/* Fills the answer to RECORDING_CERTIFY; its result says whether the rest means anything. */
void certify_recording(const struct keyring *keyring, const struct msg_certify *question,
	struct msg_certified *ret_answer);
/* The same for BROKER_CERTIFY. Who asks decides what a key may sign: see messages.def. */
void certify_broker(const struct keyring *keyring, const struct msg_broker_certify *question,
	struct msg_broker_certified *ret_answer);
/* The data key of one recording, or its second one. -ERR_SEALED, -ERR_MALFORMED, -ERR_NOT_FOUND,
 * -ERR_CRYPTO. */
int certify_open(const struct keyring *keyring, const struct msg_recording_open *question,
	uint8_t ret_key[32]);
