/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/certificate.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct certificate recording(void)
{
	struct certificate c = { .purpose = CERTIFICATE_RECORDING, .key_version = 0x01020304 };

	text_copy(c.session_id, sizeof c.session_id, "00112233445566778899aabbccddeeff00112233");
	memset(c.subject, 0xfa, sizeof c.subject);
	memset(c.public_key, 0xcb, sizeof c.public_key);
	return c;
}

static struct certificate broker(void)
{
	struct certificate c = { .purpose = CERTIFICATE_BROKER };

	memset(c.subject, 0xfa, sizeof c.subject);
	memset(c.public_key, 0xcb, sizeof c.public_key);
	return c;
}

static void test_layouts_are_as_drawn(void **state)
{
	struct certificate c = recording();
	uint8_t out[CERTIFICATE_LEN], want[CERTIFICATE_LEN] = { 0 };

	assert_int_equal(certificate_layout(&c, out), 0);
	memcpy(want, "sallyport recording certificate", 31);
	want[32] = 1;
	memcpy(want + 36, "\4\3\2\1", 4);
	memcpy(want + 40, c.session_id, 40);
	memset(want + 80, 0xfa, 32);
	memset(want + 112, 0xcb, 32);
	assert_memory_equal(out, want, sizeof want);

	c = broker();
	assert_int_equal(certificate_layout(&c, out), 0);
	memset(want, 0, 80);
	memcpy(want, "sallyport broker certificate", 28);
	want[32] = 1;
	assert_memory_equal(out, want, sizeof want);
}

static void assert_refused(const struct certificate *c, const uint8_t signature[64],
	const uint8_t public[32], int error)
{
	assert_int_equal(certificate_verify(c, signature, public), -error);
}

static void test_every_field_is_signed(void **state)
{
	struct certificate c = recording(), changed;
	uint8_t layout[CERTIFICATE_LEN], public[32], secret[64], signature[64];

	crypto_sign_keypair(public, secret);
	assert_int_equal(certificate_layout(&c, layout), 0);
	crypto_sign_detached(signature, NULL, layout, sizeof layout, secret);
	assert_int_equal(certificate_verify(&c, signature, public), 0);
	changed = c;
	changed.key_version++;
	assert_refused(&changed, signature, public, ERR_CRYPTO);
	changed = c;
	changed.session_id[39] = '4';
	assert_refused(&changed, signature, public, ERR_CRYPTO);
	changed = c;
	changed.subject[0] ^= 1;
	assert_refused(&changed, signature, public, ERR_CRYPTO);
	changed = c;
	changed.public_key[31] ^= 1;
	assert_refused(&changed, signature, public, ERR_CRYPTO);
	signature[10] ^= 1;
	assert_refused(&c, signature, public, ERR_CRYPTO);
	signature[10] ^= 1;
	public[10] ^= 1;
	assert_refused(&c, signature, public, ERR_CRYPTO);
}

/* Whatever else two certificates share: what one key may sign the other may not. */
static void test_a_key_has_one_purpose(void **state)
{
	struct certificate c = broker();
	uint8_t layout[CERTIFICATE_LEN], public[32], secret[64], signature[64];

	crypto_sign_keypair(public, secret);
	assert_int_equal(certificate_layout(&c, layout), 0);
	crypto_sign_detached(signature, NULL, layout, sizeof layout, secret);
	assert_int_equal(certificate_verify(&c, signature, public), 0);
	c.purpose = CERTIFICATE_RECORDING;
	assert_refused(&c, signature, public, ERR_MALFORMED);
	text_copy(c.session_id, sizeof c.session_id, recording().session_id);
	assert_refused(&c, signature, public, ERR_CRYPTO);

	c = recording();
	assert_int_equal(certificate_layout(&c, layout), 0);
	crypto_sign_detached(signature, NULL, layout, sizeof layout, secret);
	c.purpose = CERTIFICATE_BROKER;
	assert_refused(&c, signature, public, ERR_MALFORMED);
	c.key_version = 0;
	c.session_id[0] = '\0';
	assert_refused(&c, signature, public, ERR_CRYPTO);
}

static void test_fields_fit_their_purpose(void **state)
{
	struct certificate c = recording();
	uint8_t out[CERTIFICATE_LEN];

	c.session_id[0] = 'A';
	assert_int_equal(certificate_layout(&c, out), -ERR_MALFORMED);
	c.session_id[0] = '\0';
	assert_int_equal(certificate_layout(&c, out), -ERR_MALFORMED);
	memset(c.session_id, 'a', sizeof c.session_id);
	assert_int_equal(certificate_layout(&c, out), -ERR_MALFORMED);
	c = broker();
	c.key_version = 1;
	assert_int_equal(certificate_layout(&c, out), -ERR_MALFORMED);
	c = broker();
	c.session_id[0] = 'a';
	assert_int_equal(certificate_layout(&c, out), -ERR_MALFORMED);
	c = broker();
	c.purpose = CERTIFICATE_BROKER + 1;
	assert_int_equal(certificate_layout(&c, out), -ERR_MALFORMED);
}

static int prepare(void **state)
{
	return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts_are_as_drawn),
		cmocka_unit_test(test_every_field_is_signed),
		cmocka_unit_test(test_a_key_has_one_purpose),
		cmocka_unit_test(test_fields_fit_their_purpose),
	};
	return cmocka_run_group_tests(tests, prepare, NULL);
}
