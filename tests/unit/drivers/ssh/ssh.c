/* SPDX-License-Identifier: Apache-2.0 */
/* The SSH worker, as built, against real OpenSSH and dropbear servers, and some that are neither.
 */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/hash.h"
#include "base/mem.h"
#include "../play.h"
#include "wire/wire.h"

static const char *const key_types[] = { "ed25519", "ecdsa", "rsa" };
static const char *const key_names[] = { "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa" };

static struct {
	const char *worker;
	char directory[64];
	uint8_t pins[3][HASH_LEN];
	unsigned short port, interactive_port, dropbear_port;
	pid_t sshd, interactive_sshd, dropbear, agent;
	char agent_socket[128];
	struct account account;
	char self[64]; /* who logs in with keys; never root, whose shell may read anything */
	bool root;
} stage;

static void path_of(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", stage.directory, name);
}

static void make_key(const char *name, const char *type)
{
	char path[128];

	path_of(path, name);
	run_program(
		(const char *const[]){ "ssh-keygen", "-q", "-t", type, "-N", "", "-f", path, NULL },
		NULL);
}

/* SHA-256 of the blob in NAME.pub. */
static void read_pin(const char *name, uint8_t pin[HASH_LEN])
{
	char path[128], line[4096], *blob;
	uint8_t bytes[2048];

	snprintf(path, sizeof path, "%s/%s.pub", stage.directory, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	fclose(file);
	blob = strchr(line, ' ') + 1;
	int len = base64_decode(bytes, sizeof bytes, blob, strcspn(blob, " \n"));
	assert_true(len > 0);
	hash_sha256(pin, bytes, (size_t)len);
}

static pid_t start_sshd(const char *name, unsigned short port, const char *lines)
{
	char config[128];

	path_of(config, name);
	write_text(config,
		"Port %u\nListenAddress 127.0.0.1\nHostKey %s/host_ed25519\nHostKey %s/host_ecdsa\n"
		"HostKey %s/host_rsa\nAuthorizedKeysFile %s/authorized\nStrictModes no\n"
		"PidFile none\nPermitRootLogin yes\nPrintMotd no\nPrintLastLog no\n"
		"MaxStartups 100\nBanner %s/banner\n"
		"SetEnv SHLVL=5\nForceCommand exec /bin/bash --noprofile --norc -i\n%s",
		port, stage.directory, stage.directory, stage.directory, stage.directory,
		stage.directory, lines);
	return start_program(
		(const char *const[]){ "/usr/sbin/sshd", "-D", "-e", "-f", config, NULL });
}

static void append_public(const char *name)
{
	char from[128], to[128], line[4096];

	snprintf(from, sizeof from, "%s/%s.pub", stage.directory, name);
	path_of(to, "authorized");
	FILE *in = fopen(from, "r"), *out = fopen(to, "a");
	assert_true(in != NULL && out != NULL && fgets(line, sizeof line, in) != NULL);
	fputs(line, out);
	fclose(in);
	fclose(out);
}

static void start_agent(void)
{
	path_of(stage.agent_socket, "agent");
	stage.agent = start_program(
		(const char *const[]){ "ssh-agent", "-D", "-a", stage.agent_socket, NULL });
	struct stat stat_;
	for (int i = 0; i < 300 && stat(stage.agent_socket, &stat_) < 0; i++)
		usleep(10000);
	setenv("SSH_AUTH_SOCK", stage.agent_socket, 1);
}

static void load_key(const char *name)
{
	char path[128];

	path_of(path, name);
	run_program((const char *const[]){ "ssh-add", "-q", "-D", NULL }, NULL);
	run_program((const char *const[]){ "ssh-add", "-q", path, NULL }, NULL);
}

static void start_dropbear(void)
{
	char path[128], pid_file[128], listen_at[32];

	path_of(path, "dropbear_key");
	path_of(pid_file, "dropbear.pid"); /* it unlinks what stands here */
	run_program(
		(const char *const[]){ "dropbearkey", "-t", "ed25519", "-f", path, NULL }, NULL);
	stage.dropbear_port = free_port();
	snprintf(listen_at, sizeof listen_at, "127.0.0.1:%u", stage.dropbear_port);
	stage.dropbear = start_program((const char *const[]){
		"dropbear", "-F", "-E", "-r", path, "-p", listen_at, "-P", pid_file, NULL });
	wait_port(stage.dropbear_port);
}

static void start_servers(void)
{
	stage.port = free_port();
	stage.sshd =
		start_sshd("plain.conf", stage.port, "UsePAM no\nPasswordAuthentication yes\n");
	wait_port(stage.port);
	start_agent();
	if (!stage.root)
		return;
	account_make(&stage.account);
	text_copy(stage.self, sizeof stage.self, stage.account.name);
	stage.interactive_port = free_port();
	stage.interactive_sshd = start_sshd("interactive.conf", stage.interactive_port,
		"UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n");
	wait_port(stage.interactive_port);
	start_dropbear();
}

static int set_up(void **state)
{
	char path[128], name[32];

	stage.root = getuid() == 0;
	text_copy(stage.self, sizeof stage.self, getpwuid(getuid())->pw_name);
	text_copy(stage.directory, sizeof stage.directory, "/tmp/ssh-live-XXXXXX");
	assert_non_null(mkdtemp(stage.directory));
	chmod(stage.directory, 0755);
	mkdir("/run/sshd", 0755);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "host_%s", key_types[i]);
		make_key(name, key_types[i]);
		read_pin(name, stage.pins[i]);
		snprintf(name, sizeof name, "user_%s", key_types[i]);
		make_key(name, key_types[i]);
		append_public(name);
	}
	path_of(path, "banner");
	write_text(path, "Authorised use only\n\033[31mred\033]0;title\a\n");
	start_servers();
	return 0;
}

static int tear_down(void **state)
{
	stop_program(stage.sshd);
	stop_program(stage.interactive_sshd);
	stop_program(stage.dropbear);
	stop_program(stage.agent);
	if (stage.account.name[0] != '\0')
		account_remove(&stage.account);
	run_program((const char *const[]){ "rm", "-rf", stage.directory, NULL }, NULL);
	return 0;
}

static void pin(struct play *play, int type)
{
	unsigned at = play->birth.pin_count++;

	memcpy(play->birth.pins[at], stage.pins[type], HASH_LEN);
	text_copy(play->birth.pin_algorithms[at], 48, key_names[type]);
}

static void start(struct play *play, unsigned short port)
{
	play_start(play, stage.worker, play_dial(port));
}

/* A server that is not root can hand out a terminal only where it is born in the group "tty". */
static bool terminals_work(void)
{
	CLEANUP(fd_closep) int fd = posix_openpt(O_RDWR | O_NOCTTY);
	const struct group *group = getgrnam("tty");
	struct stat terminal;

	if (stage.root)
		return true;
	return fd >= 0 && grantpt(fd) == 0 && group != NULL && stat(ptsname(fd), &terminal) == 0 &&
	       terminal.st_gid == group->gr_gid;
}

static void with_key(struct play *play, const char *key)
{
	if (!terminals_work())
		skip();
	play_init(play, "ssh", stage.self);
	pin(play, 0);
	play->birth.kind = SECRET_SSH_KEY;
	play->vault_double = VAULT_KEY;
	play->agent_socket = stage.agent_socket;
	load_key(key);
}

static void with_password(struct play *play)
{
	if (!stage.root)
		skip();
	play_init(play, "ssh", stage.account.name);
	pin(play, 0);
	play->secret = stage.account.password;
}

static void finish_well(struct play *play)
{
	play_finish(play);
	assert_int_equal(play->wait_status, 0);
}

static void password_opens_a_shell(void **state)
{
	struct play play;

	with_password(&play);
	start(&play, stage.port);
	assert_true(play_live(&play, 10000));
	assert_int_equal(play.asked, 1);
	assert_memory_equal(play.proof, stage.pins[0], HASH_LEN);
	assert_memory_equal(play.states.data, "\x01\x02\x03", 3);
	assert_true(play_shows(&play, "Authorised use only\r\n?[31mred?]0;title?\r\n", 2000));
	play_type(&play, "echo $USER in $TERM; tty; stty size\r");
	assert_true(play_shows(&play, "in xterm-256color\r\n/dev/pts/", 5000));
	assert_true(play_shows(&play, "30 100\r\n", 5000));
	assert_int_equal(play.columns, 100);
	play_resize(&play, 132, 43);
	play_type(&play, "sleep 0.2; stty size\r");
	assert_true(play_shows(&play, "43 132\r\n", 5000));
	assert_int_equal(play.columns, 132);
	assert_int_equal(play.rows, 43);
	play_type(&play, "exit 7\r");
	assert_true(play_over(&play, 5000));
	assert_int_equal(play.why, 0);
	assert_int_equal(play.exit_status, 7);
	assert_string_equal(play.words, "The session on db1 ended with exit status 7.");
	assert_null(memmem(play.text.data, play.text.len, stage.account.password,
		strlen(stage.account.password)));
	finish_well(&play);
}

static void keyboard_interactive_opens_a_shell(void **state)
{
	struct play play;

	with_password(&play);
	start(&play, stage.interactive_port);
	assert_true(play_live(&play, 10000));
	play_type(&play, "exit\r");
	assert_true(play_over(&play, 5000));
	assert_int_equal(play.exit_status, 0);
	finish_well(&play);
}

static void keys_open_a_shell(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct play play;
		char name[32];

		snprintf(name, sizeof name, "user_%s", key_types[i]);
		with_key(&play, name);
		start(&play, stage.port);
		assert_true(play_live(&play, 10000));
		assert_int_equal(play.signed_count, 1);
		play_type(&play, "exit\r");
		assert_true(play_over(&play, 5000));
		finish_well(&play);
	}
}

/* Whatever method was agreed, the vault sees whose session a login is for. */
static void every_key_exchange_is_shown(void **state)
{
	static const char *const methods[] = { "curve25519-sha256", "curve25519-sha256@libssh.org",
		"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
		"diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512",
		"diffie-hellman-group18-sha512", "diffie-hellman-group-exchange-sha256" };

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		unsigned short port = free_port();
		struct play play;
		char lines[128];

		with_key(&play, "user_ed25519");
		snprintf(lines, sizeof lines, "KexAlgorithms %s\n", methods[i]);
		pid_t sshd = start_sshd("exchange.conf", port, lines);
		wait_port(port);
		start(&play, port);
		if (!play_live(&play, 10000))
			fail_msg("%s: %s", methods[i], play.words);
		assert_int_equal(play.signed_count, 1);
		finish_well(&play);
		stop_program(sshd);
	}
}

static void the_pinned_key_type_is_negotiated(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct play play;

		with_key(&play, "user_ed25519");
		play.birth.pin_count = 0;
		pin(&play, i);
		start(&play, stage.port);
		assert_true(play_live(&play, 10000));
		assert_memory_equal(play.proof, stage.pins[i], HASH_LEN);
		finish_well(&play);
	}
}

static void a_changed_host_key_is_told_and_the_vault_never_asked(void **state)
{
	struct play play;

	play_init(&play, "ssh", stage.self);
	play.secret = "canary";
	pin(&play, 0);
	play.birth.pins[0][5] ^= 1;
	start(&play, stage.port);
	assert_true(play_over(&play, 10000));
	assert_int_equal(play.why, -ERR_HOST_KEY_CHANGED);
	assert_int_equal(play.asked, 0);
	assert_non_null(strstr(play.words, "has changed: it shows ssh-ed25519 SHA256:"));
	finish_well(&play);
}

static void an_unpinned_host_key_is_told_and_the_vault_never_asked(void **state)
{
	struct play play;

	play_init(&play, "ssh", stage.self);
	play.secret = "canary";
	start(&play, stage.port);
	assert_true(play_over(&play, 10000));
	assert_int_equal(play.why, -ERR_HOST_KEY_UNKNOWN);
	assert_int_equal(play.asked, 0);
	finish_well(&play);
}

static void a_wrong_password_is_refused(void **state)
{
	for (int interactive = 0; interactive <= 1; interactive++) {
		struct play play;

		with_password(&play);
		play.secret = "not the password";
		start(&play, interactive ? stage.interactive_port : stage.port);
		assert_true(play_over(&play, 15000));
		assert_int_equal(play.why, -ERR_LOGIN_REFUSED);
		finish_well(&play);
	}
}

static void a_key_the_target_does_not_know_is_refused(void **state)
{
	struct play play;

	with_key(&play, "host_ed25519");
	start(&play, stage.port);
	assert_true(play_over(&play, 10000));
	assert_int_equal(play.why, -ERR_LOGIN_REFUSED);
	assert_int_equal(play.signed_count, 0);
	finish_well(&play);
}

static void a_password_is_no_use_where_keys_are_wanted(void **state)
{
	struct play play;

	with_key(&play, "user_ed25519");
	play.birth.kind = SECRET_PASSWORD;
	play.vault_double = VAULT_PASSWORD;
	play.secret = "x";
	unsigned short port = free_port();
	pid_t sshd = start_sshd("keys.conf", port,
		"UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n");
	wait_port(port);
	start(&play, port);
	assert_true(play_over(&play, 10000));
	stop_program(sshd);
	assert_int_equal(play.why, -ERR_LOGIN_REFUSED);
	assert_string_equal(play.words, "db1 accepts keys; the stored credential is a password.");
	finish_well(&play);
}

static void the_vault_may_refuse(void **state)
{
	struct play play;

	play_init(&play, "ssh", stage.self);
	pin(&play, 0);
	play.vault_double = VAULT_REFUSES;
	start(&play, stage.port);
	assert_true(play_over(&play, 10000));
	assert_int_equal(play.why, -ERR_CREDENTIAL_NO_ACCESS);
	finish_well(&play);
	play_init(&play, "ssh", stage.self);
	pin(&play, 0);
	play.vault_double = VAULT_HANGS_UP;
	start(&play, stage.port);
	assert_true(play_over(&play, 10000));
	assert_int_equal(play.why, -ERR_GATEWAY_RESTARTED);
	finish_well(&play);
}

static void a_silent_vault_ends_at_the_login_timeout(void **state)
{
	struct play play;

	play_init(&play, "ssh", stage.self);
	pin(&play, 0);
	play.vault_double = VAULT_SILENT;
	play.birth.login_timeout = 2;
	start(&play, stage.port);
	assert_true(play_over(&play, 4000));
	assert_int_equal(play.why, -ERR_TARGET_SILENT);
	finish_well(&play);
}

static void a_signal_is_told(void **state)
{
	struct play play;

	with_key(&play, "user_ed25519");
	start(&play, stage.port);
	assert_true(play_live(&play, 10000));
	play_type(&play, "kill -KILL $$\r");
	assert_true(play_over(&play, 5000));
	assert_int_equal(play.why, 0);
	assert_int_equal(play.exit_status, -1);
	assert_string_equal(play.words, "The session on db1 was ended by signal KILL.");
	finish_well(&play);
}

/* What the worker's parent in the target looks like is not ours; that the shell dies is. */
static void without_its_recorder_everything_stops(void **state)
{
	struct play play;
	char *place;

	with_key(&play, "user_ed25519");
	start(&play, stage.port);
	assert_true(play_live(&play, 10000));
	play_type(&play, "printf 'sh%s=%d.' ell $$\r");
	assert_true(play_shows(&play, "shell=", 5000));
	place = memmem(play.text.data, play.text.len, "shell=", 6);
	pid_t shell = (pid_t)strtol(place + 6, NULL, 10);
	assert_int_equal(kill(shell, 0), 0);
	play_finish(&play);
	for (int i = 0; i < 500 && kill(shell, 0) == 0; i++)
		usleep(10000);
	assert_int_equal(kill(shell, 0), -1);
}

static void the_person_may_end_it(void **state)
{
	struct play play;

	with_key(&play, "user_ed25519");
	start(&play, stage.port);
	assert_true(play_live(&play, 10000));
	play_frame(&play, VIEW_END, NULL, 0);
	assert_true(play_over(&play, 3000));
	assert_int_equal(play.why, 0);
	finish_well(&play);
}

static void reports_come_from_the_table(void **state)
{
	static const uint8_t cursor[8] = { REPORT_CURSOR, 0, 0xff, 0xff, 7, 0, 0, 0 };
	struct play play;

	with_key(&play, "user_ed25519");
	start(&play, stage.port);
	assert_true(play_live(&play, 10000));
	play_type(&play, "stty -echo; read -d R x; printf 'got:%q:\\n' \"$x\"; echo ready\r");
	usleep(500000);
	play_frame(&play, VIEW_REPORT, cursor, sizeof cursor);
	assert_true(play_shows(&play, "got:$'\\E[30;7':", 5000));
	finish_well(&play);
}

static bool much_text(struct play *play, const void *context)
{
	return play->text.len >= *(const size_t *)context || play->ended;
}

/* The recorder stops reading: the worker stops reading its target, grows no more, loses nothing. */
static void a_slow_recorder_slows_the_target(void **state)
{
	static const size_t total = 24u * 1024 * 1024;
	struct play play;
	long before, after;

	with_key(&play, "user_ed25519");
	start(&play, stage.port);
	assert_true(play_live(&play, 10000));
	before = play_memory_kib(&play, "Private_Dirty");
	play_type(&play, "stty -onlcr; head -c 25165824 /dev/zero | tr '\\0' 'x'; exit 3\r");
	play.hold = true;
	usleep(1500000);
	after = play_memory_kib(&play, "Private_Dirty");
	assert_true(after - before < 4096);
	play.hold = false;
	assert_true(play_until(&play, much_text, &total, 60000));
	assert_true(play_over(&play, 10000));
	assert_int_equal(play.exit_status, 3);
	size_t count = 0;
	for (size_t i = 0; i < play.text.len; i++)
		count += play.text.data[i] == 'x';
	assert_in_range(count, total, total + 100);
	finish_well(&play);
}

/* Keys get through a flood, and the worker survives a paste larger than any window. */
static void input_passes_a_flood_and_large_pastes_arrive(void **state)
{
	struct play play;
	char *paste = malloc(60000);

	with_key(&play, "user_ed25519");
	start(&play, stage.port);
	assert_true(play_live(&play, 10000));
	play_type(&play, "yes\r");
	assert_true(play_shows(&play, "y\r\ny\r\n", 5000));
	play_type(&play, "\003");
	play_type(&play, "echo mar''ker\r");
	assert_true(play_shows(&play, "marker", 10000));
	play_type(&play, "stty -icanon -echo; head -c 600000 | wc -c\r");
	usleep(500000);
	memset(paste, 'p', 60000);
	for (int i = 0; i < 10; i++) {
		int flags = fcntl(play.view, F_GETFL);

		fcntl(play.view, F_SETFL, flags & ~O_NONBLOCK);
		play_frame(&play, VIEW_PASTE, paste, 60000);
		fcntl(play.view, F_SETFL, flags);
	}
	assert_true(play_shows(&play, "600000\r\n", 20000));
	free(paste);
	finish_well(&play);
}

static void dropbear_works_too(void **state)
{
	struct play play;

	with_password(&play);
	play.birth.probe = 1;
	start(&play, stage.dropbear_port);
	uint8_t packet[8192];
	struct message message;
	for (int i = 0; i < 500; i++) {
		ssize_t n = recv(play.view, packet, sizeof packet, MSG_DONTWAIT);

		if (n > 0) {
			assert_int_equal(wire_permit(PARTY_WORKER, PARTY_BROKER, packet, (size_t)n,
						 0, &message),
				0);
			break;
		}
		assert_true(i < 499);
		usleep(10000);
	}
	const struct msg_probe *probe = message.payload;
	assert_int_equal(probe->result, 0);
	assert_string_equal(probe->algorithm, "ssh-ed25519");
	uint8_t hash[HASH_LEN];
	hash_sha256(hash, probe->blob, probe->blob_len);
	finish_well(&play);
	with_password(&play);
	play.birth.pin_count = 1;
	memcpy(play.birth.pins[0], hash, HASH_LEN);
	start(&play, stage.dropbear_port);
	assert_true(play_live(&play, 10000));
	play_type(&play, "exit 4\r");
	assert_true(play_over(&play, 5000));
	assert_int_equal(play.exit_status, 4);
	finish_well(&play);
}

/* A target that is none: connects, says `words`, then waits or hangs up. */
static pid_t start_liar(const char *words, size_t len, bool hang_up, unsigned short *ret_port)
{
	int listener = listen_on(ret_port);
	pid_t pid = fork_child();

	if (pid == 0) {
		int fd = accept(listener, NULL, NULL);

		if (write(fd, words, len) < 0 || hang_up)
			_exit(0);
		for (char byte; read(fd, &byte, 1) > 0;)
			;
		_exit(0);
	}
	close(listener);
	return pid;
}

static void liars_end_their_own_session_with_clear_words(void **state)
{
	static const struct {
		const char *words;
		size_t len;
		bool hang_up;
		int why;
	} liars[] = {
		{ "", 0, false, ERR_TARGET_SILENT },
		{ "", 0, true, ERR_TARGET_GONE },
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", 28, false, ERR_TARGET_SILENT },
		{ "SSH-1.5-old\r\n", 13, false, ERR_PROTOCOL_FAULT },
		{ "SSH-2.0-liar\r\n", 14, true, ERR_TARGET_GONE },
		{ "SSH-2.0-liar\r\n\xff\xff\xff\xff\x05garbage", 26, false, ERR_PROTOCOL_FAULT },
		{ "SSH-2.0-liar\r\n\0\0\0\x0c\x0a\x14garbage garbage", 34, false, 0 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(liars); i++) {
		struct play play;
		unsigned short port;
		pid_t liar = start_liar(liars[i].words, liars[i].len, liars[i].hang_up, &port);

		play_init(&play, "ssh", "root");
		pin(&play, 0);
		play.birth.login_timeout = 1;
		start(&play, port);
		assert_true(play_over(&play, 5000));
		if (liars[i].why != 0 && play.why != -liars[i].why)
			fail_msg("liar %u: %s %s", i, error_name(play.why), play.words);
		assert_true(play.why < 0);
		assert_int_equal(play.asked, 0);
		finish_well(&play);
		stop_program(liar);
	}
}

static void bad_frames_end_the_session(void **state)
{
	struct play play;

	with_key(&play, "user_ed25519");
	start(&play, stage.port);
	assert_true(play_live(&play, 10000));
	/* Text comes from targets, never from the recorder. */
	play_frame(&play, VIEW_TEXT, "x", 1);
	assert_true(play_over(&play, 3000));
	assert_int_equal(play.why, -ERR_MALFORMED);
	finish_well(&play);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_opens_a_shell),
		cmocka_unit_test(keyboard_interactive_opens_a_shell),
		cmocka_unit_test(keys_open_a_shell),
		cmocka_unit_test(every_key_exchange_is_shown),
		cmocka_unit_test(the_pinned_key_type_is_negotiated),
		cmocka_unit_test(a_changed_host_key_is_told_and_the_vault_never_asked),
		cmocka_unit_test(an_unpinned_host_key_is_told_and_the_vault_never_asked),
		cmocka_unit_test(a_wrong_password_is_refused),
		cmocka_unit_test(a_key_the_target_does_not_know_is_refused),
		cmocka_unit_test(a_password_is_no_use_where_keys_are_wanted),
		cmocka_unit_test(the_vault_may_refuse),
		cmocka_unit_test(a_silent_vault_ends_at_the_login_timeout),
		cmocka_unit_test(a_signal_is_told),
		cmocka_unit_test(without_its_recorder_everything_stops),
		cmocka_unit_test(the_person_may_end_it),
		cmocka_unit_test(reports_come_from_the_table),
		cmocka_unit_test(a_slow_recorder_slows_the_target),
		cmocka_unit_test(input_passes_a_flood_and_large_pastes_arrive),
		cmocka_unit_test(dropbear_works_too),
		cmocka_unit_test(liars_end_their_own_session_with_clear_words),
		cmocka_unit_test(bad_frames_end_the_session),
	};

	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	stage.worker = argv[1];
	return cmocka_run_group_tests_name("drivers/ssh/ssh", tests, set_up, tear_down);
}
