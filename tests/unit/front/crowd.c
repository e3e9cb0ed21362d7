/* SPDX-License-Identifier: Apache-2.0 */
#include "front/crowd.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct address parsed(const char *text)
{
	struct address address;
	assert_int_equal(address_parse(&address, text), 0);
	return address;
}

static void test_ceiling(void **state)
{
	struct crowd *crowd = crowd_create(3);
	struct address one = parsed("192.0.2.1"), other = parsed("192.0.2.2");
	for (int i = 0; i < 3; i++)
		assert_int_equal(crowd_join(crowd, &one), 0);
	assert_int_equal(crowd_join(crowd, &one), -ERR_FULL);
	assert_int_equal(crowd_join(crowd, &other), 0);
	crowd_leave(crowd, &one);
	assert_int_equal(crowd_join(crowd, &one), 0);
	assert_int_equal(crowd_count(crowd, &one), 3);
	assert_int_equal(crowd_count(crowd, &other), 1);
	crowd_destroy(crowd);
}

static void test_networks(void **state)
{
	struct crowd *crowd = crowd_create(2);
	struct address a = parsed("2001:db8::1"), b = parsed("2001:db8::2"),
		       c = parsed("2001:db8:0:1::1");
	assert_int_equal(crowd_join(crowd, &a), 0);
	assert_int_equal(crowd_join(crowd, &b), 0);
	assert_int_equal(crowd_join(crowd, &a), -ERR_FULL);
	assert_int_equal(crowd_join(crowd, &c), 0);
	crowd_destroy(crowd);
}

/* Whoever left is forgotten: the table cannot grow by strangers passing by. */
static void test_forgets(void **state)
{
	struct crowd *crowd = crowd_create(2);
	for (int i = 0; i < 20000; i++) {
		char text[32];
		snprintf(text, sizeof text, "10.%d.%d.1", i / 250, i % 250);
		struct address address = parsed(text);
		assert_int_equal(crowd_join(crowd, &address), 0);
		assert_int_equal(crowd_count(crowd, &address), 1);
		crowd_leave(crowd, &address);
		assert_int_equal(crowd_count(crowd, &address), 0);
	}
	for (unsigned i = 0; i < BUCKETS; i++)
		assert_null(crowd->buckets[i]);
	crowd_destroy(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_forgets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
