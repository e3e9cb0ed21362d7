/* SPDX-License-Identifier: Apache-2.0 */
/* One call on each TLS connection, each a full handshake; so many at a time, for so many seconds.
 */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLERS_MAX 64
#define CALLS_MAX 1000000 /* of one caller */

struct caller {
	pthread_t thread;
	uint16_t port;
	const char *request;
	size_t request_len;
	uint64_t until_us;
	uint32_t *times_us;
	unsigned calls, errors;
};

/* The answer to its end; the request asks for the connection to be closed. */
static bool call(struct caller *caller)
{
	SSL *tls = tls_dial(caller->port, NULL);
	char answer[8192];
	size_t len = 0;
	int got = 0;

	if (SSL_connect(tls) == 1 && SSL_write(tls, caller->request, (int)caller->request_len) ==
					     (int)caller->request_len)
		while (len < sizeof answer - 1 &&
			(got = SSL_read(tls, answer + len, (int)(sizeof answer - 1 - len))) > 0)
			len += (size_t)got;
	answer[len] = '\0';
	close(SSL_get_fd(tls));
	SSL_free(tls);
	return strncmp(answer, "HTTP/1.1 200", 12) == 0 && answer[len - 1] == '}';
}

static void *run(void *context)
{
	struct caller *caller = context;
	uint64_t before, now = now_us();

	while (now < caller->until_us && caller->calls < CALLS_MAX) {
		before = now;
		if (!call(caller))
			caller->errors++;
		now = now_us();
		caller->times_us[caller->calls++] = (uint32_t)(now - before);
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static void print(const struct caller *callers, unsigned count, uint64_t us)
{
	uint32_t *all = malloc(sizeof *all * CALLS_MAX);
	unsigned calls = 0, errors = 0;

	if (all == NULL)
		die("out of memory");
	for (unsigned i = 0; i < count; i++) {
		errors += callers[i].errors;
		for (unsigned j = 0; j < callers[i].calls && calls < CALLS_MAX; j++)
			all[calls++] = callers[i].times_us[j];
	}
	qsort(all, calls, sizeof *all, compare);
	printf("{\"per_second\":%.1f,\"errors\":%u,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
		(double)(calls - errors) * 1e6 / (double)us, errors,
		calls > 0 ? all[calls / 2] / 1e3 : 0,
		calls > 0 ? all[(size_t)calls * 99 / 100] / 1e3 : 0);
	free(all);
}

int mode_connections(int count, char **arguments)
{
	static struct caller callers[CALLERS_MAX];
	static char request[65536];
	unsigned at_a_time = (unsigned)strtoul(arguments[1], NULL, 10);
	size_t len = fread(request, 1, sizeof request, stdin);
	uint16_t port = (uint16_t)strtoul(arguments[0], NULL, 10);
	uint64_t began;

	if (at_a_time == 0 || at_a_time > CALLERS_MAX)
		die("1 to %d at a time", CALLERS_MAX);
	SSL_free(tls_dial(port, NULL)); /* the context, before there are threads */
	began = now_us();
	for (unsigned i = 0; i < at_a_time; i++) {
		callers[i] = (struct caller){ .port = port,
			.request = request,
			.request_len = len,
			.until_us = began + strtoull(arguments[2], NULL, 10) * 1000000,
			.times_us = malloc(sizeof(uint32_t) * CALLS_MAX) };
		if (callers[i].times_us == NULL ||
			pthread_create(&callers[i].thread, NULL, run, &callers[i]) != 0)
			die("cannot start caller %u", i);
	}
	for (unsigned i = 0; i < at_a_time; i++)
		pthread_join(callers[i].thread, NULL);
	print(callers, at_a_time, now_us() - began);
	return 0;
}
