/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens terminals in batches, a few at a time, types a command into each, and then keeps them,
 * reading and acknowledging everything. An empty line ends a batch; the end of input ends all. Says
 * for each batch how long each terminal took from its opening to its first prompt.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define INPUT_MAX (4 * 1024 * 1024)

struct hold {
	int epoll;
	unsigned at_a_time;
	const char *command;
	struct terminal *terminals[TERMINALS_MAX];
	unsigned count, begun, opened, failed; /* of all batches */
	unsigned first;                        /* of this batch */
	bool opening, over;
	uint64_t began_us;
	char *input;
	size_t input_len;
};

static void watch(struct hold *hold, struct terminal *terminal)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = terminal };

	epoll_ctl(hold->epoll, EPOLL_CTL_ADD, terminal->fd, &event);
}

static void say_batch(struct hold *hold)
{
	printf("{\"opened\":%u,\"failed\":%u,\"seconds\":%.6f,\"ms\":[", hold->opened, hold->failed,
		(double)(now_us() - hold->began_us) / 1e6);
	for (unsigned i = hold->first, said = 0; i < hold->count; i++)
		if (hold->terminals[i]->prompt_us != 0)
			printf("%s%.3f", said++ > 0 ? "," : "",
				(double)(hold->terminals[i]->prompt_us -
					 hold->terminals[i]->began_us) /
					1e3);
	printf("]}\n");
	fflush(stdout);
	hold->first = hold->count;
	hold->opening = false;
}

static void begin_more(struct hold *hold)
{
	while (hold->begun < hold->count &&
		hold->begun - hold->opened - hold->failed < hold->at_a_time) {
		struct terminal *terminal = hold->terminals[hold->begun++];

		terminal_begin(terminal);
		watch(hold, terminal);
	}
	if (hold->opening && hold->opened + hold->failed == hold->count)
		say_batch(hold);
}

static void prompted(struct hold *hold, struct terminal *terminal)
{
	terminal->prompt_us = now_us();
	hold->opened++;
	if (hold->command[0] != '\0') {
		terminal_type(terminal, hold->command, strlen(hold->command));
		terminal_type(terminal, "\r", 1);
	}
	begin_more(hold);
}

static void on_terminal(struct hold *hold, struct terminal *terminal)
{
	unsigned dials = terminal->dials;
	bool was_over = terminal->ended;

	while (terminal_read(terminal, READ_PIECE) > 0)
		;
	if (terminal->dials != dials)
		watch(hold, terminal); /* the second connection of a page */
	if (terminal->prompt_us == 0 && terminal_ends_with(terminal, prompt))
		prompted(hold, terminal);
	if (!terminal->ended || was_over)
		return;
	epoll_ctl(hold->epoll, EPOLL_CTL_DEL, terminal->fd, NULL);
	if (terminal->prompt_us == 0) {
		hold->failed++;
		begin_more(hold);
	}
}

static void take_line(struct hold *hold, char *line)
{
	if (line[0] == '\0') {
		hold->began_us = now_us();
		hold->opening = true;
		begin_more(hold);
	} else if (hold->count < TERMINALS_MAX) {
		hold->terminals[hold->count++] = terminal_create(line);
	} else {
		die("more than %d terminals", TERMINALS_MAX);
	}
}

static void on_input(struct hold *hold)
{
	ssize_t got = read(0, hold->input + hold->input_len, INPUT_MAX - hold->input_len);
	char *line = hold->input, *end;

	if (got <= 0) {
		hold->over = got == 0 || errno != EINTR;
		return;
	}
	hold->input_len += (size_t)got;
	while ((end = memchr(line, '\n', hold->input_len - (size_t)(line - hold->input))) != NULL) {
		*end = '\0';
		take_line(hold, line);
		line = end + 1;
	}
	hold->input_len -= (size_t)(line - hold->input);
	memmove(hold->input, line, hold->input_len);
}

/* What takes too long has failed; the rest goes on. */
static void give_up(struct hold *hold)
{
	uint64_t now = now_us();

	for (unsigned i = hold->first; i < hold->begun; i++) {
		struct terminal *terminal = hold->terminals[i];

		if (terminal->prompt_us != 0 || terminal->ended ||
			now - terminal->began_us < OPEN_SECONDS * UINT64_C(1000000))
			continue;
		terminal->ended = true;
		fprintf(stderr, "load: no prompt: %.*s\n", (int)terminal->tail_len, terminal->tail);
		hold->failed++;
		begin_more(hold);
	}
}

int mode_hold(int count, char **arguments)
{
	static struct hold hold;
	struct epoll_event events[EVENTS_MAX], input = { .events = EPOLLIN, .data.ptr = NULL };

	hold.at_a_time = (unsigned)strtoul(arguments[0], NULL, 10);
	hold.command = arguments[1];
	hold.epoll = epoll_create1(EPOLL_CLOEXEC);
	hold.input = malloc(INPUT_MAX);
	if (hold.epoll < 0 || hold.input == NULL ||
		epoll_ctl(hold.epoll, EPOLL_CTL_ADD, 0, &input) < 0)
		die("epoll: %s", strerror(errno));
	while (!hold.over) {
		int ready = epoll_wait(hold.epoll, events, EVENTS_MAX, hold.opening ? 1000 : -1);
		for (int i = 0; i < ready; i++)
			if (events[i].data.ptr == NULL)
				on_input(&hold);
			else
				on_terminal(&hold, events[i].data.ptr);
		if (hold.opening)
			give_up(&hold);
	}
	for (unsigned i = 0; i < hold.begun; i++)
		terminal_close(hold.terminals[i]);
	return 0;
}
