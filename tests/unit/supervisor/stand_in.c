/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of every program the supervisor starts: see stage.h. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/process.h"
#include "worker/template.h"

extern char **environ;

static char name[64];
static int story = -1;

static void tell(const char *what)
{
	char line[256];
	int len = snprintf(line, sizeof line, "%s %s\n", name, what);

	if (write(story, line, (size_t)len) < 0)
		_exit(9);
}

static void read_plan(char word[32])
{
	char path[96];

	snprintf(path, sizeof path, "plan/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, word, 31) : 0;
	word[got > 0 ? got : 0] = '\0';
	close(fd);
}

static unsigned count_environment(void)
{
	unsigned count = 0;

	while (environ != NULL && environ[count] != NULL)
		count++;
	return count;
}

static void report_descriptors(FILE *out)
{
	DIR *list = opendir("/proc/self/fd");
	struct stat stat;

	fputs("open", out);
	for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		if (entry->d_name[0] != '.' && fd != dirfd(list))
			fprintf(out, " %d", fd);
	}
	closedir(list);
	fputs("\ninodes", out);
	for (int fd = 3; fd < 7 && fstat(fd, &stat) == 0; fd++)
		fprintf(out, " %lu", (unsigned long)stat.st_ino);
	fputs("\nstandard", out);
	for (int fd = 0; fd < 3; fd++)
		fprintf(out, " %d", fstat(fd, &stat) == 0 && stat.st_rdev == makedev(1, 3));
	fputc('\n', out);
}

static void report_signals(FILE *out)
{
	sigset_t mask;
	struct sigaction action;
	int blocked = 0, parent_death = 0;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < 32; i++)
		blocked += sigismember(&mask, i);
	sigaction(SIGPIPE, NULL, &action);
	prctl(PR_GET_PDEATHSIG, &parent_death);
	fprintf(out, "blocked %d\npipe %s\ndies with %d\n", blocked,
		action.sa_handler == SIG_DFL ? "default" : "changed", parent_death);
}

static void report_namespace(FILE *out, const char *kind)
{
	char path[64], where[64];

	snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
	ssize_t len = readlink(path, where, sizeof where - 1);
	fprintf(out, "%.*s\n", len > 0 ? (int)len : 0, where);
}

/* "powers", permitted and effective capabilities. */
static void report_powers(FILE *out)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, text, sizeof text - 1);

	close(fd);
	text[got > 0 ? got : 0] = '\0';
	fprintf(out, "powers %.16s %.16s\n", strstr(text, "CapPrm:") + 8,
		strstr(text, "CapEff:") + 8);
}

/* Everything a program is born with, as lines. */
static void report(int fd)
{
	struct rlimit core;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	report_descriptors(out);
	report_signals(out);
	report_powers(out);
	getrlimit(RLIMIT_CORE, &core);
	fprintf(out, "environment %u\nuid %u %u gid %u %u groups %d\n", count_environment(),
		getuid(), geteuid(), getgid(), getegid(), getgroups(0, NULL));
	fprintf(out, "privileges %d\ncore %lu\npid %d\nleader %d\n",
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), (unsigned long)core.rlim_max, getpid(),
		getsid(0) == getpid());
	for (unsigned i = 0; i < 5; i++)
		report_namespace(
			out, (const char *const[]){ "pid", "net", "ipc", "uts", "mnt" }[i]);
	fputs("end\n", out);
	fclose(out);
	_exit(write(fd, text, len) == (ssize_t)len ? 7 : 8);
}

/* The token's program: what it was told beside that, and whether its PIN is there to read. */
static void report_token(int argc, char **argv)
{
	char pin[32] = "";
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (read(4, pin, sizeof pin - 1) < 0)
		_exit(9);
	fprintf(out, "arguments %d %s %s\npin %s\n", argc, argv[1], argv[2], pin);
	for (unsigned i = 0; environ[i] != NULL; i++)
		fprintf(out, "variable %s\n", environ[i]);
	fclose(out);
	if (write(3, text, len) != (ssize_t)len)
		_exit(9);
	report(3);
}

static void on_peer(void *context, const struct msg_peer *peer, int fd)
{
	char line[64];

	snprintf(line, sizeof line, "meets %s", party_name((enum party)peer->party));
	tell(line);
	/* Kept open: a peer that is not served is still there. */
}

static void on_stop(void *context)
{
	struct process *process = context;
	char word[32];

	read_plan(word);
	tell("stops");
	if (strcmp(word, "deaf") != 0)
		loop_stop(process->loop);
}

static void on_retire(void *context)
{
	struct process *process = context;
	char word[32];

	read_plan(word);
	tell("retires");
	if (strcmp(word, "stays") != 0)
		loop_stop(process->loop);
}

static void start_worker(struct process *process)
{
	struct msg_worker_start start;
	int fds[4];

	memset(&start, 0, sizeof start);
	start.session = 41;
	text_copy(start.driver, sizeof start.driver, "reports");
	for (unsigned i = 0; i < 4; i++)
		fds[i] = memfd_create("given", MFD_CLOEXEC);
	channel_send(process->supervisor, MSG_WORKER_START, 5, &start, NULL, 0, fds, 4);
	for (unsigned i = 0; i < 4; i++)
		close(fds[i]);
}

static int on_supervisor(void *context, struct channel *channel, struct message *message)
{
	char line[64];

	if (message->type == MSG_WORKER_STARTED) {
		snprintf(line, sizeof line, "worker started %d",
			((const struct msg_result *)message->payload)->result);
		tell(line);
	} else if (message->type == MSG_WORKER_EXITED) {
		const struct msg_worker_exited *exited = message->payload;
		snprintf(line, sizeof line, "worker %lld exited %d", (long long)exited->session,
			exited->status >> 8);
		tell(line);
		channel_tell(channel, MSG_STOP_ASK, &(struct msg_nothing){ 0 });
	}
	return 0;
}

static enum party party_of(void)
{
	for (int party = PARTY_ANY; party < PARTY_COUNT; party++)
		if (strcmp(name + strlen("sallyport-"), party_name((enum party)party)) == 0)
			return (enum party)party;
	_exit(9);
}

static void tell_given(const struct process *process)
{
	char line[128] = "given";

	for (unsigned i = 0; i < process->given_count; i++) {
		size_t len = strlen(line);
		snprintf(line + len, sizeof line - len, " %s", process->given[i].name);
	}
	tell(line);
}

/* "accuses front": of bad words. "accuses FRONT": of words it could not hear. */
static void accuse(struct process *process, const char *whom)
{
	struct msg_strike strike = { .generation = process->generation,
		.why = whom[0] >= 'a' ? -ERR_MALFORMED : -ERR_SYSTEM };

	for (int party = PARTY_ANY; party < PARTY_COUNT; party++)
		if (strcasecmp(whom, party_name((enum party)party)) == 0)
			strike.party = (uint8_t)party;
	unlinkat(AT_FDCWD, "plan/sallyport-broker", 0); /* once */
	channel_tell(process->supervisor, MSG_STRIKE, &strike);
}

static int serve(int argc, char **argv, const char *plan)
{
	struct process process;

	process_begin(&process, argc, argv, party_of());
	tell_given(&process);
	process_on_peer(&process, on_peer, &process);
	process_on_stop(&process, on_stop);
	process_on_retire(&process, on_retire);
	process.supervisor_fn = on_supervisor;
	if (strcmp(plan, "mute") == 0)
		return loop_run(process.loop);
	if (strcmp(plan, "starts") == 0)
		start_worker(&process);
	if (strncmp(plan, "accuses ", 8) == 0)
		accuse(&process, plan + 8);
	if (strcmp(plan, "rude") == 0 && write(3, "rude", 4) == 4)
		pause();
	return process_run(&process);
}

int main(int argc, char **argv)
{
	char plan[32];

	text_copy(name, sizeof name, argv[0]);
	if (strcmp(name, "sallyport-token") == 0) {
		read_plan(plan);
		if (strcmp(plan, "hangs") != 0)
			report_token(argc, argv);
		pause();
	}
	if (argc > 2 && strcmp(name, "sallyport-worker-mute") == 0)
		pause();
	if (argc > 2 && strcmp(name, "sallyport-worker-executed") == 0)
		_exit(1); /* no template: its workers are executed */
	if (argc > 2)
		template_serve();
	if (strcmp(name, "sallyport-worker-reports") == 0 ||
		strcmp(name, "sallyport-worker-executed") == 0 ||
		strcmp(name, "sallyport-worker-mute") == 0)
		report(4);
	if (strcmp(name, "sallyport-service-reports") == 0)
		report(3);
	if (strcmp(name, "sallyport-worker-waits") == 0)
		pause();
	read_plan(plan);
	story = open("story", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (strcmp(plan, "dies") == 0) {
		tell("dies");
		_exit(3);
	}
	int r = serve(argc, argv, plan);
	tell("ends");
	_exit(r);
}
