/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
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
#include "supervisor/place.h"
#include "supervisor/reload.h"
#include "supervisor/services.h"
#include "supervisor/spawn.h"
#include "supervisor/token.h"
#include "wire/process.h"

struct options {
	const char *data, *listen, *store;
	int takeover; /* the state of the executable this one takes over from; -1 */
	bool offline, trial;
};

static void usage(FILE *out)
{
	fputs("usage: sallyport-supervisor --data DIR [--listen ADDRESS:PORT] [--store URL] "
	      "[--offline]\n"
	      "Starts the processes of one installation; people use: sallyport serve\n",
		out);
}

static void wrong_usage(void)
{
	usage(stderr);
	exit(2);
}

static int parse_number(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || number <= STDERR_FILENO || number > INT_MAX)
		wrong_usage();
	return (int)number;
}

/* --takeover and --trial are said by a supervisor to its successor, by nobody else. */
static void parse_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = { { "data", 1, NULL, 'd' }, { "listen", 1, NULL, 'l' },
		{ "store", 1, NULL, 's' }, { "offline", 0, NULL, 'o' }, { "help", 0, NULL, 'h' },
		{ "takeover", 1, NULL, 't' }, { "trial", 0, NULL, 'y' }, { 0 } };

	options->takeover = -1;
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
		case 't':
			options->takeover = parse_number(optarg);
			break;
		case 'y':
			options->trial = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			wrong_usage();
		}
	}
	if (options->data == NULL || optind != argc)
		wrong_usage();
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
	channel_tell(supervisor->services[SERVICE_BROKER]->channel, MSG_WORKER_EXITED, &exited);
}

static void reap(struct supervisor *supervisor, pid_t pid, int status)
{
	struct service *service = service_find(supervisor, pid);

	if (service != NULL) {
		services_reaped(supervisor, service, status);
		return;
	}
	struct worker *worker = spawn_find(supervisor, pid);
	if (worker == NULL) {
		if (!token_reaped(supervisor, pid, status))
			template_reaped(supervisor, pid);
		return;
	}
	tell_broker(supervisor, worker->session, status);
	spawn_forget(supervisor, worker);
}

static void reap_all(struct supervisor *supervisor)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		reap(supervisor, pid, status);
	show_title(supervisor);
}

static void on_signal(void *context, uint32_t events)
{
	struct supervisor *supervisor = context;
	struct msg_reload_answer answer;
	struct signalfd_siginfo info;

	while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP)
			reload_ask(supervisor, false, &answer);
		else if (info.ssi_signo != SIGCHLD)
			services_stop(supervisor);
	}
	reap_all(supervisor);
}

static int watch_signals(struct supervisor *supervisor)
{
	struct watch *watch;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
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

static int open_programs(struct supervisor *supervisor)
{
	char complaint[REASON_SIZE];
	int r = programs_open(&supervisor->programs, supervisor->program_directory, complaint);

	if (r < 0)
		log_error("supervisor.programs", "%s", complaint);
	return r;
}

static int open_outside(struct supervisor *supervisor, char complaint[REASON_SIZE])
{
	return outside_open(&supervisor->outside, supervisor->place.directory,
		&supervisor->settings, service_uid(supervisor, PARTY_WITNESS), complaint);
}

static int start(struct supervisor *supervisor)
{
	char complaint[REASON_SIZE];
	int r = open_programs(supervisor);

	if (r == 0 && supervisor->root)
		r = place_own(&supervisor->place, &supervisor->settings);
	if (r == 0 && (r = open_outside(supervisor, complaint)) < 0)
		fprintf(stderr, "sallyport: %s\n", complaint);
	if (r < 0)
		return r;
	services_init(supervisor);
	if ((r = watch_signals(supervisor)) < 0 || (r = services_start(supervisor)) < 0)
		return r;
	return 0;
}

static int start_fresh(struct supervisor *supervisor, const struct options *options)
{
	int r = place_open(&supervisor->place, options->data, &supervisor->settings,
		options->offline, options->listen, options->store);

	if (r < 0)
		return r;
	if ((r = place_become_owner(&supervisor->place)) < 0)
		return r;
	if (r > 0)
		supervisor->root = false;
	if (options->offline) /* a command's own errand: its terminal is for its answer */
		text_copy(supervisor->settings.gateway_log_level,
			sizeof supervisor->settings.gateway_log_level, "warning");
	else
		share_open(&supervisor->share);
	supervisor->generation = supervisor->last_generation = 1;
	return start(supervisor);
}

/* After everything ended in order: the same place, read again, and services from the disk. */
static int start_again(struct supervisor *supervisor)
{
	char complaint[REASON_SIZE];
	struct place before = supervisor->place;
	struct settings fresh;
	int r = place_renew(supervisor, false, &fresh, &supervisor->place, complaint);

	if (r < 0) {
		log_error("gateway.failed", "%s", complaint);
		return r;
	}
	place_drop_fresh(&supervisor->place, &before);
	supervisor->settings = fresh;
	supervisor->generation = supervisor->last_generation;
	supervisor->announced = false;
	return start(supervisor);
}

static int take_over(struct supervisor *supervisor, int fd)
{
	enum takeover_kind kind;
	char complaint[REASON_SIZE];

	share_open(&supervisor->share);
	int r = takeover_read(supervisor, fd, &kind);
	if (r < 0) {
		log_error("supervisor.takeover", "%s", error_text(r));
		return r;
	}
	if (kind == TAKEOVER_EMPTY)
		return start_again(supervisor);
	r = watch_signals(supervisor);
	if (r < 0)
		return r;
	/* For a witness that dies before the reload is through. */
	if (open_outside(supervisor, complaint) < 0)
		log_warning("witness.files", "%s", complaint);
	reap_all(supervisor); /* who ended meanwhile */
	reload_begin(supervisor);
	return 0;
}

static int run(struct supervisor *supervisor, const struct options *options)
{
	int r = options->takeover >= 0 ? take_over(supervisor, options->takeover)
				       : start_fresh(supervisor, options);

	if (r < 0)
		return r;
	show_title(supervisor);
	r = loop_run(supervisor->loop);
	templates_stop(supervisor);
	if (r == 0 && supervisor->renew)
		r = takeover_execute(supervisor,
			program_find(&supervisor->reload.programs, "sallyport-supervisor"),
			TAKEOVER_EMPTY);
	return r;
}

int main(int argc, char **argv)
{
	CLEANUP(mem_freep) struct supervisor *supervisor = calloc(1, sizeof *supervisor);
	struct options options = { 0 };

	parse_options(argc, argv, &options);
	if (options.trial)
		return takeover_check(options.takeover);
	/* The options are kept elsewhere before the title overwrites the argument area. */
	CLEANUP(mem_freep) char *data = strdup(options.data);
	CLEANUP(mem_freep) char *listen = options.listen ? strdup(options.listen) : NULL;
	CLEANUP(mem_freep) char *store = options.store ? strdup(options.store) : NULL;
	options.data = data, options.listen = listen, options.store = store;
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
	supervisor->options.data = data;
	supervisor->options.listen = listen;
	supervisor->options.store = store;
	int r = run(supervisor, &options);
	services_finish(supervisor);
	share_close(&supervisor->share);
	outside_close(&supervisor->outside);
	place_close(&supervisor->place);
	return r < 0 || !supervisor->announced ? 1 : 0;
}
