/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_secret.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"

#define SECRET_CONTEXT "sallyport recording secret 1"
#define SECRET_ASSOCIATED_LEN (sizeof(SECRET_CONTEXT) + RECORDING_SECRET_LEN)

static void secret_associated(uint8_t out[SECRET_ASSOCIATED_LEN],
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES],
	const struct recording_secret *secret)
{
	memset(out, 0, SECRET_ASSOCIATED_LEN);
	memcpy(out, SECRET_CONTEXT, sizeof(SECRET_CONTEXT));
	out += sizeof(SECRET_CONTEXT);
	out[0] = secret->type;
	put16(out + 2, secret->viewer);
	put32(out + 4, secret->len);
	put64(out + 8, secret->number);
	memset(nonce, 0, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
	put64(nonce, secret->number);
}

size_t recording_secret_seal(
	uint8_t *out, const struct recording_secret *secret, const uint8_t key[RECORDING_KEY_LEN])
{
	uint8_t data[SECRET_ASSOCIATED_LEN], nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

	put32(out, secret->type);
	put32(out + 4, secret->len);
	put64(out + 8, secret->number);
	secret_associated(data, nonce, secret);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + RECORDING_SECRET_LEN, NULL, secret->bytes,
		secret->len, data, sizeof(data), NULL, nonce, key);
	return RECORDING_SECRET_LEN + secret->len + RECORDING_TAG_LEN;
}

int recording_secret_read(const struct recording_frame *frame, struct recording_secret *ret_secret)
{
	const uint8_t *payload = frame->payload;

	if (frame->type != RECORDING_SECRET ||
		frame->len < RECORDING_SECRET_LEN + RECORDING_TAG_LEN ||
		(get32(payload) != VIEW_KEYS && get32(payload) != VIEW_PASTE) ||
		get32(payload + 4) != frame->len - RECORDING_SECRET_LEN - RECORDING_TAG_LEN)
		return -ERR_MALFORMED;
	*ret_secret = (struct recording_secret){ .type = payload[0],
		.viewer = frame->viewer,
		.number = get64(payload + 8),
		.bytes = payload + RECORDING_SECRET_LEN,
		.len = get32(payload + 4) };
	return 0;
}

int recording_secret_open(
	uint8_t *out, const struct recording_secret *secret, const uint8_t key[RECORDING_KEY_LEN])
{
	uint8_t data[SECRET_ASSOCIATED_LEN], nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

	secret_associated(data, nonce, secret);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, secret->bytes,
		    secret->len + RECORDING_TAG_LEN, data, sizeof(data), nonce, key) != 0)
		return -ERR_CRYPTO;
	return 0;
}
