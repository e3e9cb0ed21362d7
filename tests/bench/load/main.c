/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static const struct mode {
	const char *name, *words;
	int arguments;
	int (*run)(int count, char **arguments);
} modes[] = {
	{ "hold", "AT-A-TIME COMMAND < terminals, an empty line after each batch", 2, mode_hold },
	{ "flood", "TREE COMMAND < terminal; TREE: process to measure, 0: ssh itself", 2,
		mode_flood },
	{ "keys", "COUNT PAUSE-MS < terminal", 2, mode_keys },
	{ "slow", "BYTES-PER-SECOND SECONDS COMMAND < terminal", 3, mode_slow },
	{ "connections", "PORT AT-A-TIME SECONDS < request", 3, mode_connections },
	{ "tree", "PID with|without", 2, mode_tree },
	{ "log", "BYTES > file", 1, mode_log },
	{ "chatter", "BYTES PAUSE-MS", 2, mode_chatter },
	{ "sync", "FILE COUNT", 2, mode_sync },
};

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void sleep_us(uint64_t us)
{
	struct timespec time = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

	nanosleep(&time, NULL);
}

int main(int count, char **arguments)
{
	struct rlimit files;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (size_t i = 0; count > 1 && i < sizeof modes / sizeof *modes; i++)
		if (strcmp(arguments[1], modes[i].name) == 0 && count == 2 + modes[i].arguments)
			return modes[i].run(count - 2, arguments + 2);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		fprintf(stderr, "load %s %s\n", modes[i].name, modes[i].words);
	return 2;
}
