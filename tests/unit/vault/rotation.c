/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <sys/mman.h>
#include <sys/socket.h>

/* An envelope of "secret", sealed under whatever is newest. Its length. */
static size_t seal(struct running *running, uint8_t envelope[SEALED_MAX])
{
	struct msg_seal question = { .identity = fixture_identity(1, 1), .kind = SECRET_PASSWORD };
	struct message reply;
	int fd = running_pipe("secret", 6);
	running_ask(running, MSG_SEAL, &question, NULL, 0, fd, MSG_SEALED, &reply);
	assert_int_equal(((const struct msg_sealed *)reply.payload)->result, 0);
	size_t len = reply.tail_len;
	memcpy(envelope, reply.tail, len);
	message_finish(&reply);
	close(fd);
	return len;
}

static int rewrap(struct running *running, uint8_t envelope[SEALED_MAX], size_t len)
{
	struct msg_seal question = { .identity = fixture_identity(1, 1), .kind = SECRET_PASSWORD };
	struct message reply;
	running_ask(running, MSG_REWRAP, &question, envelope, len, -1, MSG_SEALED, &reply);
	int r = ((const struct msg_sealed *)reply.payload)->result;
	if (r == 0)
		memcpy(envelope, reply.tail, len);
	message_finish(&reply);
	return r;
}

static void test_old_keys_are_erased_when_it_is_said(void **state)
{
	struct running running;
	uint8_t old[SEALED_MAX], brought[SEALED_MAX];
	running_begin(&running);
	size_t len = seal(&running, old);
	struct msg_vault_state vault = running_state(&running, MSG_ROTATE, NULL);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.key_version, 2);
	assert_int_equal(vault.oldest_version, 1);
	memcpy(brought, old, len);
	assert_int_equal(rewrap(&running, brought, len), 0);
	vault = running_state(&running, MSG_RETIRE, NULL);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.oldest_version, 2);
	/* Under the old key nothing opens, not even after a restart: it is nowhere. */
	for (unsigned i = 0; i < 2; i++) {
		uint8_t copy[SEALED_MAX];
		memcpy(copy, old, len);
		assert_int_equal(rewrap(&running, copy, len), -ERR_CRYPTO);
		memcpy(copy, brought, len);
		assert_int_equal(rewrap(&running, copy, len), 0);
		running_stop(&running);
		running_start(&running, 0);
	}
	running_finish(&running);
}

static void give(struct running *running, const uint8_t *envelope, size_t len, int *ret_worker)
{
	struct msg_grant facts = { .session = 7,
		.identity = fixture_identity(1, 1),
		.kind = SECRET_PASSWORD,
		.username = "root",
		.session_id = "00112233445566778899aabbccddeeff00112233",
		.target = "db1" };
	int ends[2];
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	assert_int_equal(channel_send(running->broker, MSG_SECRET_GRANT, 5, &facts, envelope, len,
				 &ends[0], 1),
		0);
	close(ends[0]);
	*ret_worker = ends[1];
}

/* A login that holds an envelope of before is let through; then the key goes. */
static void test_a_login_under_way_holds_the_key(void **state)
{
	struct running running;
	uint8_t old[SEALED_MAX];
	int worker;
	running_begin(&running);
	size_t len = seal(&running, old);
	give(&running, old, len, &worker);
	assert_int_equal(running_state(&running, MSG_ROTATE, NULL).result, 0);
	struct msg_vault_state vault = running_state(&running, MSG_RETIRE, NULL);
	assert_int_equal(vault.result, -ERR_AGAIN);
	assert_int_equal(vault.oldest_version, 1);
	close(worker);
	running_serve(&running, NULL);
	vault = running_state(&running, MSG_RETIRE, NULL);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.oldest_version, 2);
	running_finish(&running);
}

static void test_a_new_root_key_with_each_rotation(void **state)
{
	struct running running;
	uint8_t before[64], after[64];
	running_begin(&running);
	size_t len = fixture_read(&running.f, "root.key", before, sizeof before);
	assert_int_equal(running_state(&running, MSG_ROTATE, NULL).result, 0);
	assert_int_equal(fixture_read(&running.f, "root.key", after, sizeof after), len);
	assert_memory_not_equal(before, after, len);
	assert_false(fixture_has(&running.f, "root.key.new"));
	/* The old one opens nothing any more. */
	fixture_write(&running.f, "root.key", before, len, 0600);
	running_state(&running, MSG_VAULT_SEAL, NULL);
	assert_int_equal(running_state(&running, MSG_UNSEAL, NULL).result, -ERR_ROOT_KEY_WRONG);
	fixture_write(&running.f, "root.key", after, len, 0600);
	assert_int_equal(running_state(&running, MSG_UNSEAL, NULL).result, 0);
	running_finish(&running);
}

static void test_a_passphrase_stays_or_changes(void **state)
{
	struct running running = { 0 };
	char pem[512];
	fixture_begin(&running.f);
	assert_int_equal(running_init(&running.f, "correct horse", pem), 0);
	running_start(&running, 0);
	assert_int_equal(running_state(&running, MSG_ROTATE, NULL).result, -ERR_SEALED);
	assert_int_equal(running_state(&running, MSG_UNSEAL, "correct horse").result, 0);
	assert_int_equal(running_state(&running, MSG_ROTATE, NULL).key_version, 2);
	running_state(&running, MSG_VAULT_SEAL, NULL);
	assert_int_equal(running_state(&running, MSG_UNSEAL, "correct horse").result, 0);
	struct msg_vault_state vault = running_state(&running, MSG_ROTATE, "another horse\n");
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.key_version, 3);
	running_state(&running, MSG_VAULT_SEAL, NULL);
	assert_int_equal(
		running_state(&running, MSG_UNSEAL, "correct horse").result, -ERR_PASSPHRASE_WRONG);
	assert_int_equal(running_state(&running, MSG_UNSEAL, "another horse").key_version, 3);
	running_finish(&running);
}

static int credential(const char *bytes)
{
	int fd = memfd_create("credential", MFD_CLOEXEC);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	return fd;
}

/* The one that comes next is taken by the rotation; either opens until the first is replaced. */
static void test_the_credential_that_comes_next(void **state)
{
	struct running running = { 0 };
	char pem[512];
	int first = credential("0123456789abcdef0123456789abcdef"),
	    next = credential("fedcba9876543210fedcba9876543210");
	fixture_begin(&running.f);
	assert_int_equal(running_init_from(&running.f, "systemd-credential", first, -1, pem), 0);
	running.given[0].name = "root-key";
	running.given[0].fd = first;
	running.given[1].name = "root-key-next";
	running.given[1].fd = next;
	running_start(&running, 0);
	assert_int_equal(running_state(&running, MSG_ROTATE, NULL).key_version, 2);
	running_stop(&running);
	running_start(&running, 0);
	assert_int_equal(running_state(&running, MSG_VAULT_STATUS, NULL).key_version, 2);
	running_stop(&running);
	running.given[0].fd = next;
	running.given[1].name = NULL;
	running_start(&running, 0);
	assert_int_equal(running_state(&running, MSG_VAULT_STATUS, NULL).key_version, 2);
	/* Without a next one it stays. */
	assert_int_equal(running_state(&running, MSG_ROTATE, NULL).key_version, 3);
	running_finish(&running);
	close(first);
	close(next);
}

static int wrong_token(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	ret_answer->result = -ERR_TOKEN_ABSENT;
	return 0;
}

static void test_a_token_wraps_the_new_key(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	uint8_t before[512], after[512];
	running_begin_token(&running, &settings, "ask");
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	size_t len = fixture_read(&running.f, "keyring", before, sizeof before);
	assert_int_equal(running_state(&running, MSG_ROTATE, NULL).result, -ERR_PIN_WANTED);
	assert_int_equal(running_state_later(&running, MSG_ROTATE, "999").result, -ERR_PIN_WRONG);
	running.token = wrong_token;
	assert_int_equal(
		running_state_later(&running, MSG_ROTATE, RUNNING_PIN).result, -ERR_TOKEN_ABSENT);
	/* Nothing happened so far. */
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.key_version, 1);
	assert_int_equal(fixture_read(&running.f, "keyring", after, sizeof after), len);
	assert_memory_equal(before, after, len);
	running.token = running_honest_token;
	vault = running_state_later(&running, MSG_ROTATE, RUNNING_PIN);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.key_version, 2);
	fixture_read(&running.f, "keyring", after, sizeof after);
	assert_memory_not_equal(before + 96, after + 96, 32); /* what the token wrapped */
	assert_memory_not_equal(before + 24, after + 24, 16); /* the salt */
	running_stop(&running);
	running_start(&running, 0);
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).key_version, 2);
	running_finish(&running);
}

static int slow_token(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	return 1; /* says nothing */
}

/* While a token takes its time, the vault serves; one question is asked at a time. */
static void test_a_slow_token_holds_nobody_up(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	uint8_t envelope[SEALED_MAX];
	running_begin_token(&running, &settings, "ask");
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	running.token = slow_token;
	int fd = running_pipe(RUNNING_PIN, 4);
	running.waits_for = 77;
	running.answered = false;
	assert_int_equal(channel_send(running.broker, MSG_ROTATE, 77, &(struct msg_nothing){ 0 },
				 NULL, 0, &fd, 1),
		0);
	running_serve(&running, NULL);
	assert_false(running.answered);
	assert_true(seal(&running, envelope) > 0);
	assert_int_equal(running_state(&running, MSG_ROTATE, RUNNING_PIN).result, -ERR_AGAIN);
	/* Sealed meanwhile: the rotation ends, whatever the token says. */
	assert_int_equal(running_state(&running, MSG_VAULT_SEAL, NULL).result, 0);
	running_serve(&running, &running.answered);
	assert_int_equal(running.answer.result, -ERR_SEALED);
	close(fd);
	running_finish(&running);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_keys_are_erased_when_it_is_said),
		cmocka_unit_test(test_a_login_under_way_holds_the_key),
		cmocka_unit_test(test_a_new_root_key_with_each_rotation),
		cmocka_unit_test(test_a_passphrase_stays_or_changes),
		cmocka_unit_test(test_the_credential_that_comes_next),
		cmocka_unit_test(test_a_token_wraps_the_new_key),
		cmocka_unit_test(test_a_slow_token_holds_nobody_up),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
