/* SPDX-License-Identifier: Apache-2.0 */
/* Small things the rows need: a log file, a program that prints all the time, a durable write. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define PICK(list) list[next_random(state) % (sizeof list / sizeof *list)]

/* A line as servers write them: times, ids, long messages, some colour, some UTF-8. */
static int log_line(char *out, size_t size, uint64_t *state, uint64_t ms)
{
	static const char *const levels[] = { "\x1b[32mINFO\x1b[0m ", "\x1b[32mINFO\x1b[0m ",
		"\x1b[32mINFO\x1b[0m ", "DEBUG", "\x1b[33mWARN\x1b[0m ", "\x1b[31mERROR\x1b[0m" };
	static const char *const parts[] = { "http.server", "scheduler", "storage.compaction",
		"billing.invoice", "auth.session", "queue.worker" };
	static const char *const messages[] = { "request finished", "job taken from the queue",
		"cache entry expired, reading again",
		"connection to the replica lost, trying again",
		"utilizador n\xc3\xa3o encontrado na sess\xc3\xa3o", "segment written and synced",
		"retry after back-off because the remote side answered late",
		"\xe2\x9c\x93 invoice sent to customer", "slow statement, plan kept for review" };
	uint64_t a = next_random(state), b = next_random(state);

	return snprintf(out, size,
		"2026-11-23T%02u:%02u:%02u.%03uZ %s [%s-%u] %s path=/api/v2/accounts/%u/items/%u "
		"status=%u bytes=%u duration=%u.%03ums trace=%016llx client=10.%u.%u.%u\n",
		(unsigned)(ms / 3600000 % 24), (unsigned)(ms / 60000 % 60),
		(unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000), PICK(levels), PICK(parts),
		(unsigned)(a & 15), PICK(messages), (unsigned)(a >> 8 & 0xffff),
		(unsigned)(a >> 24 & 0xfff), a >> 40 & 15 ? 200u : 503u, (unsigned)(b & 0x3fff),
		(unsigned)(b >> 14 & 0xff), (unsigned)(b >> 22 & 0xff) * 3,
		(unsigned long long)next_random(state), (unsigned)(b >> 30 & 3),
		(unsigned)(b >> 32 & 255), (unsigned)(b >> 40 & 255));
}

int mode_log(int count, char **arguments)
{
	uint64_t bytes = strtoull(arguments[0], NULL, 10), done = 0, state = 88172645463325252;
	char line[1024];

	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	for (uint64_t ms = 0; done < bytes; ms += state & 7) {
		size_t len = (size_t)log_line(line, sizeof line, &state, ms);

		if (len > bytes - done) {
			len = (size_t)(bytes - done);
			line[len - 1] = '\n';
		}
		done += fwrite(line, 1, len, stdout);
		if (ferror(stdout))
			die("the log cannot be written");
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

/* So many bytes of log, again and again; not in step with its neighbours. */
int mode_chatter(int count, char **arguments)
{
	uint64_t state = (uint64_t)getpid() * 2654435761u + 1, ms = 0;
	size_t bytes = strtoull(arguments[0], NULL, 10);
	uint64_t pause = strtoull(arguments[1], NULL, 10) * 1000;
	char *text = malloc(bytes + 1024);

	if (text == NULL)
		die("out of memory");
	sleep_us(next_random(&state) % pause);
	for (;;) {
		uint64_t began = now_us();

		for (size_t len = 0; len < bytes;)
			len += (size_t)log_line(text + len, 1024, &state, ms += 7);
		for (size_t done = 0; done < bytes;) {
			ssize_t n = write(1, text + done, bytes - done);
			if (n < 0)
				return 0;
			done += (size_t)n;
		}
		uint64_t took = now_us() - began;
		if (took < pause)
			sleep_us(pause - took);
	}
}

/* What one durable write costs here: 512 bytes appended and synced. */
int mode_sync(int count, char **arguments)
{
	unsigned times = (unsigned)strtoul(arguments[1], NULL, 10);
	int fd = open(arguments[0], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	char block[512];

	if (fd < 0)
		die("%s: %s", arguments[0], strerror(errno));
	memset(block, 'x', sizeof block);
	printf("[");
	for (unsigned i = 0; i < times; i++) {
		uint64_t began = now_us();
		if (write(fd, block, sizeof block) != sizeof block || fdatasync(fd) < 0)
			die("sync: %s", strerror(errno));
		printf("%s%llu", i > 0 ? "," : "", (unsigned long long)(now_us() - began));
	}
	printf("]\n");
	close(fd);
	return unlink(arguments[0]) == 0 ? 0 : 1;
}
