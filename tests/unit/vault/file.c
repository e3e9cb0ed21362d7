/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/file.c"

#include <sys/resource.h>

#include "failing.h"
#include "fixture.h"

static void test_reads_what_is_there(void **state)
{
	struct fixture f;
	uint8_t out[6];
	fixture_begin(&f);
	assert_int_equal(file_read(f.directory, "some", false, out, sizeof out), -ERR_NOT_FOUND);
	fixture_write(&f, "some", "12345", 5, 0644);
	assert_int_equal(file_read(f.directory, "some", false, out, sizeof out), 5);
	assert_memory_equal(out, "12345", 5);
	assert_int_equal(file_read(f.directory, "some", false, out, 5), -ERR_TOO_LARGE);
	assert_int_equal(
		file_read(f.directory, "some", true, out, sizeof out), -ERR_NOT_AUTHORIZED);
	fixture_write(&f, "some", "", 0, 0600);
	assert_int_equal(file_read(f.directory, "some", true, out, sizeof out), 0);
	fixture_finish(&f);
}

static void test_only_plain_files(void **state)
{
	struct fixture f;
	uint8_t out[8];
	fixture_begin(&f);
	fixture_write(&f, "some", "12345", 5, 0600);
	assert_int_equal(symlinkat("some", f.directory, "link"), 0);
	assert_int_equal(file_read(f.directory, "link", false, out, sizeof out), -ERR_SYSTEM);
	assert_int_equal(mkdirat(f.directory, "folder", 0700), 0);
	assert_int_equal(
		file_read(f.directory, "folder", false, out, sizeof out), -ERR_NOT_AUTHORIZED);
	assert_int_equal(unlinkat(f.directory, "folder", AT_REMOVEDIR), 0);
	fixture_finish(&f);
}

static void test_makes_never_over_another(void **state)
{
	struct fixture f;
	struct stat status;
	uint8_t out[8];
	fixture_begin(&f);
	assert_int_equal(file_make(f.directory, "none/new", "abc", 3), -ERR_SYSTEM);
	assert_int_equal(file_make(f.directory, "new", "abc", 3), 0);
	assert_int_equal(fstatat(f.directory, "new", &status, 0), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(file_make(f.directory, "new", "xyz", 3), -ERR_EXISTS);
	assert_int_equal(file_read(f.directory, "new", true, out, sizeof out), 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(file_make(f.directory, "empty", "", 0), 0);
	fixture_finish(&f);
}

static void test_full_disk_leaves_the_old_one(void **state)
{
	struct fixture f;
	uint8_t out[8];
	static uint8_t much[1000];
	fixture_begin(&f);
	fixture_write(&f, "some", "old", 3, 0600);
	fixture_file_limit(100);
	assert_int_equal(file_make(f.directory, "new", much, sizeof much), -ERR_SYSTEM);
	assert_int_equal(
		file_replace(f.directory, "some", "some.new", much, sizeof much), -ERR_SYSTEM);
	fixture_file_limit(RLIM_INFINITY);
	assert_false(fixture_has(&f, "new"));
	assert_false(fixture_has(&f, "some.new"));
	assert_int_equal(file_read(f.directory, "some", true, out, sizeof out), 3);
	assert_memory_equal(out, "old", 3);
	fixture_finish(&f);
}

static void test_replaces_over_what_a_crash_left(void **state)
{
	struct fixture f;
	uint8_t out[8];
	fixture_begin(&f);
	fixture_write(&f, "some", "old", 3, 0600);
	fixture_write(&f, "some.new", "half of it", 10, 0600);
	assert_int_equal(file_replace(f.directory, "some", "some.new", "new", 3), 0);
	assert_false(fixture_has(&f, "some.new"));
	assert_int_equal(file_read(f.directory, "some", true, out, sizeof out), 3);
	assert_memory_equal(out, "new", 3);
	/* Where the old one cannot be replaced, it stays. */
	assert_int_equal(mkdirat(f.directory, "folder", 0700), 0);
	assert_int_equal(file_replace(f.directory, "folder", "folder.new", "x", 1), -ERR_SYSTEM);
	assert_false(fixture_has(&f, "folder.new"));
	assert_int_equal(unlinkat(f.directory, "folder", AT_REMOVEDIR), 0);
	fixture_finish(&f);
}

static void test_moves_and_removes(void **state)
{
	struct fixture f;
	fixture_begin(&f);
	fixture_write(&f, "one", "1", 1, 0600);
	fixture_write(&f, "two", "2", 1, 0600);
	assert_int_equal(file_move(f.directory, "one", "two"), 0);
	assert_false(fixture_has(&f, "one"));
	assert_int_equal(file_move(f.directory, "one", "two"), -ERR_SYSTEM);
	assert_int_equal(file_remove(f.directory, "two"), 0);
	assert_false(fixture_has(&f, "two"));
	assert_int_equal(file_remove(f.directory, "two"), 0);
	assert_int_equal(mkdirat(f.directory, "folder", 0700), 0);
	assert_int_equal(file_remove(f.directory, "folder"), -ERR_SYSTEM);
	assert_int_equal(unlinkat(f.directory, "folder", AT_REMOVEDIR), 0);
	fixture_finish(&f);
}

static void test_the_machine_refuses(void **state)
{
	struct fixture f;
	uint8_t out[8];
	fixture_begin(&f);
	fixture_write(&f, "some", "old", 3, 0600);
	FAILING("openat64 fstat64 read") {
		int r = file_read(f.directory, "some", true, out, sizeof out);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 3);
	}
	FAILING("openat64 write fsync") {
		int r = file_make(f.directory, "new", "abc", 3);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		assert_int_equal(fixture_has(&f, "new"), r == 0);
	}
	FAILING("unlinkat openat64 write renameat fsync") {
		int r = file_replace(f.directory, "some", "some.new", "new", 3);
		failing_end();
		assert_true(failing_struck() ? r == -ERR_SYSTEM || r == -ERR_DISK : r == 0);
		assert_int_equal(file_read(f.directory, "some", true, out, sizeof out), 3);
		assert_memory_equal(out, r == -ERR_SYSTEM ? "old" : "new", 3);
		assert_false(fixture_has(&f, "some.new"));
	}
	FAILING("renameat fsync") {
		int r = file_move(f.directory, "new", "moved");
		failing_end();
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		if (fixture_has(&f, "moved"))
			assert_int_equal(file_move(f.directory, "moved", "new"), 0);
	}
	FAILING("unlinkat fsync") {
		int r = file_remove(f.directory, "new");
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
	}
	fixture_finish(&f);
}

static void test_goes_on_after_an_interruption(void **state)
{
	static const int errors[] = { EINTR, FAILING_SHORT };
	struct fixture f;
	uint8_t out[8];
	fixture_begin(&f);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		FAILING_WITH("read write", errors[i]) {
			assert_int_equal(file_make(f.directory, "new", "abcdef", 6), 0);
			assert_int_equal(file_read(f.directory, "new", true, out, sizeof out), 6);
			assert_memory_equal(out, "abcdef", 6);
			assert_int_equal(file_remove(f.directory, "new"), 0);
		}
	}
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_is_there),
		cmocka_unit_test(test_only_plain_files),
		cmocka_unit_test(test_makes_never_over_another),
		cmocka_unit_test(test_full_disk_leaves_the_old_one),
		cmocka_unit_test(test_replaces_over_what_a_crash_left),
		cmocka_unit_test(test_moves_and_removes),
		cmocka_unit_test(test_the_machine_refuses),
		cmocka_unit_test(test_goes_on_after_an_interruption),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
