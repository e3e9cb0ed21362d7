/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/process.h"

struct options {
	const char *data, *listen, *store;
	bool offline;
};

static void usage(FILE *out)
{
	fputs("usage: sallyport-supervisor --data DIR [--listen ADDRESS:PORT] [--store URL] "
	      "[--offline]\n"
	      "Starts the processes of one installation; people use: sallyport serve\n",
		out);
}

static void parse_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = { { "data", 1, NULL, 'd' }, { "listen", 1, NULL, 'l' },
		{ "store", 1, NULL, 's' }, { "offline", 0, NULL, 'o' }, { "help", 0, NULL, 'h' },
		{ 0 } };

	for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
		switch (c) {
		case 'd':
			options->data = optarg;
			break;
		case 'l':
			options->listen = optarg;
			break;
		case 's':
			options->store = optarg;
			break;
		case 'o':
			options->offline = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (options->data == NULL || optind != argc) {
		usage(stderr);
		exit(2);
	}
}

static void show_title(const struct supervisor *supervisor)
{
	process_title(
		"%u session%s", supervisor->worker_count, supervisor->worker_count == 1 ? "" : "s");
}

static void tell_broker(struct supervisor *supervisor, int64_t session, int status)
{
	struct msg_worker_exited exited;

	memset(&exited, 0, sizeof exited);
	exited.session = session;
	exited.status = status;
	channel_tell(supervisor->services[SERVICE_BROKER].channel, MSG_WORKER_EXITED, &exited);
}

static void reap(struct supervisor *supervisor, pid_t pid, int status)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		if (supervisor->services[i].pid == pid) {
			services_reaped(supervisor, &supervisor->services[i], status);
			return;
		}
	}
	struct worker *worker = spawn_find(supervisor, pid);
	if (worker == NULL) {
		if (!token_reaped(supervisor, pid, status))
			template_reaped(supervisor, pid);
		return;
	}
	tell_broker(supervisor, worker->session, status);
	spawn_forget(supervisor, worker);
	show_title(supervisor);
}

static void on_signal(void *context, uint32_t events)
{
	struct supervisor *supervisor = context;
	struct signalfd_siginfo info;
	int status;

	while (read(supervisor->signals, &info, sizeof info) == sizeof info)
		if (info.ssi_signo != SIGCHLD)
			services_stop(supervisor);
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		reap(supervisor, pid, status);
	show_title(supervisor);
}

static int watch_signals(struct supervisor *supervisor)
{
	struct watch *watch;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signals < 0)
		return -ERR_SYSTEM;
	return loop_watch(
		supervisor->loop, supervisor->signals, EPOLLIN, on_signal, supervisor, &watch);
}

/* The other executables lie beside this one. */
static int find_programs(struct supervisor *supervisor)
{
	char path[URL_SIZE];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

	if (len <= 0)
		return -ERR_SYSTEM;
	path[len] = '\0';
	*strrchr(path, '/') = '\0';
	return text_copy(supervisor->program_directory, sizeof supervisor->program_directory, path);
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run(struct supervisor *supervisor, const struct options *options)
{
	int r = place_open(&supervisor->place, options->data, &supervisor->settings,
		options->offline, options->listen, options->store);
	if (r < 0)
		return r;
	if ((r = place_become_owner(&supervisor->place)) < 0)
		return r;
	if (r > 0)
		supervisor->root = false;
	if (supervisor->root && (r = place_own(&supervisor->place, &supervisor->settings)) < 0)
		return r;
	r = outside_open(&supervisor->outside, supervisor->place.directory, &supervisor->settings,
		service_uid(supervisor, PARTY_WITNESS));
	if (r < 0)
		return r;
	if (options->offline) /* a command's own errand: its terminal is for its answer */
		text_copy(supervisor->settings.gateway_log_level,
			sizeof supervisor->settings.gateway_log_level, "warning");
	else
		share_open(&supervisor->share);
	services_init(supervisor);
	if ((r = watch_signals(supervisor)) < 0 || (r = services_start(supervisor)) < 0)
		return r;
	show_title(supervisor);
	r = loop_run(supervisor->loop);
	templates_stop(supervisor);
	return r;
}

int main(int argc, char **argv)
{
	CLEANUP(mem_freep) struct supervisor *supervisor = calloc(1, sizeof *supervisor);
	struct options options = { 0 };

	parse_options(argc, argv, &options);
	/* The options are kept elsewhere before the title overwrites the argument area. */
	CLEANUP(mem_freep) char *data = strdup(options.data);
	CLEANUP(mem_freep) char *listen = options.listen ? strdup(options.listen) : NULL;
	CLEANUP(mem_freep) char *store = options.store ? strdup(options.store) : NULL;
	options = (struct options){ data, listen, store, options.offline };
	process_begin_bare(argc, argv, "sallyport-supervisor");
	log_open("supervisor", options.offline ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO);
	if (options.offline)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	raise_descriptors();
	if (supervisor == NULL || data == NULL || loop_create(&supervisor->loop) < 0 ||
		find_programs(supervisor) < 0)
		return 1;
	supervisor->root = geteuid() == 0;
	outside_init(&supervisor->outside);
	supervisor->offline = options.offline;
	int r = run(supervisor, &options);
	share_close(&supervisor->share);
	outside_close(&supervisor->outside);
	place_close(&supervisor->place);
	return r < 0 || !supervisor->announced ? 1 : 0;
}
