/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_filter.c"

#include <stdlib.h>

#include "../recorder/fixture.h"

static void passes(const char *in, const char *expect)
{
	struct filter filter = {};
	struct buf out = BUF(4096);
	size_t len = strlen(in);

	assert_int_equal(filter_put(&filter, (const uint8_t *)in, len, &out), 0);
	assert_int_equal(out.len, strlen(expect));
	if (out.len > 0)
		assert_memory_equal(out.data, expect, out.len);
	buf_finish(&out);
	/* The same, byte by byte: nothing depends on how it was cut. */
	filter = (struct filter){};
	out = BUF(4096);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(filter_put(&filter, (const uint8_t *)in + i, 1, &out), 0);
	assert_int_equal(out.len, strlen(expect));
	if (out.len > 0)
		assert_memory_equal(out.data, expect, out.len);
	buf_finish(&out);
}

static void draws(void **state)
{
	static const char *const same[] = { "plain text\r\n\ttab\b", "\033[1;31mred\033[0m",
		"\033[2J\033[H", "\033[38:2:1:2:3m", "\033[10;20H", "\033[?25l", "\033[?1049h",
		"\0337\0338\033M", "\033(B\033(0", "\033[3 q", "\033[!p", "\033[4h", "\033#8",
		"\303\244\342\202\254\360\237\230\200", "\033[2;5r\033[1S\033[@" };

	for (unsigned i = 0; i < ARRAY_LEN(same); i++)
		passes(same[i], same[i]);
}

static void drops_what_acts(void **state)
{
	static const char *const gone[] = {
		"\033]52;c;aGVsbG8=\007", /* clipboard */
		"\033]0;title\033\\",     /* title */
		"\033]8;;http://x\033\\", /* link */
		"\033P$q\"p\033\\",       /* DECRQSS */
		"\033P+q544e\033\\",      /* termcap query */
		"\033_apc\033\\",
		"\033^pm\033\\",
		"\033Xsos\033\\",
		"\033[c",
		"\033[>c",
		"\033[=c", /* device attributes */
		"\033[6n",
		"\033[?6n",
		"\033[5n", /* reports */
		"\033[21t",
		"\033[8;1;1t", /* window: title report, resize */
		"\033[?1000h",
		"\033[?1003;1006h", /* mouse */
		"\033[?2004h",
		"\033[?1004h",
		"\033[>4;1m",
		"\033[5i",
		"\033[?5i",
		"\033[x",
		"\033[?25$p",
		"\033Z",
		"\033=",
		"\033>",
		"\033[20h",
		"\005",
		"\007",
		"\177",
	};

	for (unsigned i = 0; i < ARRAY_LEN(gone); i++)
		passes(gone[i], "");
	passes("\302\23331m", "31m");
	passes("\302\20552;c;x\302\234", "52;c;x");
	passes("\33331m", "\357\277\27531m"); /* a raw 8-bit CSI is no valid character */
	passes("a\342\200\256b", "ab");       /* right-to-left override */
}

static void keeps_the_harmless_part(void **state)
{
	passes("\033[?25;1000;1049h", "\033[?25h\033[?1049h");
	passes("\033[?1000;1002h", "");
	passes("x\033]0;never ended\030y", "xy");
	passes("x\033[1\0302m", "x2m");
	passes("\033[1\033[2m", "\033[2m");
	passes("\033[1\n2m", "\n\033[12m"); /* a line feed inside a sequence is obeyed */
	passes("\342\202x", "\357\277\275x");
	passes("\342\202\033[1m", "\357\277\275\033[1m");
	passes("\033]0;x\033[1my", "\033[1my");
}

static void endless_sequences(void **state)
{
	struct filter filter = {};
	struct buf out = BUF(64);

	for (int i = 0; i < 100000; i++)
		assert_int_equal(
			filter_put(&filter, (const uint8_t *)(i == 0 ? "\033[" : "11"), 2, &out),
			0);
	assert_int_equal(filter_put(&filter, (const uint8_t *)"mok", 3, &out), 0);
	assert_int_equal(out.len, 2);
	assert_memory_equal(out.data, "ok", 2);
	buf_finish(&out);
}

/* Whatever comes in, only sequences of the list come out. */
static void random_bytes_in(void **state)
{
	struct filter filter = {}, again = {};
	struct buf out = BUF(1024 * 1024), twice = BUF(1024 * 1024);
	static const char letters[] =
		"\033\033\033[]P?;0123456789hlmncHtqp\"$ \\\007\030\302\233\342\200\256";
	unsigned seed = 5;

	for (unsigned i = 0; i < 200000; i++) {
		seed = seed * 1103515245 + 12345;
		uint8_t byte = (uint8_t)letters[(seed >> 16) % (sizeof(letters) - 1)];
		assert_int_equal(filter_put(&filter, &byte, 1, &out), 0);
	}
	/* What passed passes again unchanged: it holds nothing but what is let through. */
	assert_int_equal(filter_put(&again, out.data, out.len, &twice), 0);
	assert_int_equal(twice.len, out.len);
	assert_memory_equal(twice.data, out.data, out.len);
	for (size_t i = 0; i + 1 < out.len; i++) {
		assert_true(out.data[i] != 7 && out.data[i] != 5);
		if (out.data[i] == 0x1b)
			assert_null(memchr("]P_^XZ=>", out.data[i + 1], 8));
	}
	buf_finish(&out);
	buf_finish(&twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws),
		cmocka_unit_test(drops_what_acts),
		cmocka_unit_test(keeps_the_harmless_part),
		cmocka_unit_test(endless_sequences),
		cmocka_unit_test(random_bytes_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
