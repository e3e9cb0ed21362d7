/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/releases.h"
#undef RELEASES_FILE_MAX
#define RELEASES_FILE_MAX 8000 /* some twelve lines */
#include "vault/release.c"

#include "../failing.h"
#include "fixture.h"

#include <sodium.h>
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
	return fixture_log_check(
		&story->f, keyring_installation_public(story->f.keyring), ret_line);
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
	memset(text + *len, 'x', 3 * RELEASES_LINE_MAX);
	*len += 3 * RELEASES_LINE_MAX;
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
	begin(&story);
	assert_int_equal(write_line(&story, "password"), 0);
	FAILING("fdatasync ftruncate64") {
		int r = write_line(&story, "signature");
		assert_int_equal(r, failing_struck() ? -ERR_RELEASES_DISK : 0);
		failing_end();
	}
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 2); /* what was refused is not there */
	/* Nor can it be made shorter: what the disk has of it goes before the next line. */
	failing_once("write", 1, FAILING_SHORT);
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	assert_false(story.log.failed);
	story.log.failed = true;
	assert_int_equal(write(story.log.fd, "{\"sequence\":3", 13), 13);
	failing_once("ftruncate64", 1, EIO);
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	failing_once("fdatasync", 1, EIO);
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	failing_end();
	assert_true(story.log.failed);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_false(story.log.failed);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 3);
	assert_int_equal(story.log.released, 3);
	end(&story);
}

/* As while a vault takes another's place: both write, and each goes on where the other stopped. */
static void test_two_write_one_log(void **state)
{
	struct story story;
	struct release_log other = { .fd = -1 };
	bool intact;
	uint64_t lines;
	begin(&story);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(release_log_open(&other, story.f.directory,
				 keyring_installation_public(story.f.keyring), &intact),
		0);
	assert_true(intact);
	for (unsigned i = 0; i < 6; i++) {
		struct release_log mine = story.log;
		story.log = i % 2 == 0 ? other : story.log;
		assert_int_equal(write_line(&story, "key"), 0);
		assert_int_equal(write_line(&story, "signature"), 0);
		if (i % 2 == 0)
			other = story.log, story.log = mine;
	}
	/* One of them could not write whole; the next cuts that off. */
	assert_int_equal(write(other.fd, "{\"sequence\":14,\"ti", 19), 19);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 14);
	assert_int_equal(story.log.lines, 14);
	assert_int_equal(story.log.released, 8);
	assert_int_equal(other.released, 6);
	/* What somebody shortened behind our back is no log to go on with. */
	assert_int_equal(ftruncate(other.fd, other.length / 2), 0);
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	release_log_close(&other);
	end(&story);
}

/* Two processes at once: the lock makes one line of them. */
static void test_two_processes_write_one_log(void **state)
{
	struct story story;
	uint64_t lines;
	int status;
	begin(&story);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) /* keys are no child's */
		story.f.keyring = fixture_open(&story.f);
	reopen(&story); /* each its own descriptor: a lock is the process's */
	for (unsigned i = 0; i < 50; i++)
		if (write_line(&story, "password") != 0)
			pid == 0 ? _exit(1) : fail();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 100);
	end(&story);
}

/* Full files get the name of their first line; the chain goes on, also over a restart. */
static void test_many_files_are_one_log(void **state)
{
	struct story story;
	struct stat status;
	uint64_t lines;
	begin(&story);
	for (unsigned i = 1; i <= 40; i++) {
		assert_int_equal(write_line(&story, "password"), 0);
		assert_int_equal(story.log.lines, i);
		if (i % 7 == 0)
			reopen(&story);
		assert_true(story.intact);
		assert_int_equal(story.log.lines, i);
	}
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, 40);
	assert_true(fixture_has(&story.f, "releases-000000000001.log"));
	assert_true(story.log.first > 12);
	assert_int_equal(fstatat(story.f.directory, "releases-000000000001.log", &status, 0), 0);
	assert_true(status.st_size >= RELEASES_FILE_MAX);
	assert_true(status.st_size < RELEASES_FILE_MAX + RELEASES_LINE_MAX);
	end(&story);
}

static void fill_a_file(struct story *story)
{
	while (story->log.length < RELEASES_FILE_MAX)
		assert_int_equal(write_line(story, "password"), 0);
}

/* Killed between the two: the end of the chain is in the file that is full. */
static void test_crash_between_two_files(void **state)
{
	struct story story;
	uint64_t lines;
	begin(&story);
	fill_a_file(&story);
	uint64_t full = story.log.lines;
	assert_int_equal(renameat(story.f.directory, RELEASES_FILE, story.f.directory,
				 "releases-000000000001.log"),
		0);
	reopen(&story);
	assert_true(story.intact);
	assert_int_equal(story.log.lines, full);
	assert_int_equal(story.log.first, full + 1);
	assert_int_equal(write_line(&story, "key"), 0);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, full + 1);
	end(&story);
}

static void test_no_file_is_ever_written_over(void **state)
{
	struct story story;
	char text[16];
	begin(&story);
	fixture_write(&story.f, "releases-000000000001.log", "precious\n", 9, 0600);
	fill_a_file(&story);
	assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	assert_int_equal(fixture_read(&story.f, "releases-000000000001.log", text, sizeof text), 9);
	/* It passes when the other file is gone. */
	unlinkat(story.f.directory, "releases-000000000001.log", 0);
	assert_int_equal(write_line(&story, "password"), 0);
	end(&story);
}

/* The full file has its name, and the new one cannot be made: it is tried again. */
static void test_a_new_file_that_cannot_be_made(void **state)
{
	struct story story;
	uint64_t lines;
	begin(&story);
	fill_a_file(&story);
	uint64_t full = story.log.lines;
	assert_int_equal(renameat(story.f.directory, RELEASES_FILE, story.f.directory,
				 "releases-000000000001.log"),
		0);
	story.log.renamed = true;
	assert_int_equal(mkdirat(story.f.directory, RELEASES_FILE, 0700), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(write_line(&story, "password"), -ERR_RELEASES_DISK);
	assert_int_equal(unlinkat(story.f.directory, RELEASES_FILE, AT_REMOVEDIR), 0);
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(verify(&story, &lines), 0);
	assert_int_equal(lines, full + 1);
	end(&story);
}

static unsigned grew;

static void on_grown(void *context)
{
	grew++;
}

static void test_its_head_is_signed(void **state)
{
	struct story story;
	struct msg_releases_head head;
	uint8_t layout[RELEASES_HEAD_LEN];
	static const uint8_t zeros[HASH_LEN];
	begin(&story);
	const uint8_t *public = keyring_installation_public(story.f.keyring);
	release_log_head(&story.log, story.f.keyring, &head);
	assert_int_equal(head.sequence, 0);
	assert_memory_equal(head.head, zeros, HASH_LEN);
	assert_int_equal(head.is_signed, 1);
	story.log.grown = on_grown;
	assert_int_equal(write_line(&story, "password"), 0);
	assert_int_equal(grew, 1);
	release_log_head(&story.log, story.f.keyring, &head);
	assert_int_equal(head.sequence, 1);
	assert_memory_equal(head.head, story.log.previous, HASH_LEN);
	releases_head_layout(1, head.head, layout);
	assert_int_equal(
		crypto_sign_verify_detached(head.signature, layout, sizeof layout, public), 0);
	releases_head_layout(2, head.head, layout);
	assert_int_not_equal(
		crypto_sign_verify_detached(head.signature, layout, sizeof layout, public), 0);
	keyring_seal(story.f.keyring);
	release_log_head(&story.log, story.f.keyring, &head);
	assert_int_equal(head.sequence, 1);
	assert_int_equal(head.is_signed, 0);
	assert_int_equal(write_line(&story, "password"), -ERR_SEALED);
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
		cmocka_unit_test(test_two_write_one_log),
		cmocka_unit_test(test_two_processes_write_one_log),
		cmocka_unit_test(test_many_files_are_one_log),
		cmocka_unit_test(test_crash_between_two_files),
		cmocka_unit_test(test_no_file_is_ever_written_over),
		cmocka_unit_test(test_a_new_file_that_cannot_be_made),
		cmocka_unit_test(test_its_head_is_signed),
		cmocka_unit_test(test_closed_log_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
