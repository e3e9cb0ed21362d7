/* SPDX-License-Identifier: Apache-2.0 */
#include "front/headers.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *write_head(const struct head *head)
{
	static char text[8192];
	CLEANUP(buf_finish) struct buf out = BUF(sizeof text - 1);
	assert_int_equal(head_write(&out, head), 0);
	memcpy(text, out.data, out.len);
	text[out.len] = '\0';
	return text;
}

/* Requirement R16: on every answer, whatever it is. */
static void test_security(void **state)
{
	static const char *const lines[] = {
		"\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains\r\n",
		"\r\nX-Content-Type-Options: nosniff\r\n", "\r\nReferrer-Policy: no-referrer\r\n",
		"\r\nCross-Origin-Opener-Policy: same-origin\r\n",
		"\r\nCross-Origin-Resource-Policy: same-origin\r\n",
		"\r\nPermissions-Policy: ", "\r\nContent-Security-Policy: default-src 'none'",
		"\r\nCache-Control: "
	};
	static const int statuses[] = { 101, 200, 204, 304, 400, 404, 410, 431, 500, 504 };
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		const char *text = write_head(&(struct head){ .status = statuses[i] });
		for (size_t j = 0; j < ARRAY_LEN(lines); j++)
			if (!strstr(text, lines[j]))
				fail_msg("%d: no %s", statuses[i], lines[j]);
		assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
	}
}

static void test_lines(void **state)
{
	const char *text = write_head(&(struct head){ .status = 200,
		.type = "text/plain",
		.body_len = 42,
		.close = true,
		.extra = "Allow: GET\r\n",
		.wall_ms = INT64_C(1795442709123) });
	assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(text, "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 42\r\n"));
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(text, "\r\nAllow: GET\r\n"));
	assert_non_null(strstr(text, "\r\nDate: Mon, 23 Nov 2026 14:05:09 GMT\r\n"));
	assert_non_null(strstr(text, "\r\nCache-Control: no-store\r\n"));
}

static void test_lengths(void **state)
{
	assert_null(strstr(write_head(&(struct head){ .status = 101 }), "Content-Length"));
	assert_null(strstr(write_head(&(struct head){ .status = 204 }), "Content-Length"));
	assert_null(strstr(write_head(&(struct head){ .status = 304 }), "Content-Length"));
	assert_non_null(
		strstr(write_head(&(struct head){ .status = 200 }), "\r\nContent-Length: 0\r\n"));
	const char *text = write_head(&(struct head){ .status = 200, .chunked = true });
	assert_null(strstr(text, "Content-Length"));
	assert_non_null(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
	assert_null(strstr(write_head(&(struct head){ .status = 200, .until_close = true }),
		"Content-Length"));
}

static void test_too_large(void **state)
{
	static char lines[HEAD_MAX + 1];
	CLEANUP(buf_finish) struct buf out = BUF(2 * HEAD_MAX);
	memset(lines, 'a', HEAD_MAX);
	assert_int_equal(
		head_write(&out, &(struct head){ .status = 200, .extra = lines }), -ERR_TOO_LARGE);
	assert_int_equal(out.len, 0);
}

static void test_lines_valid(void **state)
{
	assert_true(header_lines_valid(""));
	assert_true(header_lines_valid("Allow: GET\r\nRetry-After: 5\r\n"));
	assert_false(header_lines_valid("Allow: GET"));
	assert_false(header_lines_valid("Allow: GET\n"));
	assert_false(header_lines_valid("\r\n"));
	assert_false(header_lines_valid("Allow: GET\r\n\r\nbody"));
	assert_false(header_lines_valid("Allow\r\n"));
	assert_false(header_lines_valid(": GET\r\n"));
	assert_false(header_lines_valid("Allow: G\tET\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_security),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_lines_valid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
