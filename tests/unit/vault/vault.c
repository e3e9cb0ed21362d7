/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <sys/socket.h>

static void read_proc(const struct running *running, const char *name, char *out, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)running->pid, name);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t n = read(fd, out, size - 1);
	out[n < 0 ? 0 : n] = '\0';
	close(fd);
}

static void expect_title(const struct running *running, const char *want)
{
	char title[256];
	read_proc(running, "cmdline", title, sizeof title);
	assert_string_equal(title, want);
}

static void test_walls(void **state)
{
	struct running running;
	char status[8192];
	running_begin(&running);
	expect_title(&running, "sallyport-vault: key 1");
	read_proc(&running, "status", status, sizeof status);
	assert_non_null(strstr(status, "Seccomp:\t2"));
	assert_non_null(strstr(status, "NoNewPrivs:\t1"));
	running_finish(&running);
}

static void test_another_user_in_a_chroot(void **state)
{
	struct running running = { 0 };
	char pem[512], status[8192];
	static const char *const names[] = { "root.key", "keyring" };
	const uint32_t uid = 61803;
	if (geteuid() != 0)
		skip();
	fixture_begin(&running.f);
	assert_int_equal(running_init(&running.f, NULL, pem), 0);
	assert_int_equal(fchown(running.f.directory, uid, uid), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(fchownat(running.f.directory, names[i], uid, uid, 0), 0);
	running_start(&running, uid);
	read_proc(&running, "status", status, sizeof status);
	assert_non_null(strstr(status, "Uid:\t61803\t61803\t61803\t61803"));
	/* It may still write its own files, from in there. */
	struct msg_vault_state vault = running_state(&running, MSG_ROTATE, NULL);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.key_version, 2);
	expect_title(&running, "sallyport-vault: key 2");
	running_stop(&running);
	running_start(&running, uid);
	vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.key_version, 2);
	running_finish(&running);
}

static void test_sealed_start(void **state)
{
	struct running running = { 0 };
	char pem[512];
	fixture_begin(&running.f);
	assert_int_equal(running_init(&running.f, "correct horse", pem), 0);
	running_start(&running, 0);
	expect_title(&running, "sallyport-vault: sealed");
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.sealed, 1);
	assert_int_equal(vault.key_version, 0);
	vault = running_state(&running, MSG_ROTATE, NULL);
	assert_int_equal(vault.result, -ERR_SEALED);

	struct msg_seal question = { .identity = fixture_identity(1, 1), .kind = SECRET_PASSWORD };
	struct message reply;
	int fd = running_pipe("x", 1);
	running_ask(&running, MSG_SEAL, &question, NULL, 0, fd, MSG_SEALED, &reply);
	assert_int_equal(((const struct msg_sealed *)reply.payload)->result, -ERR_SEALED);
	message_finish(&reply);
	close(fd);

	vault = running_state(&running, MSG_UNSEAL, "wrong horse\n");
	assert_int_equal(vault.result, -ERR_PASSPHRASE_WRONG);
	assert_int_equal(vault.sealed, 1);
	vault = running_state(&running, MSG_UNSEAL, "correct horse\n");
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.sealed, 0);
	assert_int_equal(vault.key_version, 1);
	expect_title(&running, "sallyport-vault: key 1");
	vault = running_state(&running, MSG_UNSEAL, "correct horse\n");
	assert_int_equal(vault.result, -ERR_WRONG_MOMENT);
	running_finish(&running);
}

static void test_broker_restarts(void **state)
{
	struct running running;
	struct msg_seal question = { .identity = fixture_identity(1, 1), .kind = SECRET_PASSWORD };
	int ends[2];
	running_begin(&running);
	/* A question is under way when the broker dies. */
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(channel_send(running.broker, MSG_SEAL, channel_serial(running.broker),
				 &question, NULL, 0, ends, 1),
		0);
	running_serve(&running, NULL);
	running_new_broker(&running);
	close(ends[1]);
	running_serve(&running, NULL);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.result, 0);
	close(ends[0]);
	running_finish(&running);
}

/* As in a reload: a second broker is there before the first one has gone. Who speaks is the one. */
static void test_next_broker(void **state)
{
	struct running running;
	running_begin(&running);
	struct channel *first = running.broker;
	running.broker = running_next_broker(&running);
	assert_false(running.gone);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.result, 0);
	running_serve(&running, &running.gone); /* the first is let go */
	assert_true(running.gone);
	channel_destroy(first);
	/* And the other way: the first ends, and the second was there all the time. */
	struct channel *second = running.broker;
	struct channel *third = running_next_broker(&running);
	channel_destroy(second);
	running.broker = third;
	running_serve(&running, NULL);
	vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.result, 0);
	running_finish(&running);
}

static void test_retires(void **state)
{
	struct running running;
	struct msg_nothing nothing = { 0 };
	running_begin(&running);
	assert_int_equal(channel_tell(running.supervisor, MSG_FINISH, &nothing), 0);
	running_await_end(&running);
	fixture_finish(&running.f);
}

/* A vault that takes another's place has its keys, and nobody types the passphrase again. */
static void test_inherits(void **state)
{
	struct running running = { 0 }, heir = { 0 };
	running_begin_passphrase(&running, "correct horse");
	/* Sealed as it is, it has nothing to give. */
	heir.f = running.f;
	heir.heritage = running_heritage(&running);
	running_start(&heir, 0);
	expect_title(&heir, "sallyport-vault: sealed");
	running_stop(&heir);
	struct msg_vault_state vault = running_state(&running, MSG_UNSEAL, "correct horse\n");
	assert_int_equal(vault.result, 0);
	heir.heritage = running_heritage(&running);
	running_start(&heir, 0);
	expect_title(&heir, "sallyport-vault: key 1");
	/* As long as both are there the keys stay what they are. */
	vault = running_state(&running, MSG_ROTATE, NULL);
	assert_int_equal(vault.result, -ERR_AGAIN);
	assert_int_equal(vault.key_version, 1);
	vault = running_state(&running, MSG_RETIRE, NULL);
	assert_int_equal(vault.result, -ERR_AGAIN);
	running_stop(&running);
	vault = running_state(&heir, MSG_ROTATE, NULL);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.key_version, 2);
	running_finish(&heir);
}

/* The order to seal reaches the old one, when the new one has its keys already. */
static void test_sealed_on_the_way(void **state)
{
	struct running running = { 0 }, heir = { 0 };
	running_begin_passphrase(&running, "correct horse");
	assert_int_equal(running_state(&running, MSG_UNSEAL, "correct horse\n").result, 0);
	heir.f = running.f;
	heir.heritage = running_heritage(&running);
	running_start(&heir, 0);
	expect_title(&heir, "sallyport-vault: key 1");
	assert_int_equal(running_state(&running, MSG_VAULT_SEAL, NULL).result, 0);
	/* Nor does it open for a vault that is about to end. */
	assert_int_equal(running_state(&running, MSG_UNSEAL, "correct horse\n").result, -ERR_AGAIN);
	running_stop(&running);
	running_new_broker(&heir);
	struct msg_vault_state vault = running_state(&heir, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.sealed, 1);
	assert_int_equal(vault.why, -ERR_SEALED_BY_COMMAND);
	assert_int_equal(running_state(&heir, MSG_UNSEAL, "correct horse\n").result, 0);
	running_finish(&heir);
}

/* heritage: what it is given as "handover", or -1. */
static int status_of_start(const struct fixture *f, int heritage)
{
	struct running running = { .f = *f };
	struct msg_start start = { .uid = 0 };
	struct msg_give give = { .name = "vault" };
	struct msg_nothing nothing = { 0 };
	struct channel *channel;
	int ends[2], status;
	assert_int_equal(loop_create(&running.loop), 0);
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], 3);
		execl(running_program, "sallyport-vault", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	assert_int_equal(channel_create(running.loop, ends[0], PARTY_SUPERVISOR, PARTY_VAULT, NULL,
				 NULL, NULL, &channel),
		0);
	text_copy(start.format, sizeof start.format, wire_format());
	settings_defaults(&start.settings);
	channel_tell(channel, MSG_START, &start);
	channel_send(channel, MSG_GIVE, 0, &give, NULL, 0, &f->directory, 1);
	struct msg_give handover = { .name = "handover" };
	if (heritage >= 0)
		channel_send(channel, MSG_GIVE, 0, &handover, NULL, 0, &heritage, 1);
	fd_closep(&heritage);
	channel_tell(channel, MSG_GO, &nothing);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	channel_destroy(channel);
	loop_destroy(running.loop);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* It rather does not start than to take the place of one whose keys it does not get. */
static void test_a_false_heir_ends(void **state)
{
	struct running running;
	struct fixture other;
	char pem[512];
	running_begin(&running);
	fixture_begin(&other);
	assert_int_equal(running_init(&other, NULL, pem), 0);
	assert_int_equal(status_of_start(&other, running_heritage(&running)), 1);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.result, 0);
	fixture_finish(&other);
	running_finish(&running);
}

static void test_bad_files_stop_the_start(void **state)
{
	struct fixture f;
	char pem[512];
	fixture_begin(&f);
	assert_int_equal(status_of_start(&f, -1), 1); /* nothing there */
	assert_int_equal(running_init(&f, NULL, pem), 0);
	assert_int_equal(fchmodat(f.directory, "root.key", 0644, 0), 0);
	assert_int_equal(status_of_start(&f, -1), 1);
	assert_int_equal(fchmodat(f.directory, "root.key", 0600, 0), 0);
	assert_int_equal(unlinkat(f.directory, "releases.log", 0), 0);
	assert_int_equal(mkdirat(f.directory, "releases.log", 0700), 0);
	assert_int_equal(status_of_start(&f, -1), 1);
	assert_int_equal(unlinkat(f.directory, "releases.log", AT_REMOVEDIR), 0);
	fixture_finish(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walls),
		cmocka_unit_test(test_another_user_in_a_chroot),
		cmocka_unit_test(test_sealed_start),
		cmocka_unit_test(test_broker_restarts),
		cmocka_unit_test(test_next_broker),
		cmocka_unit_test(test_retires),
		cmocka_unit_test(test_inherits),
		cmocka_unit_test(test_sealed_on_the_way),
		cmocka_unit_test(test_a_false_heir_ends),
		cmocka_unit_test(test_bad_files_stop_the_start),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
