/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ssh/warm.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>

/* Everything that is warmed is there, or it would be looked up again in every session. */
static void what_is_warmed_exists(void **state)
{
	EVP_KDF *kdf;
	EVP_MAC *mac;

	ERR_clear_error();
	warm_digest(EVP_sha512());
	warm_cipher(EVP_aes_256_gcm());
	warm_exchange(EVP_PKEY_X25519);
	assert_int_equal(ERR_peek_error(), 0);
	assert_non_null(kdf = EVP_KDF_fetch(NULL, "SSHKDF", NULL));
	assert_non_null(mac = EVP_MAC_fetch(NULL, "HMAC", NULL));
	EVP_KDF_free(kdf);
	EVP_MAC_free(mac);
}

static void it_may_be_done_again(void **state)
{
	ssh_warm();
	ssh_warm(); /* leaks would show */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_warmed_exists),
		cmocka_unit_test(it_may_be_done_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
