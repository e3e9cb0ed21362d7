/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/echo.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/error.h"
#include "failing.h"
#include "wire/view.h"

#define TOLD_MAX 256

/* What was settled, in words: shown text as it is, what was not shown in <>, keys as ^X. */
struct world {
	struct echo echo;
	char told[TOLD_MAX];
	size_t len, bytes;
	unsigned calls;
	uint64_t now;
	int fails; /* from this call on */
};

static void say(struct world *world, char byte)
{
	if (world->len < TOLD_MAX - 1)
		world->told[world->len++] = byte;
}

static int on_settled(
	void *context, const struct echo_piece *piece, const uint8_t *bytes, bool shown)
{
	struct world *world = context;

	world->calls++;
	world->bytes += piece->len;
	if (world->fails > 0 && --world->fails == 0)
		return world->fails = 1, -ERR_DISK;
	assert_true(shown || piece->text);
	if (!shown)
		say(world, '<');
	for (uint32_t i = 0; i < piece->len; i++) {
		if (!prints(bytes[i]))
			say(world, '^');
		say(world, prints(bytes[i]) ? (char)bytes[i] : (char)(bytes[i] ^ 0x40));
	}
	if (!shown)
		say(world, '>');
	return 0;
}

static struct world *world_create(void)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	echo_init(&world->echo, on_settled, world);
	world->now = 1000;
	return world;
}

static void type(struct world *world, const char *text)
{
	assert_int_equal(echo_typed(&world->echo, VIEW_KEYS, 1, (const uint8_t *)text, strlen(text),
				 world->now),
		0);
}

static void print(struct world *world, const char *text)
{
	assert_int_equal(
		echo_printed(&world->echo, (const uint8_t *)text, strlen(text), world->now), 0);
}

/* What was told so far, and nothing waits any more. */
static void assert_told(struct world *world, const char *told)
{
	world->told[world->len] = '\0';
	assert_string_equal(world->told, told);
	assert_false(echo_waits(&world->echo));
	world->len = 0;
}

/* The same in one test: lines of what is typed ("+..") and printed ("-.."), then what comes of it.
 */
static void assert_story(const char *const steps[], const char *told)
{
	struct world *world = world_create();

	for (unsigned i = 0; steps[i] != NULL; i++)
		(steps[i][0] == '+' ? type : print)(world, steps[i] + 1);
	assert_int_equal(echo_settle(&world->echo), 0);
	assert_told(world, told);
	echo_finish(&world->echo);
	free(world);
}
#define STORY(told, ...) assert_story((const char *const[]){ __VA_ARGS__, NULL }, told)

static void what_is_echoed_is_shown(void **state)
{
	(void)state;
	STORY("ls^M", "+l", "-l", "+s", "-s", "+\r", "-\r\nfile\r\n$ ");
	STORY("ls^M", "+ls\r", "-ls\r\nfile\r\n$ ");
	STORY("ls^M", "+l", "+s", "+\r", "-l", "-s\r\n");   /* typed faster than echoed */
	STORY("ls^Mpwd^M", "+ls\rpwd\r", "-ls\r\npwd\r\n"); /* pasted */
	STORY("grün^M", "+grün\r", "-gr", "-ün\r\n");
	STORY("a~b", "+a~", "-a", "-~", "+b", "-b");
}

static void what_is_not_echoed_is_not(void **state)
{
	(void)state;
	STORY("<hunter2>^M", "+hunter2\r", "-\r\n$ ");
	STORY("<hunter2>^M", "+h", "+u", "+nter2", "+\r", "-\r\n$ ");
	STORY("<hunter2>^Mls^M", "+hunter2\r", "-\r\n$ ", "+l", "-l", "+s", "-s", "+\r", "-\r\n");
	/* Nothing is printed in between, and what comes next begins with the same letter. */
	STORY("<hunter2>^Mhi^M", "+hunter2\r", "+h", "-h", "+i", "-i", "+\r");
	STORY("<hunter2>^M", "+hunter2", "-*******", "+\r", "-\r\n"); /* masked */
	STORY("<hunter2>", "+hunter2");                               /* the session ends */
	/* Some of it was printed by somebody else, but not next. */
	STORY("<hunter2>^M", "+hunter2\r", "-the hunter\r\n");
	STORY("<h><u><nter2>^M", "+h", "-x", "+u", "-x", "+nter2\r", "-hunter2");
}

static void what_comes_after_a_prompt(void **state)
{
	(void)state;
	STORY("ls^Mpwd^M", "+ls\rpwd\r", "-ls\r\nfile\r\n$ pwd\r\n/root\r\n");
	STORY("ls^Mpwd^Mid^M", "+ls\rpwd\rid\r", "-ls\r\nppp", "-wpwdpwd\n/\r\n$ id\r\n");
	STORY("ls^M<pwd>", "+ls\rpwd", "-ls\r\nfile\r\n$ pwd\r\n"); /* no Enter: not believed */
	STORY("ls^M<pwd>^C", "+ls\rpwd\x03", "-ls\r\nfile\r\n$ pwd\r\n");
	STORY("ls^M<pwd>^M", "+ls\rpwd\r", "-ls\r\nfile\r\n$ pw\r\n$ pwdx\r\n");
}

static void keys_are_no_secret(void **state)
{
	(void)state;
	STORY("^C^I^[[A^[OP^[b^[", "+\x03", "+\t", "+\033[A", "+\033OP", "+\033b", "+\033");
	STORY("<ab>^[[1;5D<c>^[O", "+ab\033[1;5Dc\033O");
	STORY("^[[1", "+\033[1");
	STORY("^[[^M^?", "+\033[\r", "+\177");
	STORY("<a>^C", "+a", "+\x03");
	STORY("a^Ib", "+a\t", "+b", "-ab");
	STORY("a^C", "+a\x03", "-a"); /* what follows goes with it */
	STORY("<jj>^[:q", "+j", "+j\033", "-\033[5;3H5,3", "+:", "-:", "+q", "-q");
}

static void sequences_and_what_is_drawn_again(void **state)
{
	(void)state;
	STORY("ls", "+l", "-\033[1m\033[38:5:4ml", "+s", "-\033[0m\bls"); /* coloured as typed */
	STORY("ls", "+ls", "-\033[?2004l\033]0;title l\007\033(Bl\033P1$rs\033\\\033=s");
	STORY("<ls>", "+ls", "-\033]0;ls\033x");
	STORY("ls", "+ls", "-\033\rls");
	STORY("<l>", "+l", "-\b \b"); /* a backspace was drawn */
	STORY("<l>", "+l", "-\bxx", "-l");
	STORY("l", "+l", "-\033\033[ml");
}

/* As bash and zsh draw a line that is longer than the screen is wide. */
static void lines_that_wrap(void **state)
{
	(void)state;
	STORY("echo masked^M", "+echo masked\r", "-echo m\rma", "-sked\r\nmasked\r\n");
	STORY("echo masked^M", "+echo masked\r", "-echo m \rasked\r\n");
	STORY("a b^M", "+a b\r", "-a  \rb\r\n");
	STORY("pwd^Mecho masked^M", "+pwd\recho masked\r", "-pwd\r\n/\r\n$ echo m\rma",
		"-sk \red\r\n");
	STORY("ls^Mpwd^M", "+ls\rpwd\r", "-ls\r\nfile\r\n$ pwd \r\r\n");
	STORY("<hunter2>", "+hunter2", "- h", "-unter2"); /* a blank is something else */
	STORY("h<unter2>", "+hunter2", "-h u", "-\b \b");
	STORY("<hunter2>", "+hunter2", "-\b \b \b");
}

static void who_typed_stays_apart(void **state)
{
	struct world *world = world_create();

	(void)state;
	type(world, "a");
	assert_int_equal(
		echo_typed(&world->echo, VIEW_KEYS, 2, (const uint8_t *)"b", 1, world->now), 0);
	assert_int_equal(
		echo_typed(&world->echo, VIEW_PASTE, 2, (const uint8_t *)"c", 1, world->now), 0);
	type(world, "d");
	print(world, "abc");
	assert_int_equal(world->calls, 3);
	assert_int_equal(echo_settle(&world->echo), 0);
	assert_told(world, "abc<d>");
	free(world);
}

static void time_decides(void **state)
{
	struct world *world = world_create();

	(void)state;
	type(world, "ab");
	world->now += ECHO_WAIT_MS - 1;
	assert_int_equal(echo_late(&world->echo, world->now), 0);
	assert_true(echo_waits(&world->echo));
	print(world, "a"); /* it comes slowly, but it comes */
	world->now += ECHO_WAIT_MS - 1;
	assert_int_equal(echo_late(&world->echo, world->now), 0);
	assert_true(echo_waits(&world->echo));
	world->now += 1;
	assert_int_equal(echo_late(&world->echo, world->now), 0);
	assert_told(world, "a<b>");
	assert_int_equal(echo_late(&world->echo, world->now), 0);
	free(world);
}

static void no_more_waits_than_may(void **state)
{
	struct world *world = world_create();
	uint8_t *much = malloc(ECHO_WAITING_MAX);

	(void)state;
	assert_non_null(much);
	memset(much, 'x', ECHO_WAITING_MAX);
	for (unsigned i = 0; i < 70; i++) {
		assert_int_equal(
			echo_typed(&world->echo, VIEW_PASTE, 1, much, 1000, world->now), 0);
		if (echo_waits(&world->echo))
			assert_true(world->echo.wait->len <= world->echo.wait->cap &&
				    world->echo.wait->cap <= ECHO_WAITING_MAX);
	}
	assert_true(world->calls > 0);
	assert_int_equal(echo_settle(&world->echo), 0);
	assert_int_equal(world->bytes, 70 * 1000);
	/* A frame longer than a piece. */
	world->calls = 0;
	assert_int_equal(
		echo_typed(&world->echo, VIEW_PASTE, 1, much, ECHO_WAITING_MAX, world->now), 0);
	assert_int_equal(echo_printed(&world->echo, much, ECHO_WAITING_MAX, world->now), 0);
	assert_int_equal(echo_settle(&world->echo), 0);
	assert_int_equal(world->bytes, 70 * 1000 + ECHO_WAITING_MAX);
	free(much);
	free(world);
}

/* What was told already makes room. */
static void what_is_shown_makes_room(void **state)
{
	struct world *world = world_create();

	(void)state;
	type(world, "x");
	for (unsigned i = 0; i < 3 * ECHO_WAITING_MAX; i++) {
		type(world, "x");
		print(world, "x");
	}
	assert_int_equal(world->bytes, 3 * ECHO_WAITING_MAX);
	assert_true(world->echo.wait->cap <= 2 * CAP_LEAST);
	world->len = 0;
	print(world, "x");
	assert_told(world, "x");
	free(world);
}

static void without_memory_nothing_waits(void **state)
{
	struct world *world = world_create();

	(void)state;
	failing_once("malloc", 1, ENOMEM);
	type(world, "ab\r");
	failing_end();
	assert_told(world, "<ab>^M");
	free(world);
}

/* An error of the tape comes back from wherever it is met. */
static void errors_come_back(void **state)
{
	static const struct {
		const char *typed, *printed, *then;
		int fails;
	} ways[] = { { "\t", "", "", 1 }, { "a", "a", "", 1 }, { "ab\r", "axx", "", 1 },
		{ "a\r", "x$ a\r", "", 1 }, { "a\r", "x", "b", 1 }, { "ab", "a", "", 1 },
		{ "abc", "a xx", "", 1 }, { "a\tb", "a", "", 2 }, { "a\tb", "x", "c", 2 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		struct world *world = world_create();
		int r;
		world->fails = ways[i].fails;
		r = echo_typed(&world->echo, VIEW_KEYS, 1, (const uint8_t *)ways[i].typed,
			strlen(ways[i].typed), 0);
		if (r == 0)
			r = echo_printed(&world->echo, (const uint8_t *)ways[i].printed,
				strlen(ways[i].printed), 0);
		if (r == 0)
			r = echo_typed(&world->echo, VIEW_KEYS, 1, (const uint8_t *)ways[i].then,
				strlen(ways[i].then), 0);
		assert_int_equal(r, -ERR_DISK);
		echo_finish(&world->echo);
		assert_false(echo_waits(&world->echo));
		free(world);
	}
}

static void errors_without_room(void **state)
{
	struct world *world = world_create();
	uint8_t much[ECHO_PIECE_MAX];

	(void)state;
	memset(much, 'x', sizeof(much));
	assert_int_equal(echo_typed(&world->echo, VIEW_KEYS, 1, much, sizeof(much), world->now), 0);
	world->fails = 1;
	assert_int_equal(
		echo_typed(&world->echo, VIEW_KEYS, 1, much, sizeof(much), world->now), -ERR_DISK);
	echo_finish(&world->echo);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_echoed_is_shown),
		cmocka_unit_test(what_is_not_echoed_is_not),
		cmocka_unit_test(what_comes_after_a_prompt),
		cmocka_unit_test(keys_are_no_secret),
		cmocka_unit_test(sequences_and_what_is_drawn_again),
		cmocka_unit_test(lines_that_wrap),
		cmocka_unit_test(who_typed_stays_apart),
		cmocka_unit_test(time_decides),
		cmocka_unit_test(no_more_waits_than_may),
		cmocka_unit_test(what_is_shown_makes_room),
		cmocka_unit_test(without_memory_nothing_waits),
		cmocka_unit_test(errors_come_back),
		cmocka_unit_test(errors_without_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
