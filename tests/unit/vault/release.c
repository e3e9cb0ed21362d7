/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/release.c"

#include "fixture.h"

#include <sys/resource.h>

#define LOG_MAX (256 * 1024)

struct story {
	struct fixture f;
	struct release_log log;
	bool intact;
};

static void reopen(struct story *story)
{
	release_log_close(&story->log);
	assert_int_equal(release_log_open(&story->log, story->f.directory,
				 keyring_installation_public(story->f.keyring), &story->intact),
		0);
}

static void begin(struct story *story)
{
	fixture_installation(&story->f);
	story->log.fd = -1;
	reopen(story);
}

static void end(struct story *story)
{
	release_log_close(&story->log);
	fixture_finish(&story->f);
}

static int write_line(struct story *story, const char *what)
{
	struct identity identity = fixture_identity(12, 3);
	struct release release = { .session_id = "00112233445566778899aabbccddeeff00112233",
		.what = what,
		.target = "db\"1\n",
		.username = "root",
		.identity = &identity };
	return release_log_write(&story->log, story->f.keyring, &release);
}

static int verify(struct story *story, uint64_t *ret_line)
{
	int fd = openat(story->f.directory, "releases.log", O_RDONLY);
	int r = release_log_verify(fd, keyring_installation_public(story->f.keyring), ret_line);
	close(fd);
	return r;
}

static void test_lines_follow_each_other(void **state)
{
	struct story story;
	char text[LOG_MAX];
	uint64_t lines;
	begin(&story);
	assert_true(story.intact);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 0);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(write_line(&story, "key"), 0);
	reopen(&story);
	assert_true(story.intact);
	assert_int_equal(story.log.lines, 2);
	assert_int_equal(story.log.released, 0);
	assert_int_equal(write_line(&story, "signature"), 0);
	assert_int_equal(story.log.released, 1);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 3);

	size_t len = fixture_read(&story.f, "releases.log", text, sizeof text - 1);
	text[len] = '\0';
	assert_memory_equal(text, "{\"sequence\":1,\"time\":\"", 22);
	assert_non_null(strstr(text, "\"what\":\"password\",\"session\":\"00112233445566778899"));
	assert_non_null(strstr(text, "\"device\":\"db\\\"1\\n\",\"username\":\"root\""));
	assert_non_null(strstr(text, "\"object\":\"credential\",\"id\":\"12\",\"version\":3,"));
	struct stat status;
	assert_int_equal(fstat(story.log.fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	end(&story);
}

/* Changes the text of a log with five lines, expects the verifier to name a line. */
static void expect_wrong(void (*change)(char *text, size_t *len), uint64_t want)
{
	struct story story;
	static char text[LOG_MAX];
	uint64_t line;
	begin(&story);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(write_line(&story, "password"), 0);
	size_t len = fixture_read(&story.f, "releases.log", text, sizeof text);
	change(text, &len);
	fixture_write(&story.f, "releases.log", text, len, 0600);
	assert_int_equal(verify(&story, &line), -ERR_CRYPTO);
	assert_int_equal(line, want);
	end(&story);
}

static char *line_at(char *text, size_t len, unsigned number)
{
	char *at = text;
	while (--number > 0)
		at = (char *)memchr(at, '\n', (size_t)(text + len - at)) + 1;
	return at;
}

static void change_a_letter(char *text, size_t *len)
{
	*strstr(line_at(text, *len, 3), "root") = 'R';
}

static void change_a_signature(char *text, size_t *len)
{
	char *digit = line_at(text, *len, 3) - 6;
	*digit = *digit == '0' ? '1' : '0';
}

static void remove_a_line(char *text, size_t *len)
{
	char *second = line_at(text, *len, 2), *third = line_at(text, *len, 3);
	memmove(second, third, (size_t)(text + *len - third));
	*len -= (size_t)(third - second);
}

static void repeat_a_line(char *text, size_t *len)
{
	char *third = line_at(text, *len, 3), *fourth = line_at(text, *len, 4);
	size_t line = (size_t)(fourth - third);
	memmove(fourth, third, (size_t)(text + *len - third));
	*len += line;
}

static void remove_the_first_line(char *text, size_t *len)
{
	char *second = line_at(text, *len, 2);
	*len -= (size_t)(second - text);
	memmove(text, second, *len);
}

static void add_a_long_line(char *text, size_t *len)
{
	memset(text + *len, 'x', 3 * RELEASE_LINE_MAX);
	*len += 3 * RELEASE_LINE_MAX;
	text[*len - 1] = '\n';
}

static void test_changes_are_found(void **state)
{
	expect_wrong(change_a_letter, 3);
	expect_wrong(change_a_signature, 2);
	expect_wrong(remove_a_line, 2);
	expect_wrong(repeat_a_line, 4);
	expect_wrong(remove_the_first_line, 1);
	expect_wrong(add_a_long_line, 6);
}

/* Two histories of one vault, as after a restored copy: signed and numbered, but not one chain. */
static void test_histories_cannot_be_mixed(void **state)
{
	struct story story;
	static char first[LOG_MAX], second[LOG_MAX];
	uint64_t line;
	begin(&story);
	assert_int_equal(write_line(&story, "password"), 0);
	size_t begin_len = fixture_read(&story.f, "releases.log", first, sizeof first);
	assert_int_equal(write_line(&story, "key"), 0);
	assert_int_equal(write_line(&story, "key"), 0);
	size_t first_len = fixture_read(&story.f, "releases.log", first, sizeof first);
	fixture_write(&story.f, "releases.log", first, begin_len, 0600);
	reopen(&story);
	assert_int_equal(write_line(&story, "signature"), 0);
	size_t second_len = fixture_read(&story.f, "releases.log", second, sizeof second);
	const char *third = line_at(first, first_len, 3);
	memcpy(second + second_len, third, (size_t)(first + first_len - third));
	second_len += (size_t)(first + first_len - third);
	fixture_write(&story.f, "releases.log", second, second_len, 0600);
	assert_int_equal(verify(&story, &line), -ERR_CRYPTO);
	assert_int_equal(line, 3);
	end(&story);
}

static void test_another_installation_cannot_write(void **state)
{
	struct story story;
	struct fixture other;
	uint64_t line;
	begin(&story);
	fixture_installation(&other);
	assert_int_equal(write_line(&story, "password"), 0);
	struct keyring *own = story.f.keyring;
	story.f.keyring = other.keyring;
	assert_int_equal(write_line(&story, "password"), 0);
	story.f.keyring = own;
	assert_int_equal(verify(&story, &line), -ERR_CRYPTO);
	assert_int_equal(line, 2);
	fixture_finish(&other);
	end(&story);
}

static void test_torn_line_is_cut_off(void **state)
{
	struct story story;
	static char text[LOG_MAX];
	uint64_t lines;
	begin(&story);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(write_line(&story, "password"), 0);
	size_t len = fixture_read(&story.f, "releases.log", text, sizeof text);
	for (size_t cut = 1; cut < len / 2; cut += 17) {
		fixture_write(&story.f, "releases.log", text, len - cut, 0600);
		reopen(&story);
		assert_true(story.intact);
		assert_int_equal(story.log.lines, 1);
		assert_int_equal(write_line(&story, "key"), 0);
		assert_int_equal(verify(&story, &lines), 0);
		assert_int_equal(lines, 2);
	}
	end(&story);
}

static void test_changed_end_is_said_and_kept(void **state)
{
	struct story story;
	static char text[LOG_MAX];
	uint64_t line;
	begin(&story);
	assert_int_equal(write_line(&story, "password"), 0);
	size_t len = fixture_read(&story.f, "releases.log", text, sizeof text);
	*strstr(text, "root") = 'R';
	fixture_write(&story.f, "releases.log", text, len, 0600);
	reopen(&story);
	assert_false(story.intact);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(verify(&story, &line), -ERR_CRYPTO);
	assert_int_equal(line, 1);
	end(&story);
}

static void test_full_disk_refuses_and_passes(void **state)
{
	struct story story;
	struct stat before, after;
	uint64_t lines;
	begin(&story);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(fstat(story.log.fd, &before), 0);
	fixture_file_limit((unsigned long)before.st_size + 40);
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	fixture_file_limit(RLIM_INFINITY);
	assert_int_equal(fstat(story.log.fd, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(story.log.released, 1);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 2);
	end(&story);
}

static void test_failed_sync_is_taken_back(void **state)
{
	struct story story;
	uint64_t lines;
	int ends[2];
	begin(&story);
	assert_int_equal(write_line(&story, "password"), 0);
	/* A pipe takes the write and refuses the sync; it cannot be made shorter either. */
	assert_int_equal(pipe(ends), 0);
	int file = story.log.fd;
	story.log.fd = ends[1];
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	assert_true(story.log.failed);
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	/* The disk is well again, and has something of the line that was refused. */
	story.log.fd = file;
	assert_int_equal(write(file, "{\"sequence\":2", 13), 13);
	assert_int_equal(write_line(&story, "signature"), 0);
	assert_false(story.log.failed);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 2);
	assert_int_equal(story.log.released, 2);
	close(ends[0]);
	close(ends[1]);
	end(&story);
}

static void test_closed_log_refuses(void **state)
{
	struct story story;
	begin(&story);
	release_log_close(&story.log);
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_follow_each_other),
		cmocka_unit_test(test_changes_are_found),
		cmocka_unit_test(test_histories_cannot_be_mixed),
		cmocka_unit_test(test_another_installation_cannot_write),
		cmocka_unit_test(test_torn_line_is_cut_off),
		cmocka_unit_test(test_changed_end_is_said_and_kept),
		cmocka_unit_test(test_full_disk_refuses_and_passes),
		cmocka_unit_test(test_failed_sync_is_taken_back),
		cmocka_unit_test(test_closed_log_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
