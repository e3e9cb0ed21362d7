/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session_item.c"

#include "house.h"

static void expect(const struct session_row *row, int64_t now, const char *expected)
{
	CLEANUP(buf_finish) struct buf out = BUF(4096);
	struct json json = json_begin(&out);

	session_item_write(&json, row, now);
	assert_int_equal(json_finish(&json), 0);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
}

static void test_item(void **state)
{
	struct session_row row = { .id = 152, .port = 22, .created_at = 1700000000000 };

	(void)state;
	text_copy(row.user, sizeof row.user, "ana");
	text_copy(row.username, sizeof row.username, "root");
	text_copy(row.ip, sizeof row.ip, "192.0.2.7");
	text_copy(row.protocol, sizeof row.protocol, "ssh");
	text_copy(row.session_id, sizeof row.session_id, "00ff");
	expect(&row, 1700000000000,
		"{\"id\":\"152\",\"user\":\"ana\",\"origin_ip\":\"\",\"credential\":\"root\","
		"\"device\":\"192.0.2.7:22\",\"protocol\":\"ssh\",\"proxy\":\"Web Proxy\","
		"\"session_id\":\"00ff\",\"start\":\"2023-11-14 22:13:20\",\"end\":null,"
		"\"time\":\"00:00:00\",\"prevent_purge\":\"No\",\"request\":null,\"ITSM\":null}");
	text_copy(row.ip, sizeof row.ip, "2001:db8::7");
	text_copy(row.origin_ip, sizeof row.origin_ip, "203.0.113.9");
	row.redeemed_at = row.created_at + 10000;
	row.ended_at = row.redeemed_at + (100LL * 3600 + 61) * 1000;
	expect(&row, 0,
		"{\"id\":\"152\",\"user\":\"ana\",\"origin_ip\":\"203.0.113.9\",\"credential\":"
		"\"root\","
		"\"device\":\"[2001:db8::7]:22\",\"protocol\":\"ssh\",\"proxy\":\"Web Proxy\","
		"\"session_id\":\"00ff\",\"start\":\"2023-11-14 22:13:30\",\"end\":\"2023-11-19 "
		"02:14:31\","
		"\"time\":\"100:01:01\",\"prevent_purge\":\"No\",\"request\":null,\"ITSM\":null}");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_item) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
