/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of a service (front, broker, vault, recorder or witness, by its own name): born like
 * one, READY like one, and a moment later it says to one of those it knows, by chance, what it may
 * not. Then it does nothing any more, and does not go: the supervisor has to end it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "packets.h"
#include "wire/process.h"

#define MOMENT_MS 300

static struct process process;
static struct packets packets;
static struct {
	enum party party;
	int fd;
} peers[8] = { { PARTY_SUPERVISOR, 3 } };
static unsigned count = 1;

static void on_peer(void *context, const struct msg_peer *peer, int fd)
{
	enum party party = (enum party)peer->party;
	unsigned at = 0;

	while (at < count && peers[at].party != party)
		at++;
	peers[at].party = party;
	peers[at].fd = fd;
	count += at == count;
}

/* What the supervisor tells a broker or a vault is none of its business. */
static int on_word(void *context, struct channel *channel, struct message *message)
{
	return 0;
}

static void on_moment(void *context)
{
	unsigned at = (unsigned)packets_draw(&packets, count);

	while (packets_make(&packets, process.self, peers[at].party))
		;
	log_error("traitor", "tells the %s", party_name(peers[at].party));
	packets_say(&packets, peers[at].fd);
	for (;;)
		pause();
}

static enum party party_of(const char *name)
{
	for (int party = PARTY_ANY; party < PARTY_COUNT; party++)
		if (strcmp(name + strlen("sallyport-"), party_name((enum party)party)) == 0)
			return (enum party)party;
	return PARTY_ANY;
}

int main(int argc, char **argv)
{
	struct timer *timer;

	packets_seed(&packets, clock_monotonic_ms() + (uint64_t)getpid());
	process_begin(&process, argc, argv, party_of(argv[0]));
	process.supervisor_fn = on_word;
	process_on_peer(&process, on_peer, &process);
	if (loop_after(process.loop, MOMENT_MS, on_moment, NULL, &timer) < 0)
		return 1;
	return process_run(&process);
}
