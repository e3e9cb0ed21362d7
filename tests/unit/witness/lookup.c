/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/lookup.c"

#include "stand.h"

static void test_where(void **state)
{
	static const struct {
		const char *where, *scheme, *host;
		unsigned port;
		bool literal;
	} rows[] = {
		{ "tls://logs.example", "tls://", "logs.example", 6514, false },
		{ "tls://logs.example:1234", "tls://", "logs.example", 1234, false },
		{ "tls://192.0.2.7:1", "tls://", "192.0.2.7", 1, true },
		{ "tls://[2001:db8::1]:7", "tls://", "2001:db8::1", 7, true },
		{ "tls://[::1]", "tls://", "::1", 6514, true },
		{ "https://siem.example/take?x=:1", "https://", "siem.example", 6514, false },
		{ "https://siem.example:8443#x", "https://", "siem.example", 8443, false },
		{ "tcp://logs.example", "tls://", NULL, 0, false },
		{ "tls://", "tls://", NULL, 0, false },
		{ "tls://:6514", "tls://", NULL, 0, false },
		{ "tls://host:", "tls://", NULL, 0, false },
		{ "tls://host:0", "tls://", NULL, 0, false },
		{ "tls://host:65536", "tls://", NULL, 0, false },
		{ "tls://host:12x", "tls://", NULL, 0, false },
		{ "tls://[::1", "tls://", NULL, 0, false },
		{ "tls://[::1]x:7", "tls://", NULL, 0, false },
		{ "tls://user@host", "tls://", NULL, 0, false },
		{ "tls://ho st", "tls://", NULL, 0, false },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct lookup lookup;
		int r = lookup_parse(rows[i].where, rows[i].scheme, 6514, &lookup);
		if ((r == 0) != (rows[i].host != NULL))
			fail_msg("%s: %d", rows[i].where, r);
		if (r < 0)
			continue;
		assert_string_equal(lookup.host, rows[i].host);
		assert_int_equal(lookup.port, rows[i].port);
		assert_int_equal(lookup.literal, rows[i].literal);
		assert_int_equal(lookup.count, rows[i].literal ? 1 : 0);
	}
}

static void test_a_name_is_found(void **state)
{
	struct lookup lookup;

	assert_int_equal(lookup_parse("tcp://localhost:514", "tcp://", 1, &lookup), 0);
	lookup_resolve(&lookup, 0);
	assert_true(lookup.count >= 1);
	for (unsigned i = 0; i < lookup.count; i++) {
		const struct sockaddr_in *four = (struct sockaddr_in *)&lookup.addresses[i];
		assert_true(four->sin_family == AF_INET || four->sin_family == AF_INET6);
		assert_int_equal(ntohs(four->sin_port), 514);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void test_an_address_is_not_looked_up(void **state)
{
	struct lookup lookup;

	assert_int_equal(lookup_parse("tcp://127.0.0.1:514", "tcp://", 1, &lookup), 0);
	lookup_resolve(&lookup, 0);
	assert_int_equal(lookup.count, 1);
}

static void test_a_name_that_nobody_has(void **state)
{
	struct lookup lookup;

	assert_int_equal(lookup_parse("tcp://nobody.invalid", "tcp://", 1, &lookup), 0);
	lookup_resolve(&lookup, 0);
	assert_int_equal(lookup.count, 0);
}

/* As root another user asks; who may not become that user asks nobody. */
static void test_as_another_user(void **state)
{
	struct lookup lookup;

	assert_int_equal(lookup_parse("tcp://localhost", "tcp://", 1, &lookup), 0);
	lookup_resolve(&lookup, 61806);
	assert_int_equal(lookup.count > 0, geteuid() == 0);
}

/* Whatever a child says: only addresses of the two families come through. */
static void test_a_child_that_lies(void **state)
{
	struct lookup lookup = { .count = 0 };

	memset(lookup.addresses, 0xff, sizeof lookup.addresses);
	lookup.addresses[2].ss_family = AF_INET6;
	keep(&lookup, sizeof lookup.addresses);
	assert_int_equal(lookup.count, 1);
	assert_int_equal(lookup.addresses[0].ss_family, AF_INET6);
	lookup.count = 0;
	keep(&lookup, -1);
	keep(&lookup, 7);
	assert_int_equal(lookup.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_a_name_is_found),
		cmocka_unit_test(test_an_address_is_not_looked_up),
		cmocka_unit_test(test_a_name_that_nobody_has),
		cmocka_unit_test(test_as_another_user),
		cmocka_unit_test(test_a_child_that_lies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
