/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <jansson.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/sandbox.h"
#include "front/front.h"
#include "wire/process.h"

#define DESCRIPTORS_OTHER 64 /* not for connections: channels, listeners, the loop */

static void meet(void *context, const struct msg_peer *peer, int fd)
{
	if (peer->party == PARTY_BROKER)
		front_broker(context, fd, peer->generation);
	else
		fd_closep(&fd);
}

static void stop(void *context)
{
	front_stop(context);
}

static void retire(void *context)
{
	front_retire(context);
}

/* A relay holds two descriptors. */
static unsigned most_connections(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	rlim_t most = limit.rlim_cur > DESCRIPTORS_OTHER + 2
			      ? (limit.rlim_cur - DESCRIPTORS_OTHER) / 2
			      : 1;
	return most < CONNECTIONS_MAX ? (unsigned)most : CONNECTIONS_MAX;
}

static void listen_all(struct front *front, struct process *process)
{
	int fd = process_fd(process, "listen");
	if (fd >= 0)
		front_listen(front, fd);
	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		char name[32];
		snprintf(name, sizeof name, "listen-%u", i);
		fd = process_fd(process, name);
		if (fd >= 0)
			front_listen(front, fd);
	}
}

static SSL_CTX *take_identity(struct process *process)
{
	CLEANUP(fd_closep) int certificate = process_fd(process, "tls-cert");
	CLEANUP(fd_closep) int key = process_fd(process, "tls-key");
	SSL_CTX *tls = NULL;
	int r = tls_context_create(certificate, key, &tls);
	if (r < 0) {
		log_error("front.tls", "certificate or key cannot be used: %s", error_name(r));
		exit(1);
	}
	tls_ask_certificate(tls, process->settings.api_client_certificates);
	return tls;
}

int main(int argc, char **argv)
{
	static struct front front;
	struct process process;
	uint32_t seed;

	process_begin(&process, argc, argv, PARTY_FRONT);
	unsigned most = most_connections();
	random_bytes(&seed, sizeof seed);
	json_object_seed(seed | 1); /* else jansson would open the random device behind the walls */
	tzset();                    /* nor the C library its time zone, for the Date of an answer */
	SSL_CTX *tls = take_identity(&process);
	if (front_init(&front, process.loop, &process.settings, tls, most) < 0)
		return 1;
	listen_all(&front, &process);
	if (front.listener_count == 0) {
		log_error("front.listen", "no listening socket was given");
		return 1;
	}
	process_drop(&process, SANDBOX_FRONT, -1);
	process_on_peer(&process, meet, &front);
	process_on_stop(&process, stop);
	process_on_retire(&process, retire);
	int r = process_run(&process);
	front_finish(&front);
	SSL_CTX_free(tls);
	return r;
}
