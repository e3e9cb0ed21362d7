/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker is born with, and that a villain in its place can do nothing with it. */
#include <sys/types.h>
int worker_main(int argc, char **argv);
#define main worker_main
#include "worker/worker.c"
#undef main

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "../base/probes.h"
#include "../drivers/play.h"

static const char *villain;

static void begin(struct play *play)
{
	int pair[2];

	play_init(play, "villain", "root");
	play->secret = "canary-of-the-vault";
	assert_int_equal(wire_pair(SOCK_STREAM, pair), 0);
	play_start(play, villain, pair[0]);
	play->agent = pair[1]; /* the target's end, closed with the play */
	assert_true(play_live(play, 5000));
}

static void read_file(const struct play *play, const char *name, char *out, size_t size)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)play->worker, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	out[fread(out, 1, size - 1, file)] = '\0';
	fclose(file);
}

static void it_has_nothing_but_its_descriptors(void **state)
{
	struct play play;
	char path[64], text[8192];
	unsigned count = 0;

	begin(&play);
	snprintf(path, sizeof path, "/proc/%d/fd", (int)play.worker);
	DIR *directory = opendir(path);
	if (directory == NULL) { /* not dumpable: only root may look */
		play_finish(&play);
		skip();
	}
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		/* 0 to 2, target, view, vault; 6 is free again and holds the loop */
		assert_true(strtol(entry->d_name, NULL, 10) <= FD_BIRTH);
		count++;
	}
	closedir(directory);
	assert_int_equal(count, 7);
	read_file(&play, "environ", text, sizeof text);
	assert_string_equal(text, "");
	read_file(&play, "status", text, sizeof text);
	assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
	assert_non_null(strstr(text, "Seccomp:\t2\n"));
	assert_non_null(strstr(text, "Threads:\t1\n"));
	read_file(&play, "limits", text, sizeof text);
	assert_non_null(strstr(text, "Max core file size        0                    0"));
	assert_non_null(strstr(text, "Max file size             0                    0"));
	assert_non_null(strstr(text, "Max processes             0                    0"));
	assert_non_null(strstr(text, "Max open files            16                   16"));
	play_finish(&play);
	assert_int_equal(play.wait_status, 0);
}

static void ps_shows_where_the_session_stands(void **state)
{
	struct play play;
	char text[256];

	begin(&play);
	read_file(&play, "cmdline", text, sizeof text);
	assert_string_equal(text, "sallyport-worker-villain: session 4711 ana -> db1 [live]");
	play_finish(&play);
}

/* One worker each, since most attempts are the last. */
static void no_attempt_succeeds(void **state)
{
	for (unsigned i = 0; i < probe_count; i++) {
		struct play play;
		char line[96], got_away[96];

		begin(&play);
		snprintf(line, sizeof line, "%s\r", probes[i].name);
		play_type(&play, line);
		snprintf(got_away, sizeof got_away, "%s GOT AWAY", probes[i].name);
		bool alive = !play_over(&play, 150) && !play.closed;
		if (play.text.len > 0 &&
			memmem(play.text.data, play.text.len, got_away, strlen(got_away)) != NULL)
			fail_msg("%s", got_away);
		assert_non_null(memmem(play.text.data, play.text.len, "trying", 6));
		play_finish(&play);
		if (!alive)
			assert_int_equal(WTERMSIG(play.wait_status), SIGSYS);
	}
}

static void try_and_see(const char *name, const char *refusal)
{
	struct play play;
	char line[96];

	begin(&play);
	play_frame(&play, VIEW_KEYS, line, (size_t)snprintf(line, sizeof line, "%s\r", name));
	assert_true(play_shows(&play, refusal, 20000));
	play_finish(&play);
}

static void memory_and_descriptors_have_a_ceiling(void **state)
{
	try_and_see("eat_descriptors", "eat_descriptors refused (24)");
#ifndef SANITIZED
	try_and_see("eat_memory", "eat_memory refused (12)");
#endif
}

static void a_birth_that_is_none_is_refused(void **state)
{
	static const char *const changes[] = { "target", "pins", "kind", "timeout" };

	for (unsigned i = 0; i < ARRAY_LEN(changes); i++) {
		struct play play;
		int pair[2];

		play_init(&play, "villain", "root");
		if (i == 0)
			memset(play.birth.target, 'x', sizeof play.birth.target);
		if (i == 1)
			play.birth.pin_count = PINS_MAX + 1;
		if (i == 2)
			play.birth.kind = 77;
		if (i == 3)
			play.birth.login_timeout = 0;
		assert_int_equal(wire_pair(SOCK_STREAM, pair), 0);
		play_start(&play, villain, pair[0]);
		assert_false(play_over(&play, 3000));
		assert_true(play.closed);
		close(pair[1]);
		play_finish(&play);
		assert_int_equal(WEXITSTATUS(play.wait_status), 1);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_nothing_but_its_descriptors),
		cmocka_unit_test(ps_shows_where_the_session_stands),
		cmocka_unit_test(no_attempt_succeeds),
		cmocka_unit_test(memory_and_descriptors_have_a_ceiling),
		cmocka_unit_test(a_birth_that_is_none_is_refused),
	};

	villain = argv[1];
	return cmocka_run_group_tests_name("worker/worker", tests, NULL, NULL);
}
