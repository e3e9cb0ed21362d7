/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include "ctl/show.c"

static void shows_text(void **state)
{
	static const char *const table[][2] = {
		{ "plain words", "plain words" },
		{ "", "" },
		{ "\033[2J", "\\x1b[2J" },
		{ "a\tb\nc\x7f", "a\\x09b\\x0ac\\x7f" },
		{ "S\xc3\xa3o \xe6\x97\xa5 \xf0\x9f\x94\x91",
			"S\xc3\xa3o \xe6\x97\xa5 \xf0\x9f\x94\x91" },
		/* C1 control sequence introducer, as UTF-8 and as a lone byte */
		{ "\xc2\x9b"
		  "2J",
			"\\u009b2J" },
		{ "\x9b"
		  "2J",
			"\xef\xbf\xbd"
			"2J" },
		/* override, isolate, mark: the eye must see the bytes' own order */
		{ "a\xe2\x80\xae"
		  "b",
			"a\\u202eb" },
		{ "a\xe2\x81\xa6"
		  "b\xe2\x81\xa9",
			"a\\u2066b\\u2069" },
		{ "\xe2\x80\x8f", "\\u200f" },
		{ "\xef\xbb\xbf", "\\ufeff" },
		{ "\xe2\x80\xa8", "\\u2028" },
		/* cut off in the middle of a character; overlong */
		{ "x\xe6\x97", "x\xef\xbf\xbd" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
	};
	struct desk *desk = *state;

	for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
		desk_capture(desk);
		show_text(stdout, table[i][0]);
		desk_release(desk);
		desk_said(desk, table[i][1]);
	}
}

static void shows_json_on_one_line(void **state)
{
	struct desk *desk = *state;
	json_t *value = json_pack("{s:s, s:[i, b]}", "a", "b\nc", "d", 1, 1);

	desk_capture(desk);
	show_json(value);
	desk_release(desk);
	desk_said(desk, "{\"a\":\"b\\nc\",\"d\":[1,true]}\n");
	json_decref(value);
}

static const struct column columns[] = { { "ID", "id" }, { "NAME", "name" }, { "ON", "on" },
	{ 0 } };

static void table_is_aligned(void **state)
{
	struct desk *desk = *state;
	json_t *rows = json_pack("[{s:s, s:s, s:b}, {s:i, s:s, s:b}, {s:s}]", "id", "7", "name",
		"S\xc3\xa3o", "on", 1, "id", 123456, "name", "x", "on", 0, "id", "8");

	desk_capture(desk);
	show_table(rows, columns);
	desk_release(desk);
	desk_said(desk, "ID      NAME  ON\n"
			"7       S\xc3\xa3o   yes\n"
			"123456  x     no\n"
			"8             \n");
	json_decref(rows);
}

/* What is escaped takes more room, and stays in its column. */
static void table_escapes(void **state)
{
	struct desk *desk = *state;
	json_t *rows = json_pack("[{s:s, s:s}, {s:s, s:s}]", "id", "\033]0;x\007", "name",
		"one\ntwo", "id", "1", "name", "\xe2\x80\xae");

	desk_capture(desk);
	show_table(rows, columns);
	desk_release(desk);
	desk_said(desk, "ID            NAME        ON\n"
			"\\x1b]0;x\\x07  one\\x0atwo  \n"
			"1             \\u202e      \n");
	json_decref(rows);
}

static void empty_table_has_its_titles(void **state)
{
	struct desk *desk = *state;
	json_t *rows = json_array();

	desk_capture(desk);
	show_table(rows, columns);
	desk_release(desk);
	desk_said(desk, "ID  NAME  ON\n");
	json_decref(rows);
}

static void object_is_lines(void **state)
{
	struct desk *desk = *state;
	char long_text[1000], line[1100];
	memset(long_text, 'l', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	json_t *object = json_pack(
		"{s:s, s:n, s:[s], s:b}", "id", "\033c", "ended_at", "list", "a", "live", 1);

	desk_capture(desk);
	show_object(object);
	desk_release(desk);
	desk_said(desk, "id        \\x1bc\nended_at  \nlist      [\"a\"]\nlive      yes\n");
	json_decref(object);

	/* Nothing is cut short: what is shown may be a secret, this once. */
	object = json_pack("{s:s}", "long", long_text);
	desk_capture(desk);
	show_object(object);
	desk_release(desk);
	snprintf(line, sizeof line, "long  %s\n", long_text);
	desk_said(desk, line);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(shows_text),
		DESK_CASE(shows_json_on_one_line),
		DESK_CASE(table_is_aligned),
		DESK_CASE(table_escapes),
		DESK_CASE(empty_table_has_its_titles),
		DESK_CASE(object_is_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
