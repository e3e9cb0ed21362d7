/* SPDX-License-Identifier: Apache-2.0 */
#include "front/static.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t bytes[] = "x";
const struct asset assets[] = {
	{ "index.html", "text/html", "no-store", "\"1\"", bytes, bytes + 1, NULL, NULL },
	{ "assets/app-0A1B.js", "text/javascript", "no-cache", "\"2f\"", bytes, bytes + 1, bytes,
		bytes + 1 },
};
const unsigned asset_count = ARRAY_LEN(assets);
const char asset_policy[] = "default-src 'none'";

static struct http_request request_with(const char *fields)
{
	static char text[512];
	struct http_request request;
	snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	assert_true(http_parse(text, strlen(text), &request) > 0);
	return request;
}

static void test_find(void **state)
{
	assert_ptr_equal(
		asset_find("assets/app-0a1b.js"), &assets[1]); /* paths are in lower case */
	assert_null(asset_find("assets/app-0a1b.j"));
	assert_null(asset_find(""));
}

static void test_brotli(void **state)
{
	static const struct {
		const char *field;
		bool takes;
	} rows[] = {
		{ "", false },
		{ "Accept-Encoding: br\r\n", true },
		{ "Accept-Encoding: gzip, deflate, br, zstd\r\n", true },
		{ "Accept-Encoding: gzip;q=1.0, BR;q=0.5\r\n", true },
		{ "Accept-Encoding: br;q=0\r\n", false },
		{ "Accept-Encoding: br; q=0.000\r\n", false },
		{ "Accept-Encoding: br;q=0.001\r\n", true },
		{ "Accept-Encoding: brotli\r\n", false },
		{ "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n", true },
		{ "Accept-Encoding: *\r\n", false },
		{ "Accept-Encoding: \r\n", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_request request = request_with(rows[i].field);
		if (accepts_brotli(&request) != rows[i].takes)
			fail_msg("%s", rows[i].field);
	}
}

static void test_unchanged(void **state)
{
	struct http_request request = request_with("If-None-Match: \"x\", \"2f\"\r\n");
	assert_true(asset_unchanged(&request, &assets[1]));
	assert_false(asset_unchanged(&request, &assets[0]));
	request = request_with("If-None-Match: W/\"2f\"\r\n");
	assert_true(asset_unchanged(&request, &assets[1]));
	request = request_with("");
	assert_false(asset_unchanged(&request, &assets[1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_brotli),
		cmocka_unit_test(test_unchanged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
