/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/telnet/option.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define B(text) text, sizeof text - 1

static struct option option;
static struct buf replies;

static int begin(void **state)
{
	option_init(&option, "xterm", 80, 24);
	replies = BUF(OPTION_REPLIES_MAX);
	return 0;
}

static int end(void **state)
{
	buf_finish(&replies);
	return 0;
}

/* The target sent `bytes`: then this is the text, and this is answered. */
static void heard(const char *bytes, size_t len, const char *text, size_t text_len,
	const char *answer, size_t answer_len)
{
	uint8_t out[512];
	int n = option_receive(&option, (const uint8_t *)bytes, len, out, &replies);

	assert_int_equal(n, text_len);
	assert_memory_equal(out, text, text_len);
	assert_int_equal(replies.len, answer_len);
	if (answer_len > 0)
		assert_memory_equal(replies.data, answer, answer_len);
	buf_clear(&replies);
}

static void options_we_speak(void **state)
{
	heard(B("\xff\xfb\1"), B(""), B("\xff\xfd\1"));     /* WILL ECHO, DO ECHO */
	heard(B("\xff\xfb\3"), B(""), B("\xff\xfd\3"));     /* WILL SGA */
	heard(B("\xff\xfd\3"), B(""), B("\xff\xfb\3"));     /* DO SGA */
	heard(B("\xff\xfb\0"), B(""), B("\xff\xfd\0"));     /* WILL BINARY */
	heard(B("\xff\xfd\0"), B(""), B("\xff\xfb\0"));     /* DO BINARY */
	heard(B("\xff\xfd\x18"), B(""), B("\xff\xfb\x18")); /* DO TTYPE */
	heard(B("\xff\xfd\x1f"), B(""),
		B("\xff\xfb\x1f\xff\xfa\x1f\0\x50\0\x18\xff\xf0")); /* DO NAWS */
	assert_true(option_theirs(&option, OPTION_ECHO));
}

/* ENVIRON, NEW-ENVIRON, LINEMODE, X display, authentication, encryption, and all numbers unheard
 * of. */
static void every_other_option_is_refused_each_time(void **state)
{
	for (int number = 0; number < 256; number++) {
		char bytes[3] = { '\xff', '\xfd', (char)number };
		char refusal[3] = { '\xff', '\xfc', (char)number };
		bool spoken = number == 0 || number == 3 || number == 24 || number == 31;

		if (!spoken) {
			heard(bytes, 3, B(""), refusal, 3);
			heard(bytes, 3, B(""), refusal, 3);
		}
		bytes[1] = '\xfb';
		refusal[1] = '\xfe';
		if (number != 0 && number != 1 && number != 3)
			heard(bytes, 3, B(""), refusal, 3);
		/* What was never on need not be switched off. */
		bytes[1] = '\xfc';
		heard(bytes, 3, B(""), B(""));
		bytes[1] = '\xfe';
		heard(bytes, 3, B(""), B(""));
	}
}

static void no_acknowledgement_loops(void **state)
{
	heard(B("\xff\xfb\1\xff\xfb\1\xff\xfb\1"), B(""), B("\xff\xfd\1"));
	heard(B("\xff\xfc\1\xff\xfc\1"), B(""), B("\xff\xfe\1"));
	assert_false(option_theirs(&option, OPTION_ECHO));
	heard(B("\xff\xfd\x18\xff\xfd\x18"), B(""), B("\xff\xfb\x18"));
	heard(B("\xff\xfe\x18\xff\xfe\x18"), B(""), B("\xff\xfc\x18"));
}

static void the_terminal_type_is_told_once_asked(void **state)
{
	heard(B("\xff\xfa\x18\1\xff\xf0"), B(""), B("")); /* not agreed */
	heard(B("\xff\xfd\x18"), B(""), B("\xff\xfb\x18"));
	heard(B("\xff\xfa\x18\1\xff\xf0"), B(""), B("\xff\xfa\x18\0xterm\xff\xf0"));
	heard(B("\xff\xfa\x18\0\xff\xf0"), B(""), B(""));
	heard(B("\xff\xfa\x18\1\1\xff\xf0"), B(""), B(""));
	heard(B("\xff\xfa\xff\xf0"), B(""), B(""));
}

/* NEW-ENVIRON SEND and X display SEND, agreed or not: not a byte about us. */
static void nothing_about_us_is_told(void **state)
{
	heard(B("\xff\xfa\x27\1\0USER\3HOME\xff\xf0"), B(""), B(""));
	heard(B("\xff\xfa\x24\1\xff\xf0"), B(""), B(""));
	heard(B("\xff\xfa\x23\1\xff\xf0"), B(""), B(""));
	heard(B("\xff\xfa\x22\1\3\xff\xf0"), B(""), B(""));
}

static void a_suboption_without_end_fills_64_bytes_and_no_more(void **state)
{
	char long_one[400];

	memset(long_one, 1, sizeof long_one);
	memcpy(long_one, "\xff\xfa\x18", 3);
	heard(B("\xff\xfd\x18"), B(""), B("\xff\xfb\x18"));
	heard(long_one, sizeof long_one, B(""), B(""));
	assert_int_equal(option.sub_len, OPTION_SUB_MAX + 1);
	heard(B("\xff\xf0text"), B("text"), B(""));
	/* 0xff doubled inside, and a command that breaks it off */
	heard(B("\xff\xfa\x18\xff\xff\xff\xf0x"), B("x"), B(""));
	heard(B("\xff\xfa\x18\1\xff\xfd\x1fx"), B("x"),
		B("\xff\xfb\x1f\xff\xfa\x1f\0\x50\0\x18\xff\xf0"));
}

static void text_comes_clean(void **state)
{
	heard(B("a\xff\xff"
		"b"),
		B("a\xff"
		  "b"),
		B(""));
	heard(B("line\r\nnext\r\0over"), B("line\r\nnext\rover"), B(""));
	heard(B("x\xff\xf9\xff\xf2\xff\xf1y"), B("xy"), B("")); /* GA, DM, NOP */
	/* Binary: NUL after CR is a byte like any other. */
	heard(B("\xff\xfb\0"), B(""), B("\xff\xfd\0"));
	heard(B("\r\0"), B("\r\0"), B(""));
}

static void any_cut_gives_the_same(void **state)
{
	static const char stream[] = "a\r\0b\xff\xfd\x18\xff\xfa\x18\1\xff\xf0"
				     "c\xff\xff\xff\xfb\1d\r\n";

	for (size_t cut = 0; cut < sizeof stream; cut++) {
		uint8_t out[64];

		option_init(&option, "xterm", 80, 24);
		int first = option_receive(&option, (const uint8_t *)stream, cut, out, &replies);
		int second = option_receive(&option, (const uint8_t *)stream + cut,
			sizeof stream - 1 - MIN(cut, sizeof stream - 1), out + first, &replies);
		assert_int_equal(first + second, 8);
		assert_memory_equal(out,
			"a\rbc\xff"
			"d\r\n",
			8);
		assert_int_equal(replies.len, 3 + 11 + 3);
		buf_clear(&replies);
	}
}

static void typed(const char *bytes, size_t len, const char *wire, size_t wire_len)
{
	CLEANUP(buf_finish) struct buf out = BUF(1024);

	assert_int_equal(option_encode(&option, (const uint8_t *)bytes, len, &out), 0);
	assert_int_equal(out.len, wire_len);
	assert_memory_equal(out.data, wire, wire_len);
}

static void what_is_typed(void **state)
{
	typed(B("ls\r"), B("ls\r\0"));
	typed(B("a\r\nb\n"), B("a\r\nb\n"));
	typed(B("\xff\xfb\x18"), B("\xff\xff\xfb\x18"));
	heard(B("\xff\xfd\0"), B(""), B("\xff\xfb\0"));
	typed(B("ls\r\xff"), B("ls\r\xff\xff"));
}

static void the_window(void **state)
{
	assert_int_equal(option_resize(&option, 255, 65535, &replies), 0);
	assert_int_equal(replies.len, 0);
	heard(B("\xff\xfd\x1f"), B(""),
		B("\xff\xfb\x1f\xff\xfa\x1f\0\xff\xff\xff\xff\xff\xff\xff\xf0"));
	assert_int_equal(option_resize(&option, 100, 30, &replies), 0);
	assert_int_equal(replies.len, 9);
	assert_memory_equal(replies.data, "\xff\xfa\x1f\0\x64\0\x1e\xff\xf0", 9);
}

static void answers_have_a_ceiling(void **state)
{
	uint8_t out[8], flood[6] = { 0xff, 0xfa, 0x18, 1, 0xff, 0xf0 };
	int r = 0;

	heard(B("\xff\xfd\x18"), B(""), B("\xff\xfb\x18"));
	for (int i = 0; i < 100000 && r == 0; i++)
		r = option_receive(&option, flood, sizeof flood, out, &replies);
	assert_int_equal(r, -ERR_TOO_LARGE);
	assert_true(replies.len <= OPTION_REPLIES_MAX);
}

static void a_nameless_terminal(void **state)
{
	option_init(&option, "", 80, 24);
	assert_string_equal(option.terminal, "UNKNOWN");
	option_init(&option, "a-name-that-is-longer-than-any-terminal-was", 80, 24);
	assert_string_equal(option.terminal, "UNKNOWN");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(options_we_speak),
		TEST(every_other_option_is_refused_each_time),
		TEST(no_acknowledgement_loops),
		TEST(the_terminal_type_is_told_once_asked),
		TEST(nothing_about_us_is_told),
		TEST(a_suboption_without_end_fills_64_bytes_and_no_more),
		TEST(text_comes_clean),
		TEST(any_cut_gives_the_same),
		TEST(what_is_typed),
		TEST(the_window),
		TEST(answers_have_a_ceiling),
		TEST(a_nameless_terminal),
	};

	return cmocka_run_group_tests_name("drivers/telnet/option", tests, NULL, NULL);
}
