/* SPDX-License-Identifier: Apache-2.0 */
/* From a key to its echo, at a shell's prompt. Prints each time, in microseconds. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_KEYS 40 /* then the line is emptied, unmeasured */
#define ECHO_MS 5000

static uint64_t press(struct terminal *terminal, char key)
{
	uint64_t began;

	terminal_forget(terminal);
	began = now_us();
	terminal_type(terminal, &key, 1);
	do {
		if (!terminal_wait(terminal, ECHO_MS))
			die("no echo of %c", key);
		while (terminal_read(terminal, READ_PIECE) > 0)
			;
		if (terminal->ended)
			die("ended");
	} while (memchr(terminal->tail, key, terminal->tail_len) == NULL);
	return now_us() - began;
}

static void drain(struct terminal *terminal, int ms)
{
	uint64_t end = now_us() + (uint64_t)ms * 1000;

	while (now_us() < end) {
		if (terminal_wait(terminal, 5))
			while (terminal_read(terminal, READ_PIECE) > 0)
				;
	}
}

int mode_keys(int count, char **arguments)
{
	struct terminal *terminal = terminal_only();
	unsigned keys = (unsigned)strtoul(arguments[0], NULL, 10);
	int pause = (int)strtol(arguments[1], NULL, 10);

	drain(terminal, 300);
	printf("[");
	for (unsigned i = 0; i < keys; i++) {
		if (i % LINE_KEYS == 0) {
			terminal_type(terminal, "\x15", 1);
			drain(terminal, 100);
		}
		printf("%s%llu", i > 0 ? "," : "",
			(unsigned long long)press(terminal, (char)('a' + i % 26)));
		/* Not in step with anyone's timer. */
		sleep_us((uint64_t)pause * 1000 + (uint64_t)(i * 7919 % 5000));
	}
	printf("]\n");
	terminal_type(terminal, "\x15", 1);
	terminal_close(terminal);
	return 0;
}
