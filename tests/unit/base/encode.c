/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "test.h"

#include "base/encode.h"
#include "base/mem.h"

static void hex(void **state)
{
	char text[9];
	uint8_t bytes[4];

	hex_encode(text, "\x00\x9f\xaB\xff", 4);
	assert_string_equal(text, "009fabff");
	assert_int_equal(hex_decode(bytes, 4, "009FabfF", 8), 4);
	assert_memory_equal(bytes, "\x00\x9f\xab\xff", 4);
	hex_encode(text, "", 0);
	assert_string_equal(text, "");
	assert_int_equal(hex_decode(bytes, 0, "", 0), 0);
	assert_int_equal(hex_decode(bytes, 4, "abc", 3), -ERR_MALFORMED);
	assert_int_equal(hex_decode(bytes, 4, "0g", 2), -ERR_MALFORMED);
	assert_int_equal(hex_decode(bytes, 4, "\0\0", 2), -ERR_MALFORMED);
	assert_int_equal(hex_decode(bytes, 4, "0011223344", 10), -ERR_TOO_LARGE);
}

/* RFC 4648, section 10. */
static void base64_known_answers(void **state)
{
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" }, { "\xfb\xff", "+/8=" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i][0]);
		char text[16], bytes[8];

		base64_encode(text, rows[i][0], len);
		assert_string_equal(text, rows[i][1]);
		assert_int_equal(strlen(text) + 1, BASE64_SIZE(len));
		assert_int_equal(base64_decode(bytes, sizeof(bytes), text, strlen(text)), len);
		assert_memory_equal(bytes, rows[i][0], len);
	}
}

static void base64_is_strict(void **state)
{
	static const char *const refused[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8",
		"Zm 8", "Zm8\n", "Zm9v ", "=m9v", "Z=9v", "Zg==Zg==", "====", "Zm9v====", "Zm9-",
		"Zm9_", "Zm9v=", "Zm\xc3\xa1" };
	char bytes[16];

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(
			base64_decode(bytes, sizeof(bytes), refused[i], strlen(refused[i])),
			-ERR_MALFORMED);
	assert_int_equal(base64_decode(bytes, 2, "Zm9v", 4), -ERR_TOO_LARGE);
	assert_int_equal(base64_decode(bytes, 2, "Zm8=", 4), 2);
}

static void percent(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(64);
	char bytes[16];

	assert_int_equal(percent_encode(&out, "aZ09-._~ /+\xc3\xa1", 13), 0);
	assert_int_equal(out.len, 23);
	assert_memory_equal(out.data, "aZ09-._~%20%2F%2B%C3%A1", 23);
	assert_int_equal(percent_decode(bytes, 16, "a%2fb+c%00", 10, 0), 6);
	assert_memory_equal(bytes, "a/b+c\0", 6);
	assert_int_equal(percent_decode(bytes, 16, "a+b%2B", 6, 1), 4);
	assert_memory_equal(bytes, "a b+", 4);
	assert_int_equal(percent_decode(bytes, 16, "", 0, 0), 0);
}

static void plain_is_what_encoding_leaves(void **state)
{
	for (int c = 0; c < 256; c++) {
		CLEANUP(buf_finish) struct buf out = BUF(64);
		uint8_t bytes[3] = { 'a', (uint8_t)c, 'z' };

		assert_int_equal(percent_encode(&out, bytes, 3), 0);
		assert_int_equal(percent_plain(bytes, 3), out.len == 3);
		assert_int_equal(percent_plain(bytes + 1, 1), out.len == 3);
	}
	assert_true(percent_plain("", 0));
}

static void percent_is_strict(void **state)
{
	static const char *const refused[] = { "%", "%2", "a%", "%zz", "%2g", "%-1", "% 1",
		"%%41" };
	CLEANUP(buf_finish) struct buf tight = BUF(4);
	char bytes[4];

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(percent_decode(bytes, 4, refused[i], strlen(refused[i]), 0),
			-ERR_MALFORMED);
	assert_int_equal(percent_decode(bytes, 4, "%412", 3, 0), 1); /* reads no further than len */
	assert_int_equal(percent_decode(bytes, 4, "abcde", 5, 0), -ERR_TOO_LARGE);
	assert_int_equal(percent_encode(&tight, "  ", 2), -ERR_TOO_LARGE);
}

static void utf8(void **state)
{
	static const char *const good[] = { "", "ascii", "\xc3\xa1", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf",
		"\xef\xbf\xbf", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80" };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(",
		"\xe0\x80\x80", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x98", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xfe", "\xff", "ok\xe2\x28\xa1", "\xc3\xa1\xc3" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
	assert_true(utf8_valid("a\0b", 3));
	assert_false(utf8_valid("\xe2\x82\xac", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex),
		cmocka_unit_test(base64_known_answers),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(percent),
		cmocka_unit_test(plain_is_what_encoding_leaves),
		cmocka_unit_test(percent_is_strict),
		cmocka_unit_test(utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
