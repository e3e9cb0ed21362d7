/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The login, against a server made for it: it asks what this test tells it to ask, and writes down
 * what it was told. OpenSSH's own server is in ssh.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "../play.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/mem.h"

#define SECRET "s3cret-canary"
#define ROUNDS_MAX 8
#define PROMPTS_MAX 3

struct round {
	const char *prompts[PROMPTS_MAX];
	char echo[PROMPTS_MAX];
};

/* What the server does. */
struct manners {
	int methods;                     /* SSH_AUTH_METHOD_... it lists */
	int accepts;                     /* with which it lets in */
	int partial;                     /* with which it wants one more */
	struct round rounds[ROUNDS_MAX]; /* of keyboard-interactive */
	unsigned round_count;
	bool opens_channels; /* X11, agent, forwarded port */
};

static struct {
	const char *worker;
	ssh_key host_key;
	uint8_t pin[HASH_LEN];
} stage;

/* The server's side: one connection, then over. Everything it hears goes to `told`. */
struct server {
	const struct manners *manners;
	int told;
	ssh_session session;
	ssh_channel channel;
	unsigned round;
	bool in;
};

static void tell(struct server *server, const char *what, const char *value)
{
	dprintf(server->told, "%s=%s\n", what, value);
}

static void ask_round(struct server *server, ssh_message message)
{
	const struct round *round = &server->manners->rounds[server->round++];
	unsigned count = 0;
	char echo[PROMPTS_MAX];

	while (count < PROMPTS_MAX && round->prompts[count] != NULL)
		count++;
	memcpy(echo, round->echo, sizeof echo);
	ssh_message_auth_interactive_request(
		message, "", "", count, (const char **)round->prompts, echo);
}

static void let_in(struct server *server, ssh_message message, int method)
{
	if (server->manners->partial & method) {
		ssh_message_auth_set_methods(message, SSH_AUTH_METHOD_INTERACTIVE);
		ssh_message_auth_reply_success(message, 1);
	} else if (server->manners->accepts & method) {
		ssh_message_auth_reply_success(message, 0);
		server->in = true;
	} else {
		ssh_message_reply_default(message);
	}
}

static void on_interactive(struct server *server, ssh_message message)
{
	if (ssh_message_auth_kbdint_is_response(message)) {
		for (int i = 0; i < ssh_userauth_kbdint_getnanswers(server->session); i++)
			tell(server, "answer",
				ssh_userauth_kbdint_getanswer(server->session, (unsigned)i));
		tell(server, "round", "answered");
	}
	if (server->round < server->manners->round_count)
		ask_round(server, message);
	else
		let_in(server, message, SSH_AUTH_METHOD_INTERACTIVE);
}

static void on_auth(struct server *server, ssh_message message)
{
	int method = ssh_message_subtype(message);

	ssh_message_auth_set_methods(message, server->manners->methods);
	if (method == SSH_AUTH_METHOD_INTERACTIVE) {
		on_interactive(server, message);
		return;
	}
	if (method == SSH_AUTH_METHOD_PASSWORD) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
		tell(server, "password", ssh_message_auth_password(message));
#pragma GCC diagnostic pop
	}
	let_in(server, message, method);
}

static void try_channel(struct server *server, const char *name, int (*open)(ssh_channel channel))
{
	ssh_channel channel = ssh_channel_new(server->session);

	tell(server, name, open(channel) == SSH_OK ? "OPEN" : "refused");
}

static int open_x11(ssh_channel channel)
{
	return ssh_channel_open_x11(channel, "127.0.0.1", 6000);
}

static int open_forward(ssh_channel channel)
{
	return ssh_channel_open_reverse_forward(channel, "127.0.0.1", 22, "127.0.0.1", 22);
}

static void on_shell(struct server *server)
{
	if (server->manners->opens_channels) {
		try_channel(server, "x11", open_x11);
		try_channel(server, "agent", ssh_channel_open_auth_agent);
		try_channel(server, "forward", open_forward);
	}
	ssh_channel_write(server->channel, "welcome\r\n", 9);
	ssh_channel_request_send_exit_status(server->channel, 5);
	ssh_channel_send_eof(server->channel);
	ssh_channel_close(server->channel);
	ssh_blocking_flush(server->session, 1000);
}

static void on_message(struct server *server, ssh_message message)
{
	int type = ssh_message_type(message), what = ssh_message_subtype(message);

	if (type == SSH_REQUEST_AUTH) {
		on_auth(server, message);
	} else if (type == SSH_REQUEST_CHANNEL_OPEN && what == SSH_CHANNEL_SESSION) {
		server->channel = ssh_message_channel_request_open_reply_accept(message);
	} else if (type == SSH_REQUEST_CHANNEL && what == SSH_CHANNEL_REQUEST_PTY) {
		ssh_message_channel_request_reply_success(message);
	} else if (type == SSH_REQUEST_CHANNEL && what == SSH_CHANNEL_REQUEST_SHELL) {
		ssh_message_channel_request_reply_success(message);
		on_shell(server);
	} else if (type == SSH_REQUEST_SERVICE) {
		ssh_message_service_reply_success(message);
	} else {
		ssh_message_reply_default(message);
	}
}

static void serve(struct server *server, int listener)
{
	int fd = accept(listener, NULL, NULL);
	ssh_bind bind = ssh_bind_new();

	ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, ssh_key_dup(stage.host_key));
	server->session = ssh_new();
	if (ssh_bind_accept_fd(bind, server->session, fd) != SSH_OK ||
		ssh_handle_key_exchange(server->session) != SSH_OK)
		_exit(1);
	for (ssh_message message; (message = ssh_message_get(server->session)) != NULL;) {
		on_message(server, message);
		ssh_message_free(message);
	}
	_exit(0);
}

struct visit {
	struct play play;
	pid_t server;
	int told_fd;
	char told[4096];
};

static void visit(struct visit *visit, const struct manners *manners)
{
	unsigned short port;
	int listener = listen_on(&port), pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	visit->server = fork_child();
	if (visit->server == 0) {
		struct server server = { .manners = manners, .told = pipe_fds[1] };

		serve(&server, listener);
	}
	close(listener);
	close(pipe_fds[1]);
	visit->told_fd = pipe_fds[0];
	play_init(&visit->play, "ssh", "root");
	visit->play.secret = SECRET;
	visit->play.birth.pin_count = 1;
	memcpy(visit->play.birth.pins[0], stage.pin, HASH_LEN);
	play_start(&visit->play, stage.worker, play_dial(port));
}

static void leave(struct visit *visit)
{
	size_t len = 0;

	play_finish(&visit->play);
	assert_int_equal(visit->play.wait_status, 0);
	waitpid(visit->server, NULL, 0);
	for (ssize_t n;
		(n = read(visit->told_fd, visit->told + len, sizeof visit->told - 1 - len)) > 0;)
		len += (size_t)n;
	visit->told[len] = '\0';
	close(visit->told_fd);
}

static void let_in_with(const struct manners *manners, const char *told)
{
	struct visit v;

	visit(&v, manners);
	assert_true(play_live(&v.play, 10000));
	assert_true(play_over(&v.play, 10000));
	assert_int_equal(v.play.why, 0);
	assert_int_equal(v.play.exit_status, 5);
	assert_non_null(memmem(v.play.text.data, v.play.text.len, "welcome", 7));
	leave(&v);
	assert_string_equal(v.told, told);
}

static void turned_away_with(const struct manners *manners, const char *words, const char *told)
{
	struct visit v;

	visit(&v, manners);
	assert_true(play_over(&v.play, 10000));
	assert_int_equal(v.play.why, -ERR_LOGIN_REFUSED);
	assert_string_equal(v.play.words, words);
	leave(&v);
	assert_string_equal(v.told, told);
}

static void a_password(void **state)
{
	let_in_with(&(struct manners){ .methods = SSH_AUTH_METHOD_PASSWORD,
			    .accepts = SSH_AUTH_METHOD_PASSWORD },
		"password=" SECRET "\n");
}

static void no_lock_no_key(void **state)
{
	let_in_with(&(struct manners){ .accepts = SSH_AUTH_METHOD_NONE }, "");
}

static void a_password_prompt(void **state)
{
	let_in_with(
		&(struct manners){ .methods = SSH_AUTH_METHOD_INTERACTIVE,
			.accepts = SSH_AUTH_METHOD_INTERACTIVE,
			.rounds = { { { "(root@db1) Password: " }, { 0 } }, { { NULL }, { 0 } } },
			.round_count = 2 },
		"answer=" SECRET "\nround=answered\nround=answered\n");
}

static void the_secret_answers_no_other_question(void **state)
{
	static const struct {
		const char *prompt;
		char echo;
		const char *shown;
	} rows[] = {
		{ "Verification code: ", 0, "Verification code: " },
		{ "Password: ", 1, "Password: " },
		{ "New password: ", 0, "New password: " },
		{ "One-time password for root: ", 0, "One-time password for root: " },
		{ "\033]0;x\aYour code:", 0, "?]0;x?Your code:" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct manners manners = { .methods = SSH_AUTH_METHOD_INTERACTIVE,
			.accepts = SSH_AUTH_METHOD_INTERACTIVE,
			.round_count = 1 };
		char words[200];

		manners.rounds[0].prompts[0] = rows[i].prompt;
		manners.rounds[0].echo[0] = rows[i].echo;
		snprintf(words, sizeof words, "db1 asks \"%s\", which the vault has no answer to.",
			rows[i].shown);
		turned_away_with(&manners, words, "");
	}
}

static void nor_is_it_given_beside_one(void **state)
{
	turned_away_with(
		&(struct manners){ .methods = SSH_AUTH_METHOD_INTERACTIVE,
			.accepts = SSH_AUTH_METHOD_INTERACTIVE,
			.rounds = { { { "Password: ", "Verification code: " }, { 0, 0 } } },
			.round_count = 1 },
		"db1 asks \"Verification code: \", which the vault has no answer to.", "");
}

static void it_is_given_once(void **state)
{
	turned_away_with(
		&(struct manners){ .methods = SSH_AUTH_METHOD_INTERACTIVE,
			.rounds = { { { "Password: " }, { 0 } }, { { "Password: " }, { 0 } } },
			.round_count = 2 },
		"db1 refused the login as root.", "answer=" SECRET "\nround=answered\n");
}

static void questions_have_an_end(void **state)
{
	/* Eight empty rounds, and then a ninth without end. */
	struct manners manners = { .methods = SSH_AUTH_METHOD_INTERACTIVE,
		.round_count = ROUNDS_MAX };

	turned_away_with(&manners, "db1 refused the login as root.",
		"round=answered\nround=answered\nround=answered\nround=answered\nround=answered\n"
		"round=answered\nround=answered\nround=answered\n");
}

static void a_second_proof_is_more_than_we_have(void **state)
{
	turned_away_with(&(struct manners){ .methods = SSH_AUTH_METHOD_PASSWORD,
				 .partial = SSH_AUTH_METHOD_PASSWORD },
		"db1 wants a second proof that the vault does not hold.", "password=" SECRET "\n");
}

static void a_target_that_knows_no_passwords(void **state)
{
	turned_away_with(&(struct manners){ .methods = SSH_AUTH_METHOD_HOSTBASED },
		"db1 accepts neither passwords nor keys; the stored credential is a password.", "");
}

static void a_target_opens_no_channels_to_us(void **state)
{
	let_in_with(&(struct manners){ .methods = SSH_AUTH_METHOD_PASSWORD,
			    .accepts = SSH_AUTH_METHOD_PASSWORD,
			    .opens_channels = true },
		"password=" SECRET "\nx11=refused\nagent=refused\nforward=refused\n");
}

static int set_up(void **state)
{
	uint8_t blob[512];
	char *text;

	assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &stage.host_key), SSH_OK);
	assert_int_equal(ssh_pki_export_pubkey_base64(stage.host_key, &text), SSH_OK);
	int len = base64_decode(blob, sizeof blob, text, strlen(text));
	assert_true(len > 0);
	hash_sha256(stage.pin, blob, (size_t)len);
	ssh_string_free_char(text);
	return 0;
}

static int tear_down(void **state)
{
	ssh_key_free(stage.host_key);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password),
		cmocka_unit_test(no_lock_no_key),
		cmocka_unit_test(a_password_prompt),
		cmocka_unit_test(the_secret_answers_no_other_question),
		cmocka_unit_test(nor_is_it_given_beside_one),
		cmocka_unit_test(it_is_given_once),
		cmocka_unit_test(questions_have_an_end),
		cmocka_unit_test(a_second_proof_is_more_than_we_have),
		cmocka_unit_test(a_target_that_knows_no_passwords),
		cmocka_unit_test(a_target_opens_no_channels_to_us),
	};

	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	stage.worker = argv[1];
	return cmocka_run_group_tests_name("drivers/ssh/login", tests, set_up, tear_down);
}
