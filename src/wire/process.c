/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/process.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/version.h"

#define SUPERVISOR_FD 3

/*
 * The argument area is the one place ps looks at, so the title must live there: the supervisor
 * starts every process with a long blank second argument to make room. One per process by nature.
 */
static struct {
	char *area;
	size_t size;
	char name[48];
} title;

static void title_take(int argc, char **argv, const char *name)
{
	text_copy(title.name, sizeof title.name, name);
	prctl(PR_SET_NAME, name);
	if (argc < 2)
		return;
	title.area = argv[0];
	title.size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
}

void process_title(const char *format, ...)
{
	char words[160];
	va_list arguments;

	if (title.area == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	memset(title.area, 0, title.size);
	snprintf(title.area, title.size, "%s%s%s", title.name, words[0] ? ": " : "", words);
}

void process_begin_bare(int argc, char **argv, const char *name)
{
	title_take(argc, argv, name);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0);
	umask(0077);
}

static void die(const char *event, const char *words)
{
	log_error(event, "%s", words);
	exit(1);
}

static void keep_peer(struct process *process, const struct msg_peer *peer, int fd)
{
	if (process->peer_fn != NULL) {
		process->peer_fn(process->context, peer, fd);
		return;
	}
	if (process->waiting_count == ARRAY_LEN(process->waiting))
		die("process.peers", "more peers than a process can have");
	process->waiting[process->waiting_count].peer = *peer;
	process->waiting[process->waiting_count++].fd = fd;
}

static int take_start(struct process *process, const struct msg_start *start)
{
	if (!TEXT_VALID(start->format) || strcmp(start->format, wire_format()) != 0)
		die("process.format", "the supervisor speaks another wire format");
	process->settings = start->settings;
	process->uid = start->uid;
	process->generation = start->generation;
	process->started = true;
	return 0;
}

static int take_given(struct process *process, const struct msg_give *give, struct message *message)
{
	unsigned at = process->given_count;

	if (message->fd_count != 1 || !TEXT_VALID(give->name) || at == ARRAY_LEN(process->given))
		return -ERR_MALFORMED;
	text_copy(process->given[at].name, sizeof process->given[at].name, give->name);
	process->given[at].fd = STEAL_FD(message->fds[0]);
	process->given_count++;
	return 0;
}

static void stop(struct process *process)
{
	process->stopping = true;
	if (process->stop_fn != NULL)
		process->stop_fn(process->context);
	else
		loop_stop(process->loop);
}

static void retire(struct process *process)
{
	if (process->retire_fn != NULL)
		process->retire_fn(process->context);
	else
		stop(process);
}

static int on_supervisor(void *context, struct channel *channel, struct message *message)
{
	struct process *process = context;

	switch (message->type) {
	case MSG_START:
		return take_start(process, message->payload);
	case MSG_GIVE:
		return take_given(process, message->payload, message);
	case MSG_PEER:
		if (message->fd_count != 1)
			return -ERR_MALFORMED;
		keep_peer(process, message->payload, STEAL_FD(message->fds[0]));
		return 0;
	case MSG_GO:
		process->going = true;
		loop_stop(process->loop);
		return 0;
	case MSG_FINISH:
		retire(process);
		return 0;
	case MSG_STOP:
		stop(process);
		return 0;
	default:
		if (process->supervisor_fn == NULL)
			return -ERR_MALFORMED;
		return process->supervisor_fn(process->context, channel, message);
	}
}

static void on_supervisor_gone(void *context, struct channel *channel)
{
	stop(context);
}

static enum log_level level_from(const char *word)
{
	static const char *const words[] = { "debug", "info", "warning", "error" };

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_INFO;
}

/*
 * The channel is closed, but whoever is at its other end may live on and be of no use to anyone:
 * the supervisor ends it, and introduces the one that comes after it.
 */
static void on_struck(void *context, const struct channel *channel, int why)
{
	struct process *process = context;
	enum party peer = channel_peer(channel);
	struct msg_strike strike;

	if (peer != PARTY_FRONT && peer != PARTY_BROKER && peer != PARTY_VAULT &&
		peer != PARTY_RECORDER && peer != PARTY_WITNESS)
		return;
	log_error("peer.struck", "%s: %s", party_name(peer), error_name(why));
	memset(&strike, 0, sizeof strike);
	strike.party = (uint8_t)peer;
	strike.generation = channel_generation(channel);
	strike.why = why;
	channel_tell(process->supervisor, MSG_STRIKE, &strike);
	if (process->strike_fn != NULL)
		process->strike_fn(process->context, channel, why);
}

void process_begin(struct process *process, int argc, char **argv, enum party self)
{
	char name[32];

	memset(process, 0, sizeof *process);
	process->self = self;
	snprintf(name, sizeof name, "sallyport-%s", party_name(self));
	process_begin_bare(argc, argv, name);
	log_open(party_name(self), LOG_LEVEL_INFO);
	struct stat stat;
	if (fstat(SUPERVISOR_FD, &stat) < 0 || !S_ISSOCK(stat.st_mode))
		die("process.alone",
			"this program is started by sallyport-supervisor; see sallyport(1)");
	if (loop_create(&process->loop) < 0 ||
		channel_create(process->loop, SUPERVISOR_FD, self, PARTY_SUPERVISOR, on_supervisor,
			on_supervisor_gone, process, &process->supervisor) < 0)
		die("process.begin", "no memory");
	wire_on_strike(on_struck, process);
	loop_run(process->loop);
	/* The loop also stops when the supervisor is gone: half of what was given is nothing. */
	if (!process->started || !process->going)
		die("process.begin", "the supervisor went away before the start");
	log_open(party_name(self), level_from(process->settings.gateway_log_level));
	process_title("starting");
}

int process_fd(struct process *process, const char *name)
{
	for (unsigned i = 0; i < process->given_count; i++)
		if (strcmp(process->given[i].name, name) == 0)
			return STEAL_FD(process->given[i].fd);
	return -1;
}

void process_drop(struct process *process, int sandbox_role, int dir)
{
	process_drop_dirs(process, sandbox_role, &dir, 1);
}

void process_drop_dirs(struct process *process, int sandbox_role, const int *dirs, unsigned count)
{
	for (unsigned i = 0; i < process->given_count; i++)
		fd_closep(&process->given[i].fd); /* what nobody asked for */
	if (process->uid != 0 && sandbox_drop(process->uid, dirs[0]) < 0)
		die("process.drop", "cannot give up root");
	if (sandbox_enter_dirs((enum sandbox_role)sandbox_role, dirs, count) < 0)
		die("process.sandbox", "cannot enter the sandbox: this kernel lacks seccomp");
	prctl(PR_SET_DUMPABLE, 0);
}

void process_on_peer(
	struct process *process, void (*fn)(void *, const struct msg_peer *, int), void *context)
{
	process->peer_fn = fn;
	process->context = context;
	for (unsigned i = 0; i < process->waiting_count; i++)
		fn(context, &process->waiting[i].peer, STEAL_FD(process->waiting[i].fd));
	process->waiting_count = 0;
}

void process_on_stop(struct process *process, void (*fn)(void *))
{
	process->stop_fn = fn;
}

void process_on_strike(struct process *process, strike_fn *fn)
{
	process->strike_fn = fn;
}

void process_on_retire(struct process *process, void (*fn)(void *))
{
	process->retire_fn = fn;
}

int process_run(struct process *process)
{
	struct msg_ready ready;

	memset(&ready, 0, sizeof ready);
	text_copy(ready.version, sizeof ready.version, gateway_version);
	channel_tell(process->supervisor, MSG_READY, &ready);
	if (process->stopping) /* it came right behind GO, when nobody listened yet */
		stop(process);
	return loop_run(process->loop) < 0 ? 1 : 0;
}
