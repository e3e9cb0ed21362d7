/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <string.h>

#include "test.h"

#include "base/address.h"
#include "base/mem.h"

static struct address parsed(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return address;
}

static void one_host_has_one_form(void **state)
{
	static const char *const rows[][2] = { { "127.0.0.1", "127.0.0.1" }, { "::1", "::1" },
		{ "::ffff:10.1.2.3", "10.1.2.3" }, { "::FFFF:0a01:0203", "10.1.2.3" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" }, { "::", "::" },
		{ "0.0.0.0", "0.0.0.0" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address address = parsed(rows[i][0]), again;
		char out[ADDRESS_SIZE];

		assert_string_equal(address_format(&address, out), rows[i][1]);
		again = parsed(out);
		assert_true(address_equal(&address, &again));
	}
}

static void refuses_anything_else(void **state)
{
	static const char *const texts[] = { "", " ", "localhost", "1", "127.1", "1.2.3.4.5",
		"1.2.3.256", "01.2.3.4", "0x7f.0.0.1", "1.2.3.4 ", " 1.2.3.4", "[::1]", "::1%lo",
		"fe80::1%eth0", ":::", "1::2::3", "12345::", "1.2.3.4:80", "::1/128",
		"1.2.3.4/32" };
	struct address address = { .family = 4, .bytes = { 9, 9, 9, 9 } };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(address_parse(&address, texts[i]), -ERR_MALFORMED);
		assert_int_equal(address.bytes[0], 9);
	}
}

static void none_is_an_empty_text(void **state)
{
	struct address none = { 0 }, also = { .bytes = { 1 } };
	char out[ADDRESS_SIZE] = "before";
	struct sockaddr_storage sockaddr;

	assert_string_equal(address_format(&none, out), "");
	assert_true(address_equal(&none, &also));
	assert_int_equal(address_to_sockaddr(&none, 1, &sockaddr), 0);
	assert_true(address_forbidden(&none));
}

static void compares_within_one_family(void **state)
{
	struct address a = parsed("1.2.3.4"), b = parsed("1.2.3.5"), c = { .family = 6 };

	assert_false(address_equal(&a, &b));
	memcpy(c.bytes, a.bytes, sizeof(c.bytes));
	assert_false(address_equal(&a, &c));
}

static void sockaddr_and_back(void **state)
{
	static const char *const texts[] = { "192.0.2.7", "2001:db8::7" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct address address = parsed(texts[i]), again;
		struct sockaddr_storage sockaddr;
		socklen_t len = address_to_sockaddr(&address, 2222, &sockaddr);

		assert_int_equal(
			len, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_int_equal(ntohs(((struct sockaddr_in *)&sockaddr)->sin_port), 2222);
		assert_int_equal(address_from_sockaddr(&again, (struct sockaddr *)&sockaddr), 0);
		assert_true(address_equal(&address, &again));
	}
}

/* Nothing of the structure but the address gets into the address. */
static void four_bytes_are_four_bytes(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_zero = { 9, 9, 9, 9, 9, 9, 9, 9 } };
	struct address address, expected = parsed("192.0.2.7");
	struct sockaddr_storage sockaddr;

	memcpy(&in.sin_addr, expected.bytes, 4);
	assert_int_equal(address_from_sockaddr(&address, (struct sockaddr *)&in), 0);
	assert_memory_equal(&address, &expected, sizeof(address));
	expected.bytes[4] = 9;
	address_to_sockaddr(&expected, 1, &sockaddr);
	assert_int_equal(((uint8_t *)&sockaddr)[offsetof(struct sockaddr_in, sin_zero)], 0);
}

static void a_mapped_sockaddr_is_ipv4(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr local = { .sa_family = AF_UNIX };
	struct address address, expected = parsed("192.0.2.7");

	memcpy(&in6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7", 16);
	assert_int_equal(address_from_sockaddr(&address, (struct sockaddr *)&in6), 0);
	assert_true(address_equal(&address, &expected));
	assert_int_equal(address_from_sockaddr(&address, &local), -ERR_MALFORMED);
}

static void never_targets(void **state)
{
	static const char *const forbidden[] = { "0.0.0.0", "0.1.2.3", "169.254.169.254",
		"169.254.0.1", "224.0.0.1", "239.255.255.255", "255.255.255.255", "::", "fe80::1",
		"febf::1", "ff02::1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
		"::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::2" };
	static const char *const allowed[] = { "127.0.0.1", "::1", "10.0.0.1", "192.168.1.1",
		"172.16.0.1", "8.8.8.8", "169.253.0.1", "169.255.0.1", "fd00::1", "2001:db8::1",
		"223.255.255.255", "::ffff:10.0.0.1", "fec0::1" };

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		struct address address = parsed(forbidden[i]);

		if (!address_forbidden(&address))
			fail_msg("%s is let through", forbidden[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		struct address address = parsed(allowed[i]);

		if (address_forbidden(&address))
			fail_msg("%s is refused", allowed[i]);
	}
}

static void lists(void **state)
{
	static const struct {
		const char *address, *list;
		bool listed;
	} rows[] = {
		{ "10.1.2.3", "10.0.0.0/8", true },
		{ "11.1.2.3", "10.0.0.0/8", false },
		{ "10.1.2.3", "192.0.2.1, 10.1.2.3", true },
		{ "10.1.2.3", "  192.0.2.1\t10.1.2.3/32 ", true },
		{ "10.1.2.4", "10.1.2.3/31", false },
		{ "10.1.2.2", "10.1.2.3/31", true },
		{ "10.1.2.127", "10.1.2.0/25", true },
		{ "10.1.2.128", "10.1.2.0/25", false },
		{ "10.1.2.3", "0.0.0.0/0", true },
		{ "::1", "0.0.0.0/0", false },
		{ "2001:db8:1::1", "2001:db8::/32", true },
		{ "2001:db9::1", "2001:db8::/32", false },
		{ "2001:db8::1", "2001:db8::1/128", true },
		{ "10.1.2.3", "::/0", false },
		{ "10.1.2.3", "::ffff:10.1.0.0/112", true },
		{ "10.2.2.3", "::ffff:10.1.0.0/112", false },
		{ "10.2.2.3", "*", true },
		{ "::1", "192.0.2.1 *", true },
		{ "10.1.2.3", "", false },
		{ "10.1.2.3", " , ", false },
		{ "10.1.2.3", "nonsense 10.1.2.3", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address address = parsed(rows[i].address);

		if (address_listed(&address, rows[i].list) != rows[i].listed)
			fail_msg("%s in '%s'", rows[i].address, rows[i].list);
	}
}

static void mistakes_in_lists(void **state)
{
	static const char *const good[] = { "", " ", "*", "1.2.3.4", "1.2.3.4/0,::1/0 * " };
	static const char *const bad[] = { "x", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/08",
		"1.2.3.4/-1", "1.2.3.4/x", "1.2.3.4/1:", "1.2.3.4/1/", "1.2.3.4/+8", "::1/129",
		"1.2.3.4/8/8", "/8", "**", "1.2.3.4;5.6.7.8", "::ffff:1.2.3.4/95", "1.2.3.4/1000",
		"1.2.3.4/00", "1.2.3.4/000",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(address_list_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(address_list_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_host_has_one_form),
		cmocka_unit_test(refuses_anything_else),
		cmocka_unit_test(none_is_an_empty_text),
		cmocka_unit_test(compares_within_one_family),
		cmocka_unit_test(sockaddr_and_back),
		cmocka_unit_test(four_bytes_are_four_bytes),
		cmocka_unit_test(a_mapped_sockaddr_is_ipv4),
		cmocka_unit_test(never_targets),
		cmocka_unit_test(lists),
		cmocka_unit_test(mistakes_in_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
