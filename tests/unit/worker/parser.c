/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/parser.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

/* What the parser said, in words. */
static char said[8192];
static size_t said_len;

static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	said_len += (size_t)vsnprintf(said + said_len, sizeof said - said_len, format, arguments);
	va_end(arguments);
}

static void on_text(void *context, const uint32_t *codes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		say(codes[i] < 0x7f ? "%c" : "<%x>", codes[i]);
}

static void on_control(void *context, uint32_t code)
{
	say("{%02x}", code);
}

static void on_escape(void *context, uint32_t id)
{
	say("{ESC %x}", id);
}

static void on_sequence(void *context, uint32_t id, const struct params *params)
{
	say("{CSI %x", id);
	for (unsigned i = 0; i < params->count; i++) {
		say(" %d", params->values[i]);
		for (unsigned k = params->sub_first[i]; k < params->sub_end[i]; k++)
			say(":%d", params->subs[k]);
	}
	say("}");
}

static void on_string(void *context)
{
	say("{string}");
}

static const struct parser_events events = { on_text, on_control, on_escape, on_sequence,
	on_string };

static const char *parse_len(const char *bytes, size_t len, size_t piece)
{
	struct parser parser;

	said_len = 0;
	said[0] = '\0';
	parser_init(&parser, &events, NULL);
	for (size_t at = 0; at < len; at += piece)
		parser_feed(&parser, (const uint8_t *)bytes + at, MIN(piece, len - at));
	return said;
}

static const char *parse(const char *bytes)
{
	return parse_len(bytes, strlen(bytes), SIZE_MAX / 2);
}

static void text_and_controls(void **state)
{
	assert_string_equal(parse("ab\r\nc\177d"), "ab{0d}{0a}cd");
	assert_string_equal(parse("\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80"), "<e9><65e5><1f600>");
	/* What is no UTF-8, a surrogate, a byte order mark, an overlong form: skipped. */
	assert_string_equal(parse("a\xff\x80z"), "az");
	assert_string_equal(parse("a\xc3z"), "az");
	assert_string_equal(parse("\xed\xa0\x80\xef\xbb\xbf\xc0\xafz"), "z");
	assert_string_equal(parse("\xe6\x97\033[mz"), "{CSI 6d 0}z");
}

static void sequences(void **state)
{
	assert_string_equal(parse("\033[m\033[1;2H\033[;5H"), "{CSI 6d 0}{CSI 48 1 2}{CSI 48 0 5}");
	assert_string_equal(parse("\033[?25h\033[>4;1m"), "{CSI 3f68 25}{CSI 3e6d 4 1}");
	assert_string_equal(parse("\033[38:2::1:2:3;4:3m"), "{CSI 6d 38:2:-1:1:2:3 4:3}");
	assert_string_equal(parse("\033[2 q\033[!p"), "{CSI 2071 2}{CSI 2170 0}");
	assert_string_equal(parse("\033(0\0337\033#8"), "{ESC 2830}{ESC 37}{ESC 2338}");
	/* Controls inside are obeyed, CAN and ESC give up what was begun, C1 is the short form. */
	assert_string_equal(parse("\033[3\n1C"), "{0a}{CSI 43 31}");
	assert_string_equal(parse("\033[3\030C\033[3\033[4C"), "{18}C{CSI 43 4}");
	assert_string_equal(parse("\xc2\x9b"
				  "5C\xc2\x85"),
		"{CSI 43 5}{85}");
	/* Of nothing that is known. */
	assert_string_equal(parse("\033[1<2mz\033[1 2mz"), "zz");
	assert_string_equal(parse("\033[1\xc3\xa9z"), "z");
	assert_string_equal(parse("\033[99999999999999999999C"), "{CSI 43 2147483647}");
}

static void strings_are_dropped(void **state)
{
	assert_string_equal(parse("\033]0;title\007a"), "{string}a");
	assert_string_equal(parse("\033]2;x\xc3\xa9\033\\a"), "{string}{ESC 5c}a");
	assert_string_equal(parse("\033P1$tx\033\\a"), "{string}{ESC 5c}a");
	assert_string_equal(
		parse("\033_apc\033\\\033^pm\033\\\033Xsos\033\\a"), "{ESC 5c}{ESC 5c}{ESC 5c}a");
	assert_string_equal(parse("\033]8;;http://x\033\\a"), "{string}{ESC 5c}a");
	assert_string_equal(parse("\033]52;c;aaaa\030a"), "{string}a");
}

static void many_parameters(void **state)
{
	char bytes[256] = "\033[";
	char expected[256] = "{CSI 6d";

	for (int i = 0; i < 40; i++)
		snprintf(bytes + strlen(bytes), sizeof bytes - strlen(bytes), "%s7", i ? ";" : "");
	for (int i = 0; i < PARSER_PARAMS_MAX; i++)
		snprintf(expected + strlen(expected), sizeof expected - strlen(expected), " 7");
	snprintf(bytes + strlen(bytes), sizeof bytes - strlen(bytes), "m");
	snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "}");
	assert_string_equal(parse(bytes), expected);
}

/* However the bytes come, the same is said. */
static void in_pieces(void **state)
{
	static const char bytes[] =
		"a\xe6\x97\xa5\033[1;38:2::1:2:3mb\033]0;\xc3\xa9\007c\033(0\xc2\x9b"
		"3Cd\033P$q\"p\033\\e\xf0\x9f\x98\x80";
	char whole[sizeof said];

	snprintf(whole, sizeof whole, "%s", parse_len(bytes, sizeof bytes - 1, sizeof bytes));
	for (size_t piece = 1; piece < 9; piece++)
		assert_string_equal(parse_len(bytes, sizeof bytes - 1, piece), whole);
}

/* Another parser that reads what is cut off here, and then the rest, says what is missing. */
static void what_is_cut(void **state)
{
	static const char bytes[] =
		"\033[1;31mA\xe6\x97\xa5\033]0;title\007B\033(0C\033[4\n2G\033_a\xd0\n\x9b\033\\D";
	struct parser first, second;
	uint8_t cut[PARSER_CUT_MAX];

	for (size_t at = 0; at < sizeof bytes; at++) {
		char all[sizeof said];
		parser_init(&first, &events, NULL);
		said_len = 0;
		parser_feed(&first, (const uint8_t *)bytes, at);
		parser_init(&second, &events, NULL);
		parser_feed(&second, cut, parser_cut(&first, cut));
		parser_feed(&second, (const uint8_t *)bytes + at, sizeof bytes - 1 - at);
		snprintf(all, sizeof all, "%s", said);
		assert_string_equal(all, parse_len(bytes, sizeof bytes - 1, sizeof bytes));
	}
}

static void long_ones_are_not_kept(void **state)
{
	static const char *const begins[] = { "\033]0;", "\033P", "\033_", "\033[" };
	static const char *const ends[] = { "x\007Z", "x\033\\Z", "x\033\\Z", ";5CZ" };
	struct parser first, second;
	uint8_t cut[PARSER_CUT_MAX];

	for (unsigned i = 0; i < ARRAY_LEN(begins); i++) {
		parser_init(&first, &events, NULL);
		parser_feed(&first, (const uint8_t *)begins[i], strlen(begins[i]));
		for (int k = 0; k < 2 * PARSER_CUT_MAX; k++)
			parser_feed(&first, (const uint8_t *)"1", 1);
		size_t len = parser_cut(&first, cut);
		assert_true(len <= 16);
		parser_init(&second, &events, NULL);
		said_len = 0;
		parser_feed(&second, cut, len);
		parser_feed(&second, (const uint8_t *)ends[i], strlen(ends[i]));
		assert_int_equal(said[said_len - 1], 'Z');
		assert_null(strstr(said, "CSI"));
		assert_int_equal(parser_cut(&second, cut), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_controls),
		cmocka_unit_test(sequences),
		cmocka_unit_test(strings_are_dropped),
		cmocka_unit_test(many_parameters),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(what_is_cut),
		cmocka_unit_test(long_ones_are_not_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
