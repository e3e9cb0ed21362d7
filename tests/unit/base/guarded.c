/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guarded.c"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "test.h"

/* Runs fn in a child; the signal that ended it, 0 when it ended by itself with 0, or -1. */
static int end_of(void (*fn)(void))
{
	int status;
	fflush(stdout);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	return WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void zeros_of_every_size(void **rows)
{
	for (size_t size = 1; size < 3 * PAGE; size += 97) {
		uint8_t *piece = guarded_create(size);
		assert_non_null(piece);
		assert_int_equal((uintptr_t)piece % ALIGN, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(piece[i], 0);
		memset(piece, 0xaa, size);
		guarded_destroy(piece);
	}
	assert_null(guarded_create(0));
	assert_null(guarded_create(GUARDED_MAX + 1));
	guarded_destroy(NULL);
}

static void read_behind(void)
{
	volatile uint8_t *piece = guarded_create(32);
	(void)piece[32];
}

static void read_before_its_page(void)
{
	volatile uint8_t *piece = guarded_create(32);
	(void)piece[-PAGE];
}

static void read_after_destroy(void)
{
	volatile uint8_t *piece = guarded_create(32);
	guarded_destroy((void *)piece);
	(void)piece[0];
}

static void destroy_with_a_broken_head(void)
{
	uint8_t *piece = guarded_create(32);
	piece[-1] ^= 1;
	guarded_destroy(piece);
}

static void use_it_as_meant(void)
{
	uint8_t *piece = guarded_create(32);
	piece[0] = piece[31] = 1;
	guarded_destroy(piece);
}

static void guards_on_both_sides(void **rows)
{
	for (unsigned hidden = 0; hidden < 2; hidden++) {
		if (hidden && !guarded_hide())
			skip();
		assert_int_equal(end_of(use_it_as_meant), 0);
		assert_int_equal(end_of(read_behind), SIGSEGV);
		assert_int_equal(end_of(read_before_its_page), SIGSEGV);
		assert_int_equal(end_of(read_after_destroy), SIGSEGV);
		assert_int_equal(end_of(destroy_with_a_broken_head), SIGABRT);
	}
	state.hidden = false;
}

static void *inherited;

static void read_the_parents(void)
{
	(void)*(volatile uint8_t *)inherited;
}

static void is_not_there_in_a_child(void **rows)
{
	for (unsigned hidden = 0; hidden < 2; hidden++) {
		if (hidden && !guarded_hide())
			skip();
		inherited = guarded_create(64);
		assert_int_equal(end_of(read_the_parents), SIGSEGV);
		guarded_destroy(inherited);
	}
	state.hidden = false;
}

/* What smaps says of the mapping an address lies in. */
static void flags_of(const void *address, char out[128])
{
	char line[512];
	bool inside = false;
	FILE *maps = fopen("/proc/self/smaps", "r");
	assert_non_null(maps);
	out[0] = '\0';
	while (fgets(line, sizeof line, maps) != NULL) {
		char *end;
		unsigned long from = strtoul(line, &end, 16);
		if (end != line && *end == '-')
			inside = from <= (uintptr_t)address &&
				 (uintptr_t)address < strtoul(end + 1, NULL, 16);
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(out, 128, "%.120s", line);
	}
	fclose(maps);
}

static void is_locked_and_in_no_core_file(void **rows)
{
	char flags[128];
	for (unsigned hidden = 0; hidden < 2; hidden++) {
		if (hidden && !guarded_hide())
			skip();
		void *piece = guarded_create(64);
		flags_of(piece, flags);
		assert_non_null(strstr(flags, " lo"));
		assert_non_null(strstr(flags, " dd"));
		assert_non_null(strstr(flags, " dc"));
		guarded_destroy(piece);
		assert_true(guarded_locked());
	}
	state.hidden = false;
}

/* Through /proc/self/mem, as a debugger reads. */
static bool debugger_reads(const void *address)
{
	uint8_t bytes[16];
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	assert_true(memory >= 0);
	ssize_t n = pread(memory, bytes, sizeof bytes, (off_t)(uintptr_t)address);
	close(memory);
	return n == sizeof bytes && memcmp(bytes, address, sizeof bytes) == 0;
}

static void a_debugger_sees_nothing_hidden(void **rows)
{
	char *open_piece = guarded_create(64);
	memcpy(open_piece, "there for a debugger", 21);
	assert_true(debugger_reads(open_piece));
	if (!guarded_hide()) {
		guarded_destroy(open_piece);
		skip();
	}
	char *piece = guarded_create(64);
	memcpy(piece, "not for a debugger", 19);
	assert_false(debugger_reads(piece));
	guarded_destroy(piece);
	guarded_destroy(open_piece);
	state.hidden = false;
}

static void without_locked_memory(void)
{
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 0, 0 });
	/* Root may lock in spite of the limit. */
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		_exit(2);
	if (guarded_hide())
		_exit(3);
	uint8_t *piece = guarded_create(32);
	if (piece == NULL || guarded_locked())
		_exit(4);
	piece[31] = 1;
	guarded_destroy(piece);
}

static void the_limit_used_up(void)
{
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 2 * PAGE, 2 * PAGE });
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		_exit(2);
	if (!guarded_hide())
		return; /* a kernel without: the test above says the rest */
	void *first = guarded_create(2 * PAGE - sizeof(struct head));
	if (first == NULL || !guarded_locked())
		_exit(3);
	uint8_t *second = guarded_create(32);
	if (second == NULL || guarded_locked())
		_exit(4);
	second[31] = 1;
}

static void says_when_it_could_not_lock(void **rows)
{
	assert_int_equal(end_of(without_locked_memory), 0);
	assert_int_equal(end_of(the_limit_used_up), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeros_of_every_size),
		cmocka_unit_test(guards_on_both_sides),
		cmocka_unit_test(is_not_there_in_a_child),
		cmocka_unit_test(is_locked_and_in_no_core_file),
		cmocka_unit_test(a_debugger_sees_nothing_hidden),
		cmocka_unit_test(says_when_it_could_not_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
