/* SPDX-License-Identifier: Apache-2.0 */
/*
 * striker PROCESS PROGRAMS COUNT [SEED]: plays the supervisor and all peers of one real process
 * (vault, recorder, broker or front, from the directory PROGRAMS, in its real sandbox) and says
 * COUNT things to it that it should not be told: packets of every row of messages.def and of none,
 * of wrong sizes, directions and descriptors, and right ones with rubbish inside.
 *
 * One strike ends the sender, never the receiver: a packet that wire_permit() refuses closes its
 * channel and is told to the supervisor; whatever was said, the process lives, ends in order when
 * it is asked to, and has at the end the descriptors and about the memory that it had in the
 * beginning.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "packets.h"
#include "wire/process.h"

#define PATIENCE_MS 60000
#define WARM_UP 2000            /* things said before the process is measured */
#define GROWTH_MOST (32 * 1024) /* KiB */
#define SUPERVISOR_FD 3

struct striker {
	enum party party; /* of the process */
	const char *programs;
	char directory[64];
	pid_t pid;
	int supervisor, control; /* our end; the broker's listener */
	int peers[PARTY_COUNT];  /* our ends; -1: none now */
	int log;
	uint64_t said, refused, told; /* things; closed for it; heard of by the supervisor */
	struct packets packets;
};

/* Who talks to whom, besides the supervisor. */
static const struct {
	const char *name;
	enum party party, peers[5];
} processes[] = {
	{ "vault", PARTY_VAULT, { PARTY_BROKER, PARTY_RECORDER } },
	{ "recorder", PARTY_RECORDER, { PARTY_BROKER, PARTY_VAULT } },
	{ "broker", PARTY_BROKER,
		{ PARTY_FRONT, PARTY_VAULT, PARTY_RECORDER, PARTY_WITNESS, PARTY_CONTROL } },
	{ "front", PARTY_FRONT, { PARTY_BROKER } },
	{ "witness", PARTY_WITNESS, { PARTY_BROKER, PARTY_RECORDER } },
};

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...)
{
	va_list arguments;

	fputs("striker: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

/* ---- the process ---- */

static int run(const char *program, char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_RDWR), 1);
		execv(program, argv);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void make_installation(struct striker *striker)
{
	char program[512], data[128];

	text_copy(striker->directory, sizeof striker->directory, "/tmp/sallyport-striker-XXXXXX");
	if (mkdtemp(striker->directory) == NULL)
		die("%s: %s", striker->directory, strerror(errno));
	snprintf(program, sizeof program, "%s/sallyport", striker->programs);
	snprintf(data, sizeof data, "%s/data", striker->directory);
	char *const argv[] = { "sallyport", "--data", data, "init", NULL };
	if (run(program, argv) != 0)
		die("%s init failed", program);
}

static int take_away(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	return remove(path);
}

static int open_part(const struct striker *striker, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/data/%s", striker->directory, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static int make_part(const struct striker *striker, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/data/%s", striker->directory, name);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		die("%s: %s", path, strerror(errno));
	return open_part(striker, name);
}

static int listen_somewhere(const struct striker *striker, int family)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(family,
		(family == AF_UNIX ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/control", striker->directory);
	if (family == AF_UNIX && bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("%s: %s", address.sun_path, strerror(errno));
	if (listen(fd, 64) < 0)
		die("listen: %s", strerror(errno));
	return fd;
}

static void execute(const struct striker *striker, int supervisor)
{
	static char room[160];
	char program[512], name[48];

	memset(room, ' ', sizeof room - 1);
	snprintf(name, sizeof name, "sallyport-%s", party_name(striker->party));
	snprintf(program, sizeof program, "%s/%s", striker->programs, name);
	int high = fcntl(supervisor, F_DUPFD, 20);
	dup2(striker->log, 2);
	dup2(high, SUPERVISOR_FD);
	closefrom(SUPERVISOR_FD + 1);
	execve(program, (char *const[]){ name, room, NULL },
		(char *const[]){ "ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8", NULL });
	_exit(127);
}

#define LAST_WORDS 4096 /* of what it logged, when it ended */
static void alive(struct striker *striker);

static void tell(struct striker *striker, enum msg_type type, const void *payload, int fd)
{
	if (packets_tell(striker->supervisor, type, payload, fd))
		return;
	nanosleep(&(struct timespec){ 1, 0 }, NULL); /* for it to end, and to be asked why */
	alive(striker);
	die("the process closed its supervisor's channel after %llu things",
		(unsigned long long)striker->said);
}

static void give(struct striker *striker, const char *name, int fd)
{
	struct msg_give give;

	memset(&give, 0, sizeof give);
	text_copy(give.name, sizeof give.name, name);
	tell(striker, MSG_GIVE, &give, fd);
	close(fd);
}

static void give_all(struct striker *striker)
{
	switch (striker->party) {
	case PARTY_FRONT:
		give(striker, "listen-0", listen_somewhere(striker, AF_INET));
		give(striker, "tls-cert", open_part(striker, "tls/cert.pem"));
		give(striker, "tls-key", open_part(striker, "tls/key.pem"));
		break;
	case PARTY_BROKER:
		give(striker, "store", open_part(striker, "store"));
		give(striker, "control", listen_somewhere(striker, AF_UNIX));
		break;
	case PARTY_VAULT:
		give(striker, "vault", open_part(striker, "vault"));
		break;
	case PARTY_WITNESS: /* its own, and those of the files it appends to */
		give(striker, "witness", make_part(striker, "witness"));
		give(striker, "witness-file", make_part(striker, "outside"));
		give(striker, "mirror", make_part(striker, "mirror"));
		break;
	default:
		give(striker, "recordings", open_part(striker, "recordings"));
	}
}

/* What it has to say to its supervisor; true when `wanted` was among it. */
static bool hear(struct striker *striker, enum msg_type wanted)
{
	enum msg_type type;
	bool found = false;

	while (packets_hear(striker->supervisor, &type) == 1) {
		striker->told += type == MSG_STRIKE;
		found = found || type == wanted;
	}
	return found;
}

static void alive(struct striker *striker)
{
	int status;

	if (waitpid(striker->pid, &status, WNOHANG) == 0)
		return;
	char text[LAST_WORDS + 1] = "";
	off_t end = lseek(striker->log, 0, SEEK_END);
	ssize_t got =
		pread(striker->log, text, LAST_WORDS, end > LAST_WORDS ? end - LAST_WORDS : 0);
	fprintf(stderr, "%s\n", got > 0 ? text : "");
	for (size_t i = 0; i < MIN(striker->packets.len, 256); i++)
		fprintf(stderr, "%02x", striker->packets.bytes[i]);
	die("\nthe %s ended (status %x) after %llu things, the last one above (%zu bytes, %u "
	    "descriptors)",
		party_name(striker->party), status, (unsigned long long)striker->said,
		striker->packets.len, striker->packets.fd_count);
}

static void wait_for(struct striker *striker, enum msg_type type)
{
	struct pollfd poller = { striker->supervisor, POLLIN, 0 };

	while (!hear(striker, type)) {
		alive(striker);
		if (poll(&poller, 1, PATIENCE_MS) != 1)
			die("no %s", message_name(type));
	}
}

static void start(struct striker *striker)
{
	static struct msg_start start;
	int ends[2];

	if (wire_pair(SOCK_SEQPACKET, ends) < 0)
		die("no socket");
	striker->pid = fork();
	if (striker->pid == 0)
		execute(striker, ends[1]);
	close(ends[1]);
	striker->supervisor = ends[0];
	settings_defaults(&start.settings);
	text_copy(
		start.settings.gateway_log_level, sizeof start.settings.gateway_log_level, "error");
	text_copy(start.format, sizeof start.format, wire_format());
	tell(striker, MSG_START, &start, -1);
	give_all(striker);
	tell(striker, MSG_GO, &(struct msg_nothing){ 0 }, -1);
	wait_for(striker, MSG_READY);
}

/* ---- peers ---- */

static int call_control(const struct striker *striker)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/control", striker->directory);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("control: %s", strerror(errno));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int meet(struct striker *striker, enum party peer)
{
	struct msg_peer word;
	int ends[2];

	if (striker->peers[peer] >= 0)
		return striker->peers[peer];
	if (peer == PARTY_CONTROL) {
		ends[0] = call_control(striker);
	} else {
		if (wire_pair(SOCK_SEQPACKET, ends) < 0)
			die("no socket");
		memset(&word, 0, sizeof word);
		word.party = (uint8_t)peer;
		tell(striker, MSG_PEER, &word, ends[1]);
		close(ends[1]);
	}
	return striker->peers[peer] = ends[0];
}

static void part(struct striker *striker, enum party peer)
{
	fd_closep(&striker->peers[peer]);
}

/* Reads what the process says to its peer; false when it has closed. */
static bool listen_to(struct striker *striker, enum party peer)
{
	enum msg_type type;
	int r;

	while ((r = packets_hear(striker->peers[peer], &type)) == 1)
		;
	return r == 0;
}

static void expect_end(struct striker *striker, enum party peer)
{
	struct pollfd poller = { striker->peers[peer], POLLIN, 0 };

	while (listen_to(striker, peer)) {
		if (poll(&poller, 1, PATIENCE_MS) != 1) {
			alive(striker);
			die("the %s does not close the channel of a %s that said what it may not",
				party_name(striker->party), party_name(peer));
		}
	}
	part(striker, peer);
	striker->refused++;
}

static void strike_once(struct striker *striker, const enum party peers[5])
{
	unsigned count = 0;

	while (count < 5 && peers[count] != PARTY_ANY)
		count++;
	enum party peer = peers[packets_draw(&striker->packets, count)];
	meet(striker, peer);
	bool permitted = packets_make(&striker->packets, peer, striker->party);
	/* It may have been closed for what was said before. */
	bool said = packets_say(&striker->packets, striker->peers[peer]);
	striker->said += said;
	if (said && !permitted)
		expect_end(striker, peer);
	else if (!said || !listen_to(striker, peer) || packets_draw(&striker->packets, 4) == 0)
		part(striker, peer);
	hear(striker, MSG_NONE);
	if (striker->said % 64 == 0)
		alive(striker);
}

/* ---- measures ---- */

static unsigned count_descriptors(pid_t pid)
{
	char path[40];
	unsigned count = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *list = opendir(path);
	while (list != NULL && readdir(list) != NULL)
		count++;
	if (list != NULL)
		closedir(list);
	return count; /* 0: it is hidden from us */
}

static long resident(pid_t pid)
{
	char path[40], text[4096];

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
	fd_closep(&fd);
	text[got > 0 ? got : 0] = '\0';
	const char *line = strstr(text, "VmRSS:");
	return line != NULL ? strtol(line + 6, NULL, 10) : 0;
}

static void part_from_all(struct striker *striker)
{
	for (int party = 0; party < PARTY_COUNT; party++)
		part(striker, (enum party)party);
}

/* Once what was started has come to its end: nobody's left behind. */
static unsigned settled_descriptors(struct striker *striker, unsigned before)
{
	unsigned now = 0;

	for (int i = 0; i < PATIENCE_MS / 50; i++) {
		now = count_descriptors(striker->pid);
		if (now <= before)
			break;
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
		hear(striker, MSG_NONE);
	}
	return now;
}

static void ends_in_order(struct striker *striker)
{
	int status = -1;

	tell(striker, MSG_STOP, &(struct msg_nothing){ 0 }, -1);
	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (waitpid(striker->pid, &status, WNOHANG) == striker->pid)
			break;
		hear(striker, MSG_NONE);
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	if (status != 0)
		die("the %s did not end in order: status %x", party_name(striker->party), status);
}

int main(int argc, char **argv)
{
	static struct striker striker;
	unsigned row = 0;

	while (argc >= 4 && row < ARRAY_LEN(processes) && strcmp(processes[row].name, argv[1]) != 0)
		row++;
	if (argc < 4 || row == ARRAY_LEN(processes)) {
		fputs("usage: striker vault|recorder|broker|front|witness PROGRAMS COUNT [SEED]\n",
			stderr);
		return 2;
	}
	uint64_t count = strtoull(argv[3], NULL, 10);
	uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : (uint64_t)getpid() * 2654435761u;
	striker.party = processes[row].party;
	striker.programs = argv[2];
	packets_seed(&striker.packets, seed);
	printf("%s, seed %llu\n", argv[1], (unsigned long long)seed);
	for (int party = 0; party < PARTY_COUNT; party++)
		striker.peers[party] = -1;
	signal(SIGPIPE, SIG_IGN);
	striker.log = memfd_create("log", MFD_CLOEXEC);
	fcntl(striker.log, F_SETFL, O_APPEND);
	make_installation(&striker);
	start(&striker);
	while (striker.said < MIN(count / 2, WARM_UP))
		strike_once(&striker, processes[row].peers);
	part_from_all(&striker);
	unsigned fds = count_descriptors(striker.pid);
	long memory = resident(striker.pid);
	while (striker.said < count) {
		strike_once(&striker, processes[row].peers);
		if (striker.said % 1024 == 0 && ftruncate(striker.log, 0) < 0)
			die("the log: %s", strerror(errno));
	}
	alive(&striker);
	part_from_all(&striker);
	unsigned fds_after = settled_descriptors(&striker, fds);
	long grown = resident(striker.pid) - memory;
	ends_in_order(&striker);
	nftw(striker.directory, take_away, 8, FTW_DEPTH | FTW_PHYS);
	printf("%llu said, %llu refused, %llu told; descriptors %u -> %u, memory %+ld KiB\n",
		(unsigned long long)striker.said, (unsigned long long)striker.refused,
		(unsigned long long)striker.told, fds, fds_after, grown);
	if (fds_after > fds + 2 || grown > GROWTH_MOST)
		die("something is left behind");
	if (striker.party != PARTY_BROKER && striker.told < striker.refused)
		die("strikes were not told");
	return 0;
}
