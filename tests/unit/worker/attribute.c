/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/attribute.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct attributes now;

static void on_sequence(void *context, uint32_t id, const struct params *params)
{
	assert_int_equal(id, 'm');
	attributes_apply(&now, params);
}

static void apply(const char *bytes)
{
	static const struct parser_events events = { .sequence = on_sequence };
	struct parser parser;

	parser_init(&parser, &events, NULL);
	parser_feed(&parser, (const uint8_t *)bytes, strlen(bytes));
}

static void colors(void **state)
{
	now = (struct attributes){};
	apply("\033[31;42m");
	assert_int_equal(now.fg, COLOR_16 | 1);
	assert_int_equal(now.bg, COLOR_16 | 2);
	apply("\033[97;101m");
	assert_int_equal(now.fg, COLOR_16 | 15);
	assert_int_equal(now.bg, COLOR_16 | 9);
	apply("\033[38;5;202;48;2;1;2;3m");
	assert_int_equal(now.fg, COLOR_256 | 202);
	assert_int_equal(now.bg, COLOR_RGB | 0x010203);
	apply("\033[38:5:7;48:2::4:5:6m");
	assert_int_equal(now.fg, COLOR_256 | 7);
	assert_int_equal(now.bg, COLOR_RGB | 0x040506);
	apply("\033[39;49m");
	assert_int_equal(now.fg, 0);
	assert_int_equal(now.bg, 0);
	/* What names no colour changes none. */
	apply("\033[38;9;1m\033[38m");
	assert_int_equal(now.fg, 0);
}

static void effects_on_and_off(void **state)
{
	now = (struct attributes){};
	apply("\033[1;2;3;5;7;8;9;53m");
	assert_int_equal(now.fg, ATTRIBUTE_BOLD | ATTRIBUTE_BLINK | ATTRIBUTE_INVERSE |
					 ATTRIBUTE_INVISIBLE | ATTRIBUTE_STRUCK);
	assert_int_equal(now.bg, ATTRIBUTE_DIM | ATTRIBUTE_ITALIC | ATTRIBUTE_OVERLINE);
	apply("\033[22;23;25;27;28;29;55m");
	assert_int_equal(now.fg, 0);
	assert_int_equal(now.bg, 0);
	apply("\033[4:3;58:5:9m");
	assert_int_equal(now.fg, ATTRIBUTE_UNDERLINE);
	assert_int_equal(now.bg, ATTRIBUTE_LINED);
	assert_int_equal(now.line, COLOR_256 | 9 | 3u << LINE_STYLE_SHIFT);
	apply("\033[24m");
	assert_int_equal(now.fg, 0);
	assert_int_equal(now.bg, 0);
	apply("\033[1;31m\033[m");
	assert_int_equal(now.fg, 0);
	assert_int_equal(now.line, 0);
}

/* From whatever is in force, what is written makes the same again. */
static void written_and_read(void **state)
{
	static const char *const some[] = { "\033[m", "\033[1;31m", "\033[2;3;38;5;202;48;2;1;2;3m",
		"\033[4:3;58:2::9:8:7;97;104m", "\033[21;7m", "\033[4;58:5:3;59;9;53m",
		"\033[8;5;90m" };

	for (unsigned i = 0; i < ARRAY_LEN(some); i++) {
		CLEANUP(buf_finish) struct buf out = BUF(256);
		now = (struct attributes){};
		apply(some[i]);
		struct attributes wanted = now;
		assert_int_equal(attributes_write(&out, &wanted), 0);
		assert_int_equal(buf_append(&out, "", 1), 0);
		apply("\033[1;2;3;4:5;5;7;8;9;31;42;53m");
		apply((const char *)out.data);
		assert_memory_equal(&now, &wanted, sizeof now);
	}
}

static void erased_keeps_the_background(void **state)
{
	now = (struct attributes){};
	apply("\033[1;3;31;44;4m");
	struct attributes erased = attributes_erased(&now);
	assert_int_equal(erased.fg, 0);
	assert_int_equal(erased.bg, COLOR_16 | 4);
	assert_int_equal(erased.line, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(colors),
		cmocka_unit_test(effects_on_and_off),
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(erased_keeps_the_background),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
