/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include "supervisor/credential.c"

struct scene {
	struct stage stage;
	char directory[128]; /* of credentials */
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	log_open("test", LOG_LEVEL_ERROR + 1);
	stage_open(&scene->stage);
	assert_int_equal(mkdir("credentials", 0700), 0);
	snprintf(scene->directory, sizeof scene->directory, "%s/credentials",
		scene->stage.directory);
	setenv("CREDENTIALS_DIRECTORY", scene->directory, 1);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	unsetenv("CREDENTIALS_DIRECTORY");
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

static bool reads_as(int fd, const char *words)
{
	char text[64] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	fd_closep(&fd);
	return n >= 0 && strcmp(text, words) == 0;
}

static void finds_what_was_given(void **state)
{
	stage_file("credentials/one", "words", 0400);
	assert_true(reads_as(credential_open("one"), "words"));
	/* The group's bits are an access list's mask when the manager let a user in. */
	stage_file("credentials/two", "more", 0440);
	assert_true(reads_as(credential_open("two"), "more"));
	assert_int_equal(credential_open("three"), -1);
	int fd = credential_open("one");
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void refuses_what_everybody_may_read(void **state)
{
	stage_file("credentials/one", "words", 0404);
	assert_int_equal(credential_open("one"), -1);
	stage_file("credentials/two", "words", 0400);
	assert_int_equal(chmod("credentials/two", 0402), 0);
	assert_int_equal(credential_open("two"), -1);
}

static void refuses_what_is_no_file(void **state)
{
	stage_file("elsewhere", "words", 0400);
	assert_int_equal(symlink("../elsewhere", "credentials/link"), 0);
	assert_int_equal(credential_open("link"), -1);
	assert_int_equal(mkdir("credentials/folder", 0700), 0);
	assert_int_equal(credential_open("folder"), -1);
	assert_int_equal(mkfifo("credentials/pipe", 0600), 0);
	assert_int_equal(credential_open("pipe"), -1); /* and does not wait for its other end */
}

static void without_a_manager_there_is_none(void **state)
{
	stage_file("credentials/one", "words", 0400);
	setenv("CREDENTIALS_DIRECTORY", "credentials", 1); /* whose, depends on where we are */
	assert_int_equal(credential_open("one"), -1);
	setenv("CREDENTIALS_DIRECTORY", "/nonesuch", 1);
	assert_int_equal(credential_open("one"), -1);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(credential_open("one"), -1);
}

static void a_persons_file_is_his_alone(void **state)
{
	stage_file("pin", "1234", 0600);
	assert_true(reads_as(credential_open_file("pin"), "1234"));
	stage_file("open", "1234", 0640);
	assert_int_equal(credential_open_file("open"), -1);
	assert_int_equal(credential_open_file("nonesuch"), -1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(finds_what_was_given),
		CASE(refuses_what_everybody_may_read),
		CASE(refuses_what_is_no_file),
		CASE(without_a_manager_there_is_none),
		CASE(a_persons_file_is_his_alone),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
