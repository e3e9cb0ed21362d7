/* SPDX-License-Identifier: Apache-2.0 */
/* With real key exchanges: ssh.c, every_key_exchange_is_shown(). */
#include "drivers/ssh/exchange.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static uint8_t bytes[EXCHANGE_MAX + 1];

static void hash(size_t len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t by_parts[32], at_once[32];

	EVP_DigestInit_ex(context, EVP_sha256(), NULL);
	assert_int_equal(EVP_DigestUpdate(context, bytes, len), 1);
	assert_int_equal(EVP_DigestFinal_ex(context, by_parts, NULL), 1);
	EVP_MD_CTX_free(context);
	/* It is still OpenSSL's that hashes. */
	assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, bytes, len, at_once, NULL), 1);
	assert_memory_equal(by_parts, at_once, 32);
}

static int prepare(void **state)
{
	exchange_forget();
	memset(bytes, 'x', sizeof bytes);
	memcpy(bytes, "\0\0\0\x14SSH-2.0-libssh_0.10.6", 24);
	return 0;
}

static void the_first_is_kept(void **state)
{
	size_t len;

	hash(2000);
	assert_null(exchange_kept(&len)); /* nobody wanted it */
	exchange_watch();
	bytes[5] = 's';
	hash(2000); /* not one */
	assert_null(exchange_kept(&len));
	bytes[5] = 'S';
	hash(2000);
	hash(1000); /* another one: not the first */
	assert_ptr_equal(exchange_kept(&len), kept.bytes);
	assert_int_equal(len, 2000);
	assert_memory_equal(kept.bytes, bytes, 2000);
	exchange_forget();
	assert_null(exchange_kept(&len));
	assert_int_equal(kept.bytes[100], 0);
}

static void what_is_too_long_is_not_kept(void **state)
{
	size_t len;

	exchange_watch();
	hash(EXCHANGE_MAX + 1);
	assert_null(exchange_kept(&len));
	hash(2000); /* nor anything after it */
	assert_null(exchange_kept(&len));
	exchange_forget();
	exchange_watch();
	hash(EXCHANGE_MAX);
	assert_non_null(exchange_kept(&len));
	assert_int_equal(len, EXCHANGE_MAX);
}

static void what_is_short_is_none(void **state)
{
	size_t len;

	exchange_watch();
	hash(0);
	hash(3);
	hash(24);
	hash(IDENTIFICATION_MAX);
	assert_null(exchange_kept(&len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_is_kept, prepare),
		cmocka_unit_test_setup(what_is_too_long_is_not_kept, prepare),
		cmocka_unit_test_setup(what_is_short_is_none, prepare),
	};
	return cmocka_run_group_tests_name("drivers/ssh/exchange", tests, NULL, NULL);
}
