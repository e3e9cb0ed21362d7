/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/exchange.c"

#include "fixture.h"

static struct sshspan span(const void *bytes, size_t len)
{
	return (struct sshspan){ bytes, len };
}

static void test_names_its_session(void **state)
{
	CLEANUP(buf_finish) struct buf bytes = BUF(512);
	struct exchange exchange;
	uint8_t pin[HASH_LEN], name[65] = { 0 };
	unsigned len;
	static const char *const hashes[] = { "SHA256", "SHA384", "SHA512", "SHA1", "SHA224" };
	fixture_exchange(&bytes, FIXTURE_HOST);
	fixture_pin(FIXTURE_HOST, pin);
	assert_int_equal(exchange_read(span(bytes.data, bytes.len), pin, &exchange), 0);
	for (unsigned i = 0; i < ARRAY_LEN(hashes); i++) {
		EVP_Digest(
			bytes.data, bytes.len, name, &len, EVP_get_digestbyname(hashes[i]), NULL);
		assert_int_equal(exchange_made(&exchange, span(name, len)), i < 3);
		assert_false(exchange_made(&exchange, span(name, len - 1)));
		assert_false(exchange_made(&exchange, span(name, len + 1)));
		name[len - 1] ^= 1;
		assert_false(exchange_made(&exchange, span(name, len)));
	}
	assert_false(exchange_made(&exchange, span(name, 0)));
}

static void test_of_another_host(void **state)
{
	CLEANUP(buf_finish) struct buf bytes = BUF(512);
	struct exchange exchange;
	uint8_t pin[HASH_LEN];
	fixture_exchange(&bytes, "another host");
	fixture_pin(FIXTURE_HOST, pin);
	assert_int_equal(
		exchange_read(span(bytes.data, bytes.len), pin, &exchange), -ERR_HOST_KEY_CHANGED);
	/* The pinned key somewhere else in it does not help: the fifth is the host's. */
	buf_clear(&bytes);
	for (unsigned i = 0; i < 8; i++)
		sshwire_put_word(&bytes, i == 4 ? "another host" : FIXTURE_HOST);
	assert_int_equal(
		exchange_read(span(bytes.data, bytes.len), pin, &exchange), -ERR_HOST_KEY_CHANGED);
}

static void test_every_cut(void **state)
{
	CLEANUP(buf_finish) struct buf bytes = BUF(512);
	struct exchange exchange;
	uint8_t pin[HASH_LEN];
	fixture_exchange(&bytes, FIXTURE_HOST);
	fixture_pin(FIXTURE_HOST, pin);
	size_t numbers = 4 + strlen("numbers");
	for (size_t len = 0; len < bytes.len; len++) {
		uint8_t *exact = malloc(len + 1); /* so that reading one byte too far is seen */
		memcpy(exact, bytes.data, len);
		assert_int_equal(exchange_read(span(exact, len), pin, &exchange),
			len <= bytes.len - numbers ? -ERR_MALFORMED : 0);
		free(exact);
	}
	assert_int_equal(exchange_read(span(NULL, 0), pin, &exchange), -ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_its_session),
		cmocka_unit_test(test_of_another_host),
		cmocka_unit_test(test_every_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
