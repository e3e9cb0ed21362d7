/* SPDX-License-Identifier: Apache-2.0 */
#include "company.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/programs.c"

#define OTHER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define THIRD "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static int open_stage(void **state)
{
	struct stage *stage = calloc(1, sizeof *stage);

	stage_open(stage);
	assert_int_equal(mkdir("other", 0755), 0);
	*state = stage;
	return 0;
}

static int close_stage(void **state)
{
	stage_close(*state);
	free(*state);
	return 0;
}

static void finds_all_of_ours(void **state)
{
	static const char *const ours[] = { "sallyport-front", "sallyport-broker",
		"sallyport-vault", "sallyport-token", "sallyport-recorder", "sallyport-witness",
		"sallyport-worker-reports", "sallyport-worker-waits" };
	struct stage *stage = *state;
	struct programs programs;
	char complaint[REASON_SIZE], format[WIRE_FORMAT_SIZE];

	stage_file("bin/sallyport-notes.txt", WIRE_FORMAT_MARK OTHER, 0755);
	stage_file("bin/sallyport-plain", WIRE_FORMAT_MARK OTHER, 0644); /* not executable */
	stage_file("bin/other-program", WIRE_FORMAT_MARK OTHER, 0755);
	assert_int_equal(mkdir("bin/sallyport-directory", 0755), 0);
	assert_int_equal(programs_open(&programs, stage->bin, complaint), 0);
	assert_int_equal(programs.count, 10);
	for (unsigned i = 0; i < ARRAY_LEN(ours); i++) {
		int fd = program_find(&programs, ours[i]);
		assert_true(fd >= 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(program_find(&programs, "sallyport-plain"), -1);
	assert_int_equal(program_find(&programs, "sallyport"), -1);
	assert_int_equal(programs_format(&programs, format, complaint), 0);
	assert_string_equal(format, wire_format()); /* the stand-in's */
	programs_close(&programs);
	assert_int_equal(program_find(&programs, "sallyport-front"), -1);
}

static void says_what_does_not_belong_together(void **state)
{
	struct programs programs;
	char complaint[REASON_SIZE], format[WIRE_FORMAT_SIZE];

	(void)state;
	stage_file("other/sallyport-a", WIRE_FORMAT_MARK OTHER, 0755);
	assert_int_equal(programs_open(&programs, "other", complaint), 0);
	assert_int_equal(programs_format(&programs, format, complaint), 0);
	assert_string_equal(format, OTHER);
	programs_close(&programs);
	stage_file("other/sallyport-b", WIRE_FORMAT_MARK THIRD, 0755);
	assert_int_equal(programs_open(&programs, "other", complaint), 0);
	assert_true(programs_format(&programs, format, complaint) < 0);
	assert_non_null(strstr(complaint, "are not of one build"));
	programs_close(&programs);
	stage_file("other/sallyport-b", "no mark at all", 0755);
	assert_int_equal(programs_open(&programs, "other", complaint), 0);
	assert_true(programs_format(&programs, format, complaint) < 0);
	assert_string_equal(complaint, "sallyport-b is not an executable of this gateway");
	programs_close(&programs);
}

static void says_what_is_missing(void **state)
{
	struct programs programs;
	char complaint[REASON_SIZE], format[WIRE_FORMAT_SIZE];

	(void)state;
	assert_true(programs_open(&programs, "nowhere", complaint) < 0);
	assert_string_equal(complaint, "nowhere: No such file or directory");
	assert_int_equal(programs_open(&programs, "other", complaint), 0);
	assert_true(programs_format(&programs, format, complaint) < 0);
	assert_string_equal(complaint, "there are no programs");
}

static void has_a_ceiling(void **state)
{
	struct programs programs;
	char complaint[REASON_SIZE], path[64];

	(void)state;
	for (unsigned i = 0; i <= PROGRAMS_MAX; i++) {
		snprintf(path, sizeof path, "other/sallyport-%c%c", 'a' + i / 26, 'a' + i % 26);
		stage_file(path, "x", 0755);
	}
	assert_int_equal(programs_open(&programs, "other", complaint), -ERR_FULL);
	assert_string_equal(complaint, "other holds too many programs");
	assert_int_equal(programs.count, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(programs_open(&programs, "other", complaint), 0);
	assert_int_equal(programs.count, PROGRAMS_MAX);
	programs_close(&programs);
}

#define HERE(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		HERE(finds_all_of_ours),
		HERE(says_what_does_not_belong_together),
		HERE(says_what_is_missing),
		HERE(has_a_ceiling),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
