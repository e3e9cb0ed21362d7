/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_text.c"

#include <stdio.h>

#include "../recorder/fixture.h"

static int keep(void *context, const char *line, size_t len)
{
	struct buf *out = context;

	buf_append(out, line, len);
	return buf_append(out, "|", 1);
}

static void lines_of(const char *in, size_t len, const char *expect, size_t step_len)
{
	struct buf out = BUF(1024 * 1024);
	struct text_lines *lines = text_lines_create(keep, &out);

	for (size_t at = 0; at < len; at += step_len)
		assert_int_equal(
			text_lines_put(lines, (const uint8_t *)in + at, MIN(step_len, len - at)),
			0);
	assert_int_equal(text_lines_flush(lines), 0);
	buf_append(&out, "", 1);
	assert_string_equal((char *)out.data, expect);
	buf_finish(&out);
	text_lines_destroy(lines);
}

static void shows(const char *in, const char *expect)
{
	lines_of(in, strlen(in), expect, strlen(in));
	lines_of(in, strlen(in), expect, 1);
	lines_of(in, strlen(in), expect, 3);
}

static void plain_lines(void **state)
{
	shows("one\r\ntwo\r\n", "one|two|");
	shows("no end", "no end|");
	shows("\r\n\r\nx\n", "||x|");
	shows("a\tb", "a       b|");
	shows("trailing   \r\n", "trailing|");
	shows("gr\303\274n \342\202\254 \360\237\230\200\r\n",
		"gr\303\274n \342\202\254 \360\237\230\200|");
}

static void editing_within_the_line(void **state)
{
	shows("abc\rX\r\n", "Xbc|");
	shows("abcd\b\b\033[KX\r\n", "abX|");
	shows("abcd\033[2Dxy\r\n", "abxy|");
	shows("\033[5Cx\r\n", "     x|");
	shows("abcdef\r\033[2P\r\n", "cdef|");
	shows("cdef\r\033[2@ab\r\n", "abcdef|");
	shows("abcdef\033[3G\033[2X\r\n", "ab  ef|");
	shows("abc\033[1K\r\n", "|");
	shows("abc\033[2Kd\r\n", "   d|");
	shows("10%\r50%\r100%\r\n", "100%|");
}

static void sequences_vanish(void **state)
{
	shows("\033[1;31mred\033[0m\r\n", "red|");
	shows("\033]0;title\007text\033]52;c;x\033\\more\r\n", "textmore|");
	shows("\033P1$rx\033\\y\r\n", "y|");
	shows("\033(Bx\033=y\0337z\r\n", "xyz|");
	shows("x\007\016y\r\n", "xy|");
}

static void full_screen_programs(void **state)
{
	shows("shell\033[?1049h\033[H\033[2Jfirst\033[2;1Hsecond\033[?1049l",
		"shell|first|second|");
	shows("a\033[10;5Hb", "a|    b|");
}

static void nothing_dangerous_comes_out(void **state)
{
	shows("a\342\200\256b\r\n", "a<U+202E>b|");
	shows("a\302\233b\r\n", "ab|");
	shows("a\377b\300\200c\r\n", "a\357\277\275b\357\277\275\357\277\275c|");
	shows("\355\240\200\r\n", "\357\277\275|"); /* a surrogate */
}

static void long_lines_are_continued(void **state)
{
	struct buf in = BUF(65536), expect = BUF(65536);

	for (int i = 0; i < LINE_CELLS + 10; i++) {
		buf_append(&in, "x", 1);
		buf_append(&expect, i == LINE_CELLS ? "|x" : "x", i == LINE_CELLS ? 2 : 1);
	}
	buf_append(&in, "", 1);
	buf_append(&expect, "|", 2);
	shows((char *)in.data, (char *)expect.data);
	buf_finish(&in);
	buf_finish(&expect);
	for (int i = 0; i < LINE_CELLS - 1; i++)
		buf_append(&expect, " ", 1);
	buf_append(&expect, "x|", 3);
	shows("\033[99999999999999C\033[9999@x", (char *)expect.data);
	buf_finish(&expect);
}

static void safe_text(void **state)
{
	struct buf out = BUF(1024);

	assert_int_equal(
		text_safe(&out, "a\033[1m\177\n\302\200\342\200\256\303\244\377\342", 16), 0);
	buf_append(&out, "", 1);
	assert_string_equal(
		(char *)out.data, "a^[[1m^?^J<U+0080><U+202E>\303\244\357\277\275\357\277\275");
	buf_finish(&out);
}

static void random_input(void **state)
{
	struct buf out = BUF(16 * 1024 * 1024);
	struct text_lines *lines = text_lines_create(keep, &out);
	unsigned seed = 3;

	for (unsigned i = 0; i < 300000; i++) {
		seed = seed * 1103515245 + 12345;
		uint8_t byte = (seed >> 20) % 4 == 0
				       ? "\033[;?mKHCDPJ@X123456789"[(seed >> 24) % 22]
				       : (uint8_t)(seed >> 16);
		assert_int_equal(text_lines_put(lines, &byte, 1), 0);
	}
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.data[i] >= 0x20 && out.data[i] != 0x7f);
	text_lines_destroy(lines);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_lines),
		cmocka_unit_test(editing_within_the_line),
		cmocka_unit_test(sequences_vanish),
		cmocka_unit_test(full_screen_programs),
		cmocka_unit_test(nothing_dangerous_comes_out),
		cmocka_unit_test(long_lines_are_continued),
		cmocka_unit_test(safe_text),
		cmocka_unit_test(random_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
