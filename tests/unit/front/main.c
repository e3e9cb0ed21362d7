/* SPDX-License-Identifier: Apache-2.0 */
/* The executable itself, started as its supervisor does. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "wire/format.h"
#include "gateway.h"

struct running {
	struct gateway gateway;
	struct channel *supervisor;
	pid_t pid;
	bool ready, gone;
};

static int on_word(void *context, struct channel *channel, struct message *message)
{
	struct running *running = context;
	running->ready |= message->type == MSG_READY;
	return 0;
}

static void on_end(void *context, struct channel *channel)
{
	struct running *running = context;
	running->gone = true;
}

static void give(struct running *running, const char *name, int fd)
{
	struct msg_give message;
	memset(&message, 0, sizeof message);
	text_copy(message.name, sizeof message.name, name);
	assert_int_equal(
		channel_send(running->supervisor, MSG_GIVE, 0, &message, NULL, 0, &fd, 1), 0);
	close(fd);
}

static void introduce(struct running *running, uint32_t uid)
{
	static struct msg_start start;
	static const struct msg_nothing nothing;
	struct msg_peer peer = { .party = PARTY_BROKER };
	int certificate, key, broker = gateway_broker_end(&running->gateway);
	gateway_identity(&certificate, &key);
	text_copy(start.format, sizeof start.format, wire_format());
	start.settings = running->gateway.settings;
	start.uid = uid;
	channel_tell(running->supervisor, MSG_START, &start);
	give(running, "tls-cert", certificate);
	give(running, "tls-key", key);
	give(running, "listen-0", gateway_listener(&running->gateway));
	channel_send(running->supervisor, MSG_PEER, 0, &peer, NULL, 0, &broker, 1);
	close(broker);
	channel_tell(running->supervisor, MSG_GO, &nothing);
}

static void start(struct running *running, uint32_t uid)
{
	static char room[128];
	int pair[2];
	memset(running, 0, sizeof *running);
	memset(room, ' ', sizeof room - 1);
	gateway_begin(&running->gateway);
	assert_int_equal(wire_pair(SOCK_SEQPACKET, pair), 0);
	running->pid = fork();
	if (running->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pair[1], 3);
		execl(FRONT, FRONT, room, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	assert_int_equal(channel_create(running->gateway.loop, pair[0], PARTY_SUPERVISOR,
				 PARTY_FRONT, on_word, on_end, running, &running->supervisor),
		0);
	introduce(running, uid);
	for (int i = 0; i < 2500 && !running->ready && !running->gone; i++)
		gateway_turn(&running->gateway);
	assert_true(running->ready);
}

static void finish(struct running *running)
{
	static const struct msg_nothing nothing;
	int status = -1;
	channel_tell(running->supervisor, MSG_STOP, &nothing);
	for (int i = 0; i < 2500 && !running->gone; i++)
		gateway_turn(&running->gateway);
	assert_int_equal(waitpid(running->pid, &status, 0), running->pid);
	assert_int_equal(status, 0);
	channel_destroy(running->supervisor);
	gateway_end(&running->gateway);
}

static void read_proc(const struct running *running, const char *name, char *out, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)running->pid, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t len = fread(out, 1, size - 1, file);
	out[len] = '\0';
	fclose(file);
}

static void expect_walls(const struct running *running)
{
	char status[8192];
	read_proc(running, "status", status, sizeof status);
	assert_non_null(strstr(status, "Seccomp:\t2"));
	assert_non_null(strstr(status, "NoNewPrivs:\t1"));
}

static void expect_title(struct running *running, const char *title)
{
	char shown[256] = "";
	for (int i = 0; i < 1500 && strcmp(shown, title) != 0; i++) {
		gateway_turn(&running->gateway);
		read_proc(running, "cmdline", shown, sizeof shown);
	}
	assert_string_equal(shown, title);
}

/* Everything it does, behind its walls: a call outside of them would have killed it. */
static void serve(struct running *running)
{
	struct gateway *gateway = &running->gateway;
	ASSERT_STARTS(exchange(gateway, "GET /healthz HTTP/1.1\r\n" HOST LAST), "HTTP/1.1 200 ");
	const char *text = exchange(gateway,
		"POST /api/1?a=b HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
		"Content-Length: 7\r\n" LAST "{\"c\":1}");
	ASSERT_HOLDS(text, "<1 /api/1 1:a=b;3:c=1;>");
	ASSERT_STARTS(exchange(gateway, "GET\n"), "HTTP/1.1 400 ");
	gateway->manner = HOLDS;
	ASSERT_STARTS(exchange(gateway, "GET /modulos/auth HTTP/1.1\r\n" HOST LAST), "HTTP/1.1 ");
}

static void test_serves(void **state)
{
	struct running running;
	struct client client;
	start(&running, 0);
	expect_walls(&running);
	expect_title(&running, "sallyport-front: 0 connections");
	serve(&running);
	assert_true(client_open(&running.gateway, &client));
	expect_title(&running, "sallyport-front: 1 connection");
	client_close(&client);
	finish(&running);
}

static void test_gives_root_away(void **state)
{
	struct running running;
	char status[8192];
	if (geteuid() != 0)
		skip();
	start(&running, 61801);
	read_proc(&running, "status", status, sizeof status);
	assert_non_null(strstr(status, "Uid:\t61801\t61801\t61801\t61801"));
	assert_non_null(strstr(status, "CapEff:\t0000000000000000"));
	serve(&running);
	finish(&running);
}

/* Without its supervisor it says what to read, and does not start. */
static void test_alone(void **state)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		for (int fd = 2; fd < 16; fd++)
			close(fd);
		execl(FRONT, FRONT, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves),
		cmocka_unit_test(test_gives_root_away),
		cmocka_unit_test(test_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
