/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_certificate.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct recording_certificate certificate(void)
{
	struct recording_certificate c = { .key_version = 0x01020304 };
	text_copy(c.session_id, sizeof c.session_id, "00112233445566778899aabbccddeeff00112233");
	memset(c.facts_hash, 0xfa, sizeof c.facts_hash);
	memset(c.public_key, 0xcb, sizeof c.public_key);
	return c;
}

static void test_layout_is_as_drawn(void **state)
{
	struct recording_certificate c = certificate();
	uint8_t out[RECORDING_CERTIFICATE_LEN], want[RECORDING_CERTIFICATE_LEN] = { 0 };
	assert_int_equal(recording_certificate_layout(&c, out), 0);
	memcpy(want, "sallyport recording certificate", 31);
	want[32] = 1;
	memcpy(want + 36, "\4\3\2\1", 4);
	memcpy(want + 40, c.session_id, 40);
	memset(want + 80, 0xfa, 32);
	memset(want + 112, 0xcb, 32);
	assert_memory_equal(out, want, sizeof want);
}

static void test_every_field_is_signed(void **state)
{
	struct recording_certificate c = certificate(), changed;
	uint8_t layout[RECORDING_CERTIFICATE_LEN], public[32], secret[64], signature[64];
	assert_true(sodium_init() >= 0);
	crypto_sign_keypair(public, secret);
	assert_int_equal(recording_certificate_layout(&c, layout), 0);
	crypto_sign_detached(signature, NULL, layout, sizeof layout, secret);
	assert_int_equal(recording_certificate_verify(&c, signature, public), 0);
	changed = c;
	changed.key_version++;
	assert_int_equal(recording_certificate_verify(&changed, signature, public), -ERR_CRYPTO);
	changed = c;
	changed.session_id[39] = '4';
	assert_int_equal(recording_certificate_verify(&changed, signature, public), -ERR_CRYPTO);
	changed = c;
	changed.facts_hash[0] ^= 1;
	assert_int_equal(recording_certificate_verify(&changed, signature, public), -ERR_CRYPTO);
	changed = c;
	changed.public_key[31] ^= 1;
	assert_int_equal(recording_certificate_verify(&changed, signature, public), -ERR_CRYPTO);
	signature[10] ^= 1;
	assert_int_equal(recording_certificate_verify(&c, signature, public), -ERR_CRYPTO);
	signature[10] ^= 1;
	public[10] ^= 1;
	assert_int_equal(recording_certificate_verify(&c, signature, public), -ERR_CRYPTO);
}

static void test_session_ids(void **state)
{
	struct recording_certificate c = certificate();
	uint8_t out[RECORDING_CERTIFICATE_LEN];
	c.session_id[0] = 'A';
	assert_int_equal(recording_certificate_layout(&c, out), -ERR_MALFORMED);
	c.session_id[0] = '\0';
	assert_int_equal(recording_certificate_layout(&c, out), -ERR_MALFORMED);
	memset(c.session_id, 'a', sizeof c.session_id);
	assert_int_equal(recording_certificate_layout(&c, out), -ERR_MALFORMED);
}

static void test_wrapped_key(void **state)
{
	struct recording_certificate c = certificate();
	uint8_t public[32], secret[32], key[32], back[32], wrapped[RECORDING_WRAPPED_LEN];
	crypto_box_keypair(public, secret);
	memset(key, 7, sizeof key);
	assert_int_equal(recording_key_wrap(c.session_id, key, public, wrapped), 0);
	assert_int_equal(recording_key_unwrap(c.session_id, wrapped, public, secret, back), 0);
	assert_memory_equal(key, back, 32);
	c.session_id[5] = 'e';
	assert_int_equal(
		recording_key_unwrap(c.session_id, wrapped, public, secret, back), -ERR_CRYPTO);
	c = certificate();
	wrapped[100] ^= 1;
	assert_int_equal(
		recording_key_unwrap(c.session_id, wrapped, public, secret, back), -ERR_CRYPTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_is_as_drawn),
		cmocka_unit_test(test_every_field_is_signed),
		cmocka_unit_test(test_session_ids),
		cmocka_unit_test(test_wrapped_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
