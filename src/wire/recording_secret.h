/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire/recording.h"
#include "wire/recording_key.h"
#include "wire/view.h"

/*
 * What was typed and not shown by the target, a password for instance, in a recording: frames
 * inside its chunks, sealed once more under a second key.
 */

/* What becomes of what is typed: the setting recording.input. */
enum recording_input {
	INPUT_NO,    /* its length alone is kept */
	INPUT_YES,   /* all of it, as it comes */
	INPUT_SHOWN, /* what the target showed; of the rest the length */
	INPUT_APART, /* what the target showed; the rest under a second key */
};

/* A record: the wrapped second key (recording_key.h). The first one, if any. */
#define RECORDING_SECRETS_KEY 0x80

/*
 * A frame of recordings only. u8 type of input, u8[3] zero, u32 length, u64 number, then length +
 * RECORDING_TAG_LEN sealed bytes: XChaCha20-Poly1305, the number is the nonce, everything before
 * the bytes and who typed is associated data.
 */
#define RECORDING_SECRET 0xf1
#define RECORDING_SECRET_LEN 16 /* before the sealed bytes */
#define RECORDING_SECRET_MAX (VIEW_FRAME_MAX - RECORDING_SECRET_LEN - RECORDING_TAG_LEN)

struct recording_secret {
	uint8_t type; /* of the input: VIEW_KEYS or VIEW_PASTE */
	uint16_t viewer;
	uint64_t number; /* from 1, in this recording */
	const uint8_t *bytes;
	uint32_t len; /* at most RECORDING_SECRET_MAX */
};
/* Length of the payload; out has room for it. */
size_t recording_secret_seal(
	uint8_t *out, const struct recording_secret *secret, const uint8_t key[RECORDING_KEY_LEN]);
/* What a SECRET frame says of itself without a key; bytes are the sealed ones. -ERR_MALFORMED. */
int recording_secret_read(const struct recording_frame *frame, struct recording_secret *ret_secret);
/* Its len bytes into out. -ERR_CRYPTO. */
int recording_secret_open(
	uint8_t *out, const struct recording_secret *secret, const uint8_t key[RECORDING_KEY_LEN]);
