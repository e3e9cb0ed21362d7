/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/intake.c"

#include <sys/socket.h>

#include "base/clock.h"
#include "fixture.h"

struct story {
	struct loop *loop;
	int ends[2];
	struct intake *intake;
	bool called;
	int r;
	struct secret *secret;
};

static void on_secret(void *context, int r, struct secret *secret)
{
	struct story *story = context;
	story->called = true;
	story->intake = NULL;
	story->r = r;
	story->secret = secret;
	loop_stop(story->loop);
}

static void begin(struct story *story)
{
	*story = (struct story){ .r = 1 };
	assert_int_equal(loop_create(&story->loop), 0);
	assert_int_equal(pipe2(story->ends, O_CLOEXEC), 0);
}

static void end(struct story *story)
{
	fd_closep(&story->ends[1]);
	secret_destroy(story->secret);
	intake_destroy(story->intake);
	loop_destroy(story->loop);
}

static void start(struct story *story, bool strip)
{
	assert_int_equal(
		intake_create(story->loop, story->ends[0], strip, on_secret, story, &story->intake),
		0);
	assert_false(story->called);
}

static void give(struct story *story, const char *bytes, size_t len)
{
	assert_int_equal(write(story->ends[1], bytes, len), len);
}

static void finish_giving(struct story *story)
{
	close(story->ends[1]);
	story->ends[1] = -1;
	assert_int_equal(loop_run(story->loop), 0);
	assert_true(story->called);
}

static void expect(struct story *story, const char *text)
{
	assert_int_equal(story->r, 0);
	assert_int_equal(secret_len(story->secret), strlen(text));
	assert_string_equal(secret_reveal(story->secret), text);
}

static void stop_later(void *context)
{
	loop_stop(context);
}

static void test_in_pieces(void **state)
{
	struct story story;
	struct timer *timer;
	begin(&story);
	give(&story, "s3c", 3);
	start(&story, true);
	assert_int_equal(loop_after(story.loop, 20, stop_later, story.loop, &timer), 0);
	assert_int_equal(loop_run(story.loop), 0);
	assert_false(story.called);
	give(&story, "ret\n", 4);
	finish_giving(&story);
	expect(&story, "s3cret");
	end(&story);
}

static void test_newlines(void **state)
{
	struct story story;
	begin(&story);
	give(&story, "two\n\n", 5);
	start(&story, true);
	finish_giving(&story);
	expect(&story, "two\n");
	end(&story);
	begin(&story);
	give(&story, "kept\n", 5);
	start(&story, false);
	finish_giving(&story);
	expect(&story, "kept\n");
	end(&story);
}

static void test_nothing_and_too_much(void **state)
{
	static char much[SECRET_MAX + 2];
	struct story story;
	begin(&story);
	give(&story, "\n", 1);
	start(&story, true);
	finish_giving(&story);
	assert_int_equal(story.r, -ERR_PARAMETER_INVALID);
	assert_null(story.secret);
	end(&story);

	memset(much, 'x', sizeof much);
	much[SECRET_MAX] = '\n';
	begin(&story);
	give(&story, much, SECRET_MAX + 1);
	start(&story, true);
	finish_giving(&story);
	assert_int_equal(story.r, 0);
	assert_int_equal(secret_len(story.secret), SECRET_MAX);
	end(&story);

	begin(&story);
	give(&story, much, SECRET_MAX + 1);
	start(&story, false);
	finish_giving(&story);
	assert_int_equal(story.r, -ERR_TOO_LARGE);
	end(&story);

	begin(&story);
	give(&story, much, sizeof much);
	start(&story, true);
	finish_giving(&story);
	assert_int_equal(story.r, -ERR_TOO_LARGE);
	end(&story);
}

static void test_files(void **state)
{
	struct fixture f;
	struct story story;
	fixture_begin(&f);
	fixture_write(&f, "secret", "from a file\n", 12, 0600);
	begin(&story);
	close(story.ends[0]);
	story.ends[0] = openat(f.directory, "secret", O_RDONLY);
	start(&story, true);
	finish_giving(&story);
	expect(&story, "from a file");
	end(&story);
	fixture_finish(&f);
}

static void test_terminals_and_devices_are_not_taken(void **state)
{
	struct story story;
	begin(&story);
	close(story.ends[0]);
	int fd = open("/dev/zero", O_RDONLY);
	assert_int_equal(intake_create(story.loop, fd, true, on_secret, &story, &story.intake),
		-ERR_MALFORMED);
	end(&story);
}

static void test_silence_ends(void **state)
{
	struct story story;
	begin(&story);
	give(&story, "half", 4);
	start(&story, true);
	uint64_t before = clock_monotonic_ms();
	assert_int_equal(loop_run(story.loop), 0);
	assert_true(story.called);
	assert_int_equal(story.r, -ERR_TIMED_OUT);
	assert_true(clock_monotonic_ms() - before >= INTAKE_MS);
	end(&story);
}

static void test_given_up(void **state)
{
	struct story story;
	begin(&story);
	start(&story, true);
	end(&story);
	assert_false(story.called);
}

static void test_pour(void **state)
{
	struct story story;
	char bytes[8];
	begin(&story);
	assert_int_equal(intake_pour(story.ends[1], "digits", 6), 0);
	assert_int_equal(read(story.ends[0], bytes, 6), 6);
	assert_memory_equal(bytes, "digits", 6);
	/* A reader who does not read cannot hold the vault up. */
	while (write(story.ends[1], bytes, 1) == 1)
		;
	assert_int_equal(intake_pour(story.ends[1], "digits", 6), -ERR_CLOSED);
	close(story.ends[0]);
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_pieces),
		cmocka_unit_test(test_newlines),
		cmocka_unit_test(test_nothing_and_too_much),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_terminals_and_devices_are_not_taken),
		cmocka_unit_test(test_silence_ends),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_pour),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
