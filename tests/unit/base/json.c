/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "test.h"

#include "base/json.h"
#include "base/mem.h"

static void assert_content(const struct buf *buf, const char *expected)
{
	assert_int_equal(buf->len, strlen(expected));
	assert_memory_equal(buf->data, expected, buf->len);
}

static void writes_every_kind(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(1000);
	struct json json = json_begin(&out);

	json_open_object(&json, NULL);
	json_text(&json, "text", "value");
	json_text(&json, "none", NULL);
	json_text_len(&json, "part", "valuable", 5);
	json_number(&json, "least", INT64_MIN);
	json_number(&json, "most", INT64_MAX);
	json_id(&json, "id", 4711);
	json_bool(&json, "yes", true);
	json_bool(&json, "no", false);
	json_put_null(&json, "null");
	json_raw(&json, "raw", "[1]", 3);
	json_close_object(&json);
	assert_int_equal(json_finish(&json), 0);
	assert_content(&out,
		"{\"text\":\"value\",\"none\":null,\"part\":\"valua\","
		"\"least\":-9223372036854775808,\"most\":9223372036854775807,"
		"\"id\":\"4711\",\"yes\":true,\"no\":false,\"null\":null,\"raw\":[1]}");
}

static void bytes_are_digits(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(256);
	struct json json = json_begin(&out);
	const uint8_t most[JSON_HEX_MAX] = { 0xff };

	json_open_object(&json, NULL);
	json_hex(&json, "none", most, 0);
	json_hex(&json, "two", (const uint8_t[]){ 0x0a, 0xf0 }, 2);
	json_hex(&json, "most", most, sizeof most);
	json_close_object(&json);
	assert_int_equal(json_finish(&json), 0);
	assert_content(&out,
		"{\"none\":\"\",\"two\":\"0af0\",\"most\":\"ff"
		"000000000000000000000000000000000000000000000000000000000000"
		"000000000000000000000000000000000000000000000000000000000000000000\"}");
}

static void times_are_text_or_null(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(256);
	struct json json = json_begin(&out);

	json_open_object(&json, NULL);
	json_time(&json, "never", 0);
	json_time(&json, "then", INT64_C(1700000000000));
	json_close_object(&json);
	assert_int_equal(json_finish(&json), 0);
	assert_content(&out, "{\"never\":null,\"then\":\"2023-11-14T22:13:20.000Z\"}");
}

static void dates_of_the_api(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(1000);
	struct json json = json_begin(&out);

	json_open_array(&json, NULL);
	json_date_offset(&json, NULL, INT64_C(1700000000999));
	json_date_bare(&json, NULL, INT64_C(1700000000999));
	json_date(&json, NULL, INT64_C(1700000000999));
	json_date(&json, NULL, 0);
	json_close_array(&json);
	assert_int_equal(json_finish(&json), 0);
	assert_content(&out, "[\"2023-11-14T22:13:20+00:00\",\"2023-11-14T22:13:20\","
			     "\"2023-11-14 22:13:20\",null]");
}

static void keeps_commas(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(1000);
	struct json json = json_begin(&out);

	json_open_array(&json, NULL);
	json_open_object(&json, NULL);
	json_close_object(&json);
	json_open_object(&json, NULL);
	json_open_array(&json, "a");
	json_open_array(&json, NULL);
	json_close_array(&json);
	json_number(&json, NULL, 1);
	json_text(&json, NULL, "two");
	json_close_array(&json);
	json_open_object(&json, "b");
	json_close_object(&json);
	json_close_object(&json);
	json_put_null(&json, NULL);
	json_close_array(&json);
	assert_int_equal(json_finish(&json), 0);
	assert_content(&out, "[{},{\"a\":[[],1,\"two\"],\"b\":{}},null]");
}

static void escapes(void **state)
{
	static const char *const rows[][2] = {
		{ "", "\"\"" },
		{ "\"\\/", "\"\\\"\\\\/\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "ol\xc3\xa1 \xf0\x9f\x98\x80", "\"ol\xc3\xa1 \xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "a\xc3", "\"a\xef\xbf\xbd\"" },
		{ "\xe2\x82x", "\"\xef\xbf\xbd\xef\xbf\xbdx\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc0\xaf/", "\"\xef\xbf\xbd\xef\xbf\xbd/\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_finish) struct buf out = BUF(100);
		struct json json = json_begin(&out);

		json_text(&json, NULL, rows[i][0]);
		assert_int_equal(json_finish(&json), 0);
		assert_content(&out, rows[i][1]);
	}
}

static void a_nul_inside_is_escaped(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(100);
	struct json json = json_begin(&out);

	json_text_len(&json, NULL, "a\0b", 3);
	assert_int_equal(json_finish(&json), 0);
	assert_content(&out, "\"a\\u0000b\"");
}

static void errors_stick(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(12);
	struct json json = json_begin(&out);

	json_open_object(&json, NULL);
	json_text(&json, "a", "longer than that");
	json_text(&json, "b", "");
	json_close_object(&json);
	assert_int_equal(json_finish(&json), -ERR_TOO_LARGE);
}

static void nests_deeply(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(1000);
	struct json json = json_begin(&out);

	for (int i = 0; i < 60; i++)
		json_open_array(&json, NULL);
	for (int i = 0; i < 60; i++)
		json_close_array(&json);
	assert_int_equal(json_finish(&json), 0);
	assert_int_equal(out.len, 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_every_kind),
		cmocka_unit_test(bytes_are_digits),
		cmocka_unit_test(times_are_text_or_null),
		cmocka_unit_test(dates_of_the_api),
		cmocka_unit_test(keeps_commas),
		cmocka_unit_test(escapes),
		cmocka_unit_test(a_nul_inside_is_escaped),
		cmocka_unit_test(errors_stick),
		cmocka_unit_test(nests_deeply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
