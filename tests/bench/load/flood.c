/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast output comes, and how soon Ctrl-C stops it for a person who reads slowly.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END_WORDS "the-end-of-it[bench]$ " /* never typed as it stands: its echo is no end */
#define FLOOD_SECONDS 600

static uint64_t cpu_of(pid_t root)
{
	struct tree tree;

	tree_measure(root, false, false, &tree);
	return tree.cpu_us;
}

int mode_flood(int count, char **arguments)
{
	struct terminal *terminal = terminal_only();
	pid_t root = (pid_t)strtol(arguments[0], NULL, 10);
	char command[4096];
	int len =
		snprintf(command, sizeof command, "%s; printf 'the-end-of%%s' -it\r", arguments[1]);
	uint64_t cpu, began, bytes, ended;

	if (root == 0)
		root = terminal->pid;
	terminal_forget(terminal);
	cpu = cpu_of(root);
	bytes = terminal->bytes;
	began = now_us();
	terminal_type(terminal, command, (size_t)len);
	terminal_until(terminal, END_WORDS, FLOOD_SECONDS);
	ended = now_us();
	cpu = cpu_of(root) - cpu;
	printf("{\"seconds\":%.6f,\"bytes\":%llu,\"cpu_us\":%llu}\n", (double)(ended - began) / 1e6,
		(unsigned long long)(terminal->bytes - bytes), (unsigned long long)cpu);
	terminal_close(terminal);
	return 0;
}

/* Reads at a steady rate until `until_us`, or until words come. */
static void read_slowly(
	struct terminal *terminal, uint64_t rate, uint64_t until_us, const char *words)
{
	uint64_t began = now_us(), taken = 0, now;

	while ((now = now_us()) < until_us && !terminal->ended) {
		uint64_t allowed = (now - began) * rate / 1000000;

		if (allowed < taken + 1024 || !terminal_wait(terminal, 0)) {
			sleep_us(2000);
			/* Also lets the page say what it drew. */
			if (allowed < taken + 1024)
				continue;
		}
		taken += terminal_read(terminal,
			(size_t)(allowed - taken < READ_PIECE ? allowed - taken : READ_PIECE));
		if (words != NULL && terminal_ends_with(terminal, words))
			return;
	}
}

int mode_slow(int count, char **arguments)
{
	struct terminal *terminal = terminal_only();
	uint64_t rate = strtoull(arguments[0], NULL, 10),
		 seconds = strtoull(arguments[1], NULL, 10);
	uint64_t bytes, began;

	printf("{\"event\":\"ready\"}\n");
	getchar(); /* until memory was measured */
	bytes = terminal->bytes;
	terminal_type(terminal, arguments[2], strlen(arguments[2]));
	terminal_type(terminal, "\r", 1);
	read_slowly(terminal, rate, now_us() + seconds * 1000000, NULL);
	printf("{\"event\":\"flooded\",\"bytes\":%llu}\n",
		(unsigned long long)(terminal->bytes - bytes));
	terminal_forget(terminal);
	bytes = terminal->bytes;
	began = now_us();
	terminal_type(terminal, "\x03", 1);
	read_slowly(terminal, rate, began + 60 * UINT64_C(1000000), prompt);
	if (!terminal_ends_with(terminal, prompt))
		die("no prompt after Ctrl-C: %.*s", (int)terminal->tail_len, terminal->tail);
	printf("{\"event\":\"stopped\",\"seconds\":%.6f,\"bytes\":%llu}\n",
		(double)(now_us() - began) / 1e6, (unsigned long long)(terminal->bytes - bytes));
	terminal_close(terminal);
	return 0;
}
