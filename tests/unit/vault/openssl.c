/* SPDX-License-Identifier: Apache-2.0 */
static void given_back(void *piece);
/* What is given back is looked at instead. */
#include <stdlib.h>
#define free given_back
#include "vault/openssl.c"
#undef free

#include "failing.h"
#include "fixture.h"

static unsigned returned;
static bool wiped;

static void given_back(void *piece)
{
	size_t len = malloc_usable_size(piece);
	returned++;
	wiped = true;
	for (size_t i = 0; i < len; i++)
		wiped = wiped && ((const uint8_t *)piece)[i] == 0;
	free(piece);
}

static void test_nothing_is_left_behind(void **state)
{
	returned = 0;
	char *piece = take(20, "", 0);
	memset(piece, 'x', 20);
	give_back(piece, "", 0);
	assert_int_equal(returned, 1);
	assert_true(wiped);
	give_back(NULL, "", 0);
	assert_int_equal(returned, 1);
}

static void test_a_larger_place(void **state)
{
	returned = 0;
	char *piece = resize(NULL, 20, "", 0);
	memcpy(piece, "twenty bytes of text", 20);
	piece = resize(piece, 4000, "", 0);
	assert_int_equal(returned, 1);
	assert_true(wiped);
	assert_memory_equal(piece, "twenty bytes of text", 20);
	piece = resize(piece, 6, "", 0);
	assert_memory_equal(piece, "twenty", 6);
	assert_null(resize(piece, 0, "", 0));
	assert_int_equal(returned, 3);
	assert_true(wiped);
}

static void test_no_memory(void **state)
{
	char *piece = take(20, "", 0);
	memcpy(piece, "twenty bytes of text", 20);
	failing_once("malloc", 1, ENOMEM);
	assert_null(resize(piece, 40, "", 0));
	failing_end();
	assert_memory_equal(piece, "twenty bytes of text", 20);
	give_back(piece, "", 0);
}

/* It is ours that OpenSSL uses. */
static void test_wakes(void **state)
{
	CRYPTO_malloc_fn malloc_fn;
	CRYPTO_realloc_fn realloc_fn;
	CRYPTO_free_fn free_fn;
	assert_int_equal(openssl_wake(), 0);
	CRYPTO_get_mem_functions(&malloc_fn, &realloc_fn, &free_fn);
	assert_ptr_equal(malloc_fn, take);
	assert_ptr_equal(realloc_fn, resize);
	assert_ptr_equal(free_fn, give_back);
	assert_int_equal(openssl_locked(), CRYPTO_secure_malloc_initialized());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_left_behind),
		cmocka_unit_test(test_a_larger_place),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_wakes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
