/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "base/encode.h"
#include "broker/ticket.h"

static void test_form(void **state)
{
	char value[TICKET_LEN + 1], other[TICKET_LEN + 1];
	uint8_t hash[HASH_LEN], again[HASH_LEN], inner[256], random[TICKET_RANDOM + 1];

	(void)state;
	ticket_make(value, hash);
	assert_int_equal(strlen(value), 176);
	assert_int_equal(
		strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
		176);
	assert_int_equal(base64_decode(inner, sizeof inner, value, 176), 132);
	assert_memory_equal(inner, "rbs:", 4);
	assert_int_equal(
		base64_decode(random, sizeof random, (char *)inner + 4, 128), TICKET_RANDOM);
	ticket_hash(value, again);
	assert_memory_equal(hash, again, HASH_LEN);
	ticket_make(other, again);
	assert_memory_not_equal(value, other, TICKET_LEN);
}

/* "Safe in a query as it stands": the outer text is base64 of base64 text, which never gives + or
 * /. */
static void test_safe_in_a_query(void **state)
{
	char value[TICKET_LEN + 1];
	uint8_t hash[HASH_LEN];

	(void)state;
	for (int i = 0; i < 200; i++) {
		ticket_make(value, hash);
		assert_null(strpbrk(value, "+/="));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_safe_in_a_query),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
