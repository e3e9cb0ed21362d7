/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "test.h"

#include "base/random.h"

static void fills_exactly(void **state)
{
	uint8_t bytes[1002] = { 0 };
	unsigned seen[256] = { 0 };

	random_bytes(bytes + 1, 1000);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[1001], 0);
	for (int i = 1; i <= 1000; i++)
		seen[bytes[i]]++;
	for (int i = 0; i < 256; i++)
		assert_true(seen[i] < 40); /* 4 expected */
	random_bytes(bytes, 0);
}

static void never_the_same(void **state)
{
	char a[41], b[41];

	random_hex(a, 20);
	random_hex(b, 20);
	assert_int_equal(strlen(a), 40);
	assert_int_equal(strspn(a, "0123456789abcdef"), 40);
	assert_string_not_equal(a, b);
}

static void hex_of_any_length(void **state)
{
	char out[512];

	for (size_t bytes = 0; bytes < 200; bytes++) {
		memset(out, '!', sizeof(out));
		random_hex(out, bytes);
		assert_int_equal(strlen(out), 2 * bytes);
		assert_int_equal(out[2 * bytes + 1], '!');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_exactly),
		cmocka_unit_test(never_the_same),
		cmocka_unit_test(hex_of_any_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
