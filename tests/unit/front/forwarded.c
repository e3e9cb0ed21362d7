/* SPDX-License-Identifier: Apache-2.0 */
#include "front/forwarded.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"

static const struct {
	const char *socket, *fields, *trusted, *expected;
} rows[] = {
	{ "192.0.2.9", "", "", "192.0.2.9" },
	{ "192.0.2.9", "X-Forwarded-For: 198.51.100.1\r\n", "",
		"192.0.2.9" }, /* nobody is believed */
	{ "192.0.2.9", "X-Forwarded-For: 198.51.100.1\r\n", "10.0.0.0/8", "192.0.2.9" },
	{ "10.0.0.1", "", "10.0.0.0/8", "10.0.0.1" },
	{ "10.0.0.1", "X-Forwarded-For: 198.51.100.1\r\n", "10.0.0.0/8", "198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For: 203.0.113.7, 198.51.100.1\r\n", "10.0.0.0/8",
		"198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For: 203.0.113.7, 198.51.100.1 ,10.0.0.2\r\n", "10.0.0.0/8",
		"198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.0/8", "10.0.0.3" },
	{ "10.0.0.1", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 10.0.0.2\r\n",
		"10.0.0.0/8", "198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 198.51.100.1\r\n",
		"10.0.0.0/8", "198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For: 198.51.100.1, unknown\r\n", "10.0.0.0/8", "10.0.0.1" },
	{ "10.0.0.1", "X-Forwarded-For: 198.51.100.1, unknown, 10.0.0.2\r\n", "10.0.0.0/8",
		"10.0.0.2" },
	{ "10.0.0.1", "X-Forwarded-For:\r\n", "10.0.0.0/8", "10.0.0.1" },
	{ "10.0.0.1", "X-Forwarded-For: ,\r\n", "10.0.0.0/8", "10.0.0.1" },
	{ "10.0.0.1", "X-Forwarded-For: 198.51.100.1:4711\r\n", "10.0.0.0/8", "198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For: 2001:db8::7\r\n", "10.0.0.0/8", "2001:db8::7" },
	{ "10.0.0.1", "X-Forwarded-For: [2001:db8::7]:4711\r\n", "10.0.0.0/8", "2001:db8::7" },
	{ "10.0.0.1", "X-Forwarded-For: [2001:db8::7\r\n", "10.0.0.0/8", "10.0.0.1" },
	{ "10.0.0.1", "X-Forwarded-For: ::ffff:198.51.100.1\r\n", "10.0.0.0/8", "198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For:\t203.0.113.7\t, \t198.51.100.1\t \r\n", "10.0.0.0/8",
		"198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For: 198.51.100.1, \t,10.0.0.2\t ,10.0.0.3\r\n", "10.0.0.0/8",
		"10.0.0.2" },
	{ "10.0.0.1", "X-Forwarded-For: 198.51.100.1,10.0.0.2,\r\n", "10.0.0.0/8", "10.0.0.1" },
	{ "10.0.0.1", "X-Forwarded-For: 198.51.100.1, \t\r\n", "10.0.0.0/8", "10.0.0.1" },
	/* longer than an address, and longer than anything that could hold one */
	{ "10.0.0.1", "X-Forwarded-For: 1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaaaaaaa\r\n",
		"10.0.0.0/8", "10.0.0.1" },
	{ "10.0.0.1",
		"X-Forwarded-For: "
		"[::1]:00000000000000000000000000000000000000000000000000000000000000\r\n",
		"10.0.0.0/8", "10.0.0.1" },
	/* as long as one with brackets and a port may be */
	{ "10.0.0.1", "X-Forwarded-For: [0000:0000:0000:0000:0000:ffff:198.51.100.1]:00004711\r\n",
		"10.0.0.0/8", "198.51.100.1" },
	{ "10.0.0.1", "X-Forwarded-For: []\r\n", "10.0.0.0/8", "10.0.0.1" },
	{ "2001:db8::1", "X-Forwarded-For: 198.51.100.1\r\n", "2001:db8::/64 10.0.0.0/8",
		"198.51.100.1" },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_request request;
		struct address socket;
		char text[512], shown[ADDRESS_SIZE];
		snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);
		assert_true(http_parse(text, strlen(text), &request) > 0);
		assert_int_equal(address_parse(&socket, rows[i].socket), 0);
		struct address client = forwarded_client(&request, &socket, rows[i].trusted);
		if (strcmp(address_format(&client, shown), rows[i].expected) != 0)
			fail_msg("row %zu: %s", i, shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
