/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "wire/process.c"

#define PATIENCE_MS 20000

/* A process of the gateway in a fork; this test is its supervisor. */
struct birth {
	pid_t pid;
	struct loop *loop;
	struct channel *channel; /* to the process */
	int words;               /* what it says of itself */
	bool ready, gone;
	struct msg_strike strike; /* the last one told */
};

static int on_word(void *context, struct channel *channel, struct message *message)
{
	struct birth *birth = context;

	birth->ready |= message->type == MSG_READY;
	if (message->type == MSG_STRIKE) {
		birth->strike = *(const struct msg_strike *)message->payload;
		loop_stop(birth->loop);
	}
	return 0;
}

static void on_end(void *context, struct channel *channel)
{
	((struct birth *)context)->gone = true;
}

static void say(int out, const char *format, ...)
{
	char words[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	if (write(out, words, strlen(words)) < 0)
		_exit(9);
}

static struct process living;

/* Hears nothing from anybody. */
static int on_recorder(void *context, struct channel *channel, struct message *message)
{
	return message->type == MSG_RECORDING_CERTIFY ? -ERR_DISK : -ERR_MALFORMED;
}

static void on_recorder_gone(void *context, struct channel *channel)
{
	channel_destroy(channel);
}

static void on_strike_of_ours(void *context, const struct channel *channel, int why)
{
	say(*(int *)context, "struck %s\n", party_name(channel_peer(channel)));
}

static void on_peer(void *context, const struct msg_peer *peer, int fd)
{
	enum party party = (enum party)peer->party;
	struct channel *channel;

	say(*(int *)context, "peer %s\n", party_name(party));
	if (party != PARTY_RECORDER || channel_create(living.loop, fd, PARTY_VAULT, party,
					       on_recorder, on_recorder_gone, NULL, &channel) < 0)
		close(fd);
}

/* What an ordinary process does with what it was given. */
static int live(int out, enum party self)
{
	static char room[] = "sallyport-test\0                                        ";
	char *argv[] = { room, room + 15, NULL };
	char byte = 0;

	process_begin(&living, 2, argv, self);
	say(out, "begun uid %u lifetime %lld %s\n", living.uid,
		(long long)living.settings.ticket_lifetime, room);
	int fd = process_fd(&living, "words");
	say(out, "words %c\n", read(fd, &byte, 1) == 1 ? byte : '?');
	say(out, "again %d other %d\n", process_fd(&living, "words"),
		process_fd(&living, "nothing"));
	process_on_peer(&living, on_peer, &out);
	process_on_strike(&living, on_strike_of_ours);
	return process_run(&living);
}

static void begin(struct birth *birth, enum party self)
{
	int ends[2], out[2];

	*birth = (struct birth){ 0 };
	assert_int_equal(loop_create(&birth->loop), 0);
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	birth->pid = fork();
	assert_true(birth->pid >= 0);
	if (birth->pid == 0) {
		int high = fcntl(ends[1], F_DUPFD, 30), words = fcntl(out[1], F_DUPFD, 40);
		dup2(high, SUPERVISOR_FD);
		closefrom(words + 1);
		close(high);
		for (int fd = 4; fd < words; fd++)
			close(fd);
		_exit(live(words, self));
	}
	close(ends[1]);
	close(out[1]);
	birth->words = out[0];
	assert_int_equal(channel_create(birth->loop, ends[0], PARTY_SUPERVISOR, self, on_word,
				 on_end, birth, &birth->channel),
		0);
}

static void start(struct birth *birth, const char *format)
{
	static struct msg_start start;

	memset(&start, 0, sizeof start);
	settings_defaults(&start.settings);
	start.settings.ticket_lifetime = 77;
	start.uid = 4242;
	text_copy(start.format, sizeof start.format, format);
	assert_int_equal(channel_tell(birth->channel, MSG_START, &start), 0);
}

static void give(struct birth *birth, const char *name, const char *words)
{
	struct msg_give give = { 0 };
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], words, strlen(words)), strlen(words));
	text_copy(give.name, sizeof give.name, name);
	assert_int_equal(channel_send(birth->channel, MSG_GIVE, 0, &give, NULL, 0, &ends[0], 1), 0);
	close(ends[0]);
	close(ends[1]);
}

/* Its end of the peer's channel is returned. */
static int introduce(struct birth *birth, enum party party)
{
	struct msg_peer peer = { .party = (uint8_t)party };
	int ends[2];

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(channel_send(birth->channel, MSG_PEER, 0, &peer, NULL, 0, &ends[0], 1), 0);
	close(ends[0]);
	return ends[1];
}

static void tell(struct birth *birth, enum msg_type type)
{
	struct msg_nothing nothing = { 0 };

	assert_int_equal(channel_tell(birth->channel, type, &nothing), 0);
}

/* Reads what it said until it ended or `last` was said. */
static void listen_until(struct birth *birth, const char *last, char out[1024])
{
	struct pollfd poller = { birth->words, POLLIN, 0 };
	size_t len = 0;

	out[0] = '\0';
	while (last == NULL || strstr(out, last) == NULL) {
		assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
		ssize_t got = read(birth->words, out + len, 1023 - len);
		if (got <= 0)
			break;
		len += (size_t)got;
		out[len] = '\0';
	}
}

static int end(struct birth *birth)
{
	int status;

	channel_destroy(birth->channel);
	assert_int_equal(waitpid(birth->pid, &status, 0), birth->pid);
	close(birth->words);
	loop_destroy(birth->loop);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void takes_what_it_is_given(void **state)
{
	struct birth birth;
	char said[1024];

	begin(&birth, PARTY_VAULT);
	start(&birth, wire_format());
	give(&birth, "other", "o");
	give(&birth, "words", "w");
	close(introduce(&birth, PARTY_BROKER));
	close(introduce(&birth, PARTY_RECORDER));
	tell(&birth, MSG_GO);
	listen_until(&birth, "peer recorder\n", said);
	assert_string_equal(said, "begun uid 4242 lifetime 77 sallyport-vault: starting\nwords w\n"
				  "again -1 other -1\npeer broker\npeer recorder\n");
	close(introduce(&birth, PARTY_BROKER)); /* a broker that was started again */
	listen_until(&birth, "peer broker\n", said);
	assert_string_equal(said, "peer broker\n");
	tell(&birth, MSG_STOP);
	listen_until(&birth, NULL, said);
	assert_int_equal(end(&birth), 0);
}

static void on_ready_or_late(void *context)
{
	loop_stop(((struct birth *)context)->loop);
}

static int on_first_word(void *context, struct channel *channel, struct message *message)
{
	struct birth *birth = context;

	birth->ready |= message->type == MSG_READY;
	loop_stop(birth->loop);
	return 0;
}

static void says_ready_when_it_runs(void **state)
{
	struct birth birth;
	struct timer *timer;
	int fd;

	begin(&birth, PARTY_FRONT);
	fd = dup(channel_fd(birth.channel));
	channel_destroy(birth.channel);
	assert_int_equal(channel_create(birth.loop, fd, PARTY_SUPERVISOR, PARTY_FRONT,
				 on_first_word, on_end, &birth, &birth.channel),
		0);
	start(&birth, wire_format());
	give(&birth, "words", "w");
	tell(&birth, MSG_GO);
	loop_after(birth.loop, PATIENCE_MS, on_ready_or_late, &birth, &timer);
	assert_int_equal(loop_run(birth.loop), 0);
	assert_true(birth.ready);
	tell(&birth, MSG_STOP);
	assert_int_equal(end(&birth), 0);
}

/* A mistake before GO ends the process with status 1, before it says a word. */
static void ends_unborn(struct birth *birth)
{
	char said[1024];

	listen_until(birth, NULL, said);
	assert_string_equal(said, "");
	assert_int_equal(end(birth), 1);
}

static void refuses_another_format(void **state)
{
	struct birth birth;

	begin(&birth, PARTY_VAULT);
	start(&birth, "0123");
	tell(&birth, MSG_GO);
	ends_unborn(&birth);
}

static void refuses_a_format_without_end(void **state)
{
	struct birth birth;
	static struct msg_start start;

	begin(&birth, PARTY_VAULT);
	memset(&start, 'a', sizeof start);
	assert_int_equal(channel_tell(birth.channel, MSG_START, &start), 0);
	ends_unborn(&birth);
}

static void ends_without_start(void **state)
{
	struct birth birth;

	begin(&birth, PARTY_VAULT);
	tell(&birth, MSG_GO);
	ends_unborn(&birth);
}

/* The supervisor dies in the middle of the birth: there is no process with half of its things. */
static void ends_without_go(void **state)
{
	struct birth birth;

	begin(&birth, PARTY_VAULT);
	start(&birth, wire_format());
	give(&birth, "words", "w");
	shutdown(channel_fd(birth.channel), SHUT_RDWR);
	ends_unborn(&birth);
}

static void refuses_more_than_it_can_hold(void **state)
{
	struct birth birth;

	begin(&birth, PARTY_VAULT);
	start(&birth, wire_format());
	for (int i = 0; i < 17; i++)
		give(&birth, "words", "w");
	ends_unborn(&birth);

	begin(&birth, PARTY_VAULT);
	start(&birth, wire_format());
	for (int i = 0; i <= PROCESS_PEERS_MAX; i++)
		close(introduce(&birth, PARTY_BROKER));
	ends_unborn(&birth);
}

static void refuses_a_gift_without_a_descriptor(void **state)
{
	struct birth birth;
	struct msg_give give = { .name = "words" };
	struct msg_peer peer = { .party = PARTY_BROKER };

	begin(&birth, PARTY_VAULT);
	start(&birth, wire_format());
	assert_int_equal(channel_tell(birth.channel, MSG_GIVE, &give), 0);
	ends_unborn(&birth);

	begin(&birth, PARTY_VAULT);
	start(&birth, wire_format());
	assert_int_equal(channel_tell(birth.channel, MSG_PEER, &peer), 0);
	ends_unborn(&birth);
}

/* What only the broker hears ends a process that has no ear for it. */
static void stops_at_words_for_others(void **state)
{
	struct birth birth;
	struct msg_worker_exited exited = { 0 };
	char said[1024];

	begin(&birth, PARTY_BROKER);
	start(&birth, wire_format());
	give(&birth, "words", "w");
	tell(&birth, MSG_GO);
	listen_until(&birth, "again", said);
	assert_int_equal(channel_tell(birth.channel, MSG_WORKER_EXITED, &exited), 0);
	listen_until(&birth, NULL, said);
	assert_int_equal(end(&birth), 0);
}

/* A peer that breaks the rules is told of: to the supervisor, then inside. */
static void strikes_are_told(void **state)
{
	static const struct {
		size_t len;
		uint8_t bytes[64];
		int why;
	} words[] = {
		{ 4, "rude", -ERR_MALFORMED },
		{ 16, { MSG_GO }, -ERR_MALFORMED },
	};
	struct birth birth;
	char said[1024];

	begin(&birth, PARTY_VAULT);
	start(&birth, wire_format());
	give(&birth, "words", "w");
	tell(&birth, MSG_GO);
	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		int peer = introduce(&birth, PARTY_RECORDER);
		assert_int_equal(write(peer, words[i].bytes, words[i].len), words[i].len);
		loop_run(birth.loop);
		assert_int_equal(birth.strike.party, PARTY_RECORDER);
		assert_int_equal(birth.strike.why, words[i].why);
		listen_until(&birth, "struck recorder", said);
		close(peer);
	}
	/* Words that may be said, but could not be heard. */
	struct msg_certify certify = { 0 };
	struct channel *channel;
	int peer = introduce(&birth, PARTY_RECORDER);
	assert_int_equal(channel_create(birth.loop, peer, PARTY_RECORDER, PARTY_VAULT, on_word,
				 on_end, &birth, &channel),
		0);
	assert_int_equal(channel_tell(channel, MSG_RECORDING_CERTIFY, &certify), 0);
	while (birth.strike.why != -ERR_DISK)
		loop_run(birth.loop);
	channel_destroy(channel);
	tell(&birth, MSG_STOP);
	listen_until(&birth, NULL, said);
	assert_int_equal(end(&birth), 0);
}

static void stops_with_its_supervisor(void **state)
{
	struct birth birth;
	char said[1024];

	begin(&birth, PARTY_VAULT);
	start(&birth, wire_format());
	give(&birth, "words", "w");
	tell(&birth, MSG_GO);
	listen_until(&birth, "again", said);
	shutdown(channel_fd(birth.channel), SHUT_RDWR);
	listen_until(&birth, NULL, said);
	assert_int_equal(end(&birth), 0);
}

/* STOP, or the end of the supervisor, right behind GO: handled in the same turn of the loop. */
static void hears_a_stop_behind_go(void **state)
{
	struct birth birth;
	char said[1024];

	for (int gone = 0; gone < 2; gone++) {
		begin(&birth, PARTY_VAULT);
		kill(birth.pid, SIGSTOP);
		start(&birth, wire_format());
		give(&birth, "words", "w");
		tell(&birth, MSG_GO);
		if (gone)
			shutdown(channel_fd(birth.channel), SHUT_WR);
		else
			tell(&birth, MSG_STOP);
		kill(birth.pid, SIGCONT);
		listen_until(&birth, NULL, said);
		assert_non_null(strstr(said, "begun"));
		assert_int_equal(end(&birth), 0);
	}
}

static void on_stop_of_ours(void *context)
{
	*(bool *)context = true;
}

static void stop_is_ours_when_we_ask(void **state)
{
	bool stopped = false;
	struct process process = { .context = &stopped };

	process_on_stop(&process, on_stop_of_ours);
	stop(&process);
	assert_true(stopped);
}

static void does_not_start_alone(void **state)
{
	struct process process;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(SUPERVISOR_FD);
		process_begin(&process, 1, (char *[]){ "x", NULL }, PARTY_VAULT);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);

	pid = fork();
	if (pid == 0) {
		int file = open("/dev/null", O_RDWR);
		dup2(file, SUPERVISOR_FD);
		process_begin(&process, 1, (char *[]){ "x", NULL }, PARTY_VAULT);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void titles_stay_in_their_room(void **state)
{
	char room[] = "name\0....................|";
	char *argv[] = { room, room + 5, NULL };

	room[sizeof room - 2] = '\0'; /* the end of the second argument */
	title_take(2, argv, "sallyport-x");
	process_title("%s", "0123456789012345678901234567890123456789");
	assert_string_equal(room, "sallyport-x: 01234567890");
	assert_int_equal(strlen(room), sizeof room - 3);
	process_title("%s", "");
	assert_string_equal(room, "sallyport-x");
	title.area = NULL;
}

static void knows_levels(void **state)
{
	assert_int_equal(level_from("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(level_from("error"), LOG_LEVEL_ERROR);
	assert_int_equal(level_from("whatever"), LOG_LEVEL_INFO);
}

static void bare_processes_leave_no_core(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit limit;
		process_begin_bare(1, (char *[]){ "x", NULL }, "sallyport-x");
		getrlimit(RLIMIT_CORE, &limit);
		_exit(limit.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0 &&
					signal(SIGPIPE, SIG_DFL) == SIG_IGN && umask(0) == 0077
				? 0
				: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* After process_drop(): what nobody asked for is closed, root is gone, the walls stand. */
static void drops_what_it_does_not_need(void **state)
{
	int out[2], status;
	char said[4] = "";

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct process process = { .uid = geteuid() == 0 ? 4242 : 0, .given_count = 1 };
		process.given[0].fd = open("/dev/null", O_RDONLY);
		int forgotten = process.given[0].fd;
		process_drop(&process, SANDBOX_READER, -1);
		bool closed = fcntl(forgotten, F_GETFD) < 0;
		bool dropped = process.uid == 0 || (getuid() == 4242 && getgid() == 4242);
		say(out[1], "%d%d", closed, dropped);
		syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); /* the wall */
		say(out[1], "!");
		_exit(0);
	}
	close(out[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(out[0], said, sizeof said - 1), 2);
	assert_string_equal(said, "11");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	close(out[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_it_is_given),
		cmocka_unit_test(says_ready_when_it_runs),
		cmocka_unit_test(refuses_another_format),
		cmocka_unit_test(refuses_a_format_without_end),
		cmocka_unit_test(ends_without_start),
		cmocka_unit_test(ends_without_go),
		cmocka_unit_test(refuses_more_than_it_can_hold),
		cmocka_unit_test(refuses_a_gift_without_a_descriptor),
		cmocka_unit_test(stops_at_words_for_others),
		cmocka_unit_test(strikes_are_told),
		cmocka_unit_test(stops_with_its_supervisor),
		cmocka_unit_test(hears_a_stop_behind_go),
		cmocka_unit_test(stop_is_ours_when_we_ask),
		cmocka_unit_test(does_not_start_alone),
		cmocka_unit_test(titles_stay_in_their_room),
		cmocka_unit_test(knows_levels),
		cmocka_unit_test(bare_processes_leave_no_core),
		cmocka_unit_test(drops_what_it_does_not_need),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
