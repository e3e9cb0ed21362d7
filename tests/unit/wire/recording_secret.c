/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_secret.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint8_t secret_key[RECORDING_KEY_LEN] = { 9, 8, 7 };

static struct recording_frame sealed(uint8_t payload[64])
{
	struct recording_secret secret = { .type = 0x41,
		.viewer = 3,
		.number = 5,
		.bytes = (const uint8_t *)"hunter2",
		.len = 7 };
	struct recording_frame frame = { 0, RECORDING_SECRET, 3, 0, payload };

	frame.len = (uint32_t)recording_secret_seal(payload, &secret, secret_key);
	assert_int_equal(frame.len, 16 + 7 + 16);
	return frame;
}

static void secret_as_drawn(void **state)
{
	uint8_t payload[64], nonce[24] = { 5 }, out[7];
	uint8_t data[28 + 16] = "sallyport recording secret 1";
	struct recording_frame frame = sealed(payload);
	struct recording_secret secret;

	assert_memory_equal(payload, "\x41\0\0\0\7\0\0\0\5\0\0\0\0\0\0\0", 16);
	assert_int_equal(recording_secret_read(&frame, &secret), 0);
	assert_true(secret.type == 0x41 && secret.viewer == 3 && secret.number == 5 &&
		    secret.len == 7 && secret.bytes == payload + 16);
	assert_int_equal(recording_secret_open(out, &secret, secret_key), 0);
	assert_memory_equal(out, "hunter2", 7);
	/* The same by hand: context NUL, then type, zero, viewer, length, number. */
	uint8_t whole[29 + 16] = { 0 };
	memcpy(whole, data, 28);
	memcpy(whole + 29, "\x41\0\3\0\7\0\0\0\5\0\0\0\0\0\0\0", 16);
	memset(out, 0, sizeof(out));
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, payload + 16,
				 7 + 16, whole, sizeof(whole), nonce, secret_key),
		0);
	assert_memory_equal(out, "hunter2", 7);
}

/* Nothing of it can be changed: not what it says, not who typed it. */
static void secret_limits(void **state)
{
	uint8_t payload[64], out[64];
	struct recording_frame frame = sealed(payload), other;
	struct recording_secret secret;

	for (unsigned i = 0; i < frame.len; i++) {
		payload[i] ^= 1;
		if (recording_secret_read(&frame, &secret) == 0)
			assert_int_equal(
				recording_secret_open(out, &secret, secret_key), -ERR_CRYPTO);
		else
			assert_true(i < 8);
		payload[i] ^= 1;
	}
	other = frame;
	other.viewer = 4;
	assert_int_equal(recording_secret_read(&other, &secret), 0);
	assert_int_equal(recording_secret_open(out, &secret, secret_key), -ERR_CRYPTO);
	other = frame;
	other.type = RECORDING_WITHHELD;
	assert_int_equal(recording_secret_read(&other, &secret), -ERR_MALFORMED);
	for (other = frame, other.len = 0; other.len < frame.len; other.len++)
		assert_int_equal(recording_secret_read(&other, &secret), -ERR_MALFORMED);
	payload[0] = VIEW_TEXT;
	assert_int_equal(recording_secret_read(&frame, &secret), -ERR_MALFORMED);
}

static int prepare(void **state)
{
	return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_as_drawn),
		cmocka_unit_test(secret_limits),
	};
	return cmocka_run_group_tests(tests, prepare, NULL);
}
