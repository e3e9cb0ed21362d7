/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "vault/opening.c"

/* --- what waits how long -------------------------------------------------------------------- */

static void test_waiting_doubles(void **state)
{
	static const unsigned least[] = { 0, 900, 1900, 3900, 7900, 15900, 31900, 59900, 59900 };
	struct opening opening = { 0 };
	for (unsigned i = 0; i < ARRAY_LEN(least); i++) {
		count_wrong(&opening);
		uint32_t wait = opening_wait(&opening);
		assert_true(wait >= least[i] && wait <= least[i] + 100);
	}
	opening.wrong = UINT32_MAX - 3;
	for (unsigned i = 0; i < 3; i++) {
		count_wrong(&opening);
		assert_true(opening_wait(&opening) <= OPENING_WAIT_MOST_MS);
		assert_true(opening_wait(&opening) > OPENING_WAIT_MOST_MS - 100);
	}
}

static void test_what_counts_as_a_guess(void **state)
{
	assert_true(guessed_wrong(-ERR_PASSPHRASE_WRONG));
	assert_true(guessed_wrong(-ERR_PIN_WRONG));
	assert_true(guessed_wrong(-ERR_PIN_WRONG_LAST));
	assert_false(guessed_wrong(-ERR_TOKEN_ABSENT));
	assert_false(guessed_wrong(-ERR_PIN_HELD));
	assert_false(guessed_wrong(0));
}

/* --- a passphrase --------------------------------------------------------------------------- */

static void test_passphrase_is_throttled(void **state)
{
	struct running running = { 0 };
	running_begin_passphrase(&running, "correct horse");
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.sealed, 1);
	assert_int_equal(vault.source, SOURCE_PASSPHRASE);
	assert_int_equal(vault.wants, WANTS_PASSPHRASE);
	assert_int_equal(vault.why, -ERR_PASSPHRASE_WANTED);
	vault = running_state(&running, MSG_UNSEAL, NULL);
	assert_int_equal(vault.result, -ERR_PASSPHRASE_WANTED);
	vault = running_state(&running, MSG_UNSEAL, "wrong");
	assert_int_equal(vault.result, -ERR_PASSPHRASE_WRONG);
	assert_int_equal(vault.why, -ERR_PASSPHRASE_WRONG);
	assert_int_equal(vault.wait_ms, 0);
	vault = running_state(&running, MSG_UNSEAL, "wrong");
	assert_int_equal(vault.result, -ERR_PASSPHRASE_WRONG);
	assert_true(vault.wait_ms > 0);
	/* The right one is not looked at either: nobody learns which it was. */
	vault = running_state(&running, MSG_UNSEAL, "correct horse");
	assert_int_equal(vault.result, -ERR_THROTTLED);
	assert_int_equal(vault.sealed, 1);
	uint64_t until = clock_monotonic_ms() + vault.wait_ms;
	while (clock_monotonic_ms() <= until)
		running_serve(&running, NULL);
	vault = running_state(&running, MSG_UNSEAL, "correct horse\n");
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.sealed, 0);
	assert_int_equal(vault.why, 0);
	assert_int_equal(vault.oldest_version, 1);
	running_finish(&running);
}

/* Two at once: the second is looked at after the first, as if it had come after it. */
static void test_two_passphrases_at_once(void **state)
{
	struct running running = { 0 };
	int slow[2];
	running_begin_passphrase(&running, "correct horse");
	assert_int_equal(pipe2(slow, O_CLOEXEC), 0);
	assert_int_equal(write(slow[1], "correct", 7), 7);
	assert_int_equal(channel_send(running.broker, MSG_UNSEAL, 77, &(struct msg_nothing){ 0 },
				 NULL, 0, &slow[0], 1),
		0);
	running.waits_for = 77;
	struct msg_vault_state vault = running_state(&running, MSG_UNSEAL, "correct horse");
	assert_int_equal(vault.result, 0);
	assert_int_equal(write(slow[1], " horse", 6), 6);
	close(slow[1]);
	running_serve(&running, &running.answered);
	assert_int_equal(running.answer.result, -ERR_WRONG_MOMENT);
	assert_int_equal(running.answer.sealed, 0);
	close(slow[0]);
	running_finish(&running);
}

/* --- by command ----------------------------------------------------------------------------- */

static void expect_sealed_by_command(struct running *running)
{
	struct msg_seal question = { .identity = fixture_identity(1, 1), .kind = SECRET_PASSWORD };
	struct message reply;
	struct msg_vault_state vault = running_state(running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.sealed, 1);
	assert_int_equal(vault.why, -ERR_SEALED_BY_COMMAND);
	assert_int_equal(vault.key_version, 0);
	int fd = running_pipe("x", 1);
	running_ask(running, MSG_SEAL, &question, NULL, 0, fd, MSG_SEALED, &reply);
	assert_int_equal(((const struct msg_sealed *)reply.payload)->result, -ERR_SEALED);
	message_finish(&reply);
	close(fd);
}

static void test_seal_holds_through_restarts(void **state)
{
	struct running running;
	running_begin(&running);
	assert_int_equal(running.state.sealed, 0); /* said unasked, to every new broker */
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_SEAL, NULL);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.wants, WANTS_NOTHING);
	expect_sealed_by_command(&running);
	assert_int_equal(running_state(&running, MSG_ROTATE, NULL).result, -ERR_SEALED);
	assert_int_equal(
		running_state(&running, MSG_VAULT_SEAL, NULL).result, 0); /* again is fine */
	running_stop(&running);
	running_start(&running, 0);
	expect_sealed_by_command(&running);
	assert_int_equal(running.state.sealed, 1);
	vault = running_state(&running, MSG_UNSEAL, NULL);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.key_version, 1);
	assert_false(fixture_has(&running.f, "sealed"));
	assert_int_equal(running_state(&running, MSG_UNSEAL, NULL).result, -ERR_WRONG_MOMENT);
	running_stop(&running);
	running_start(&running, 0);
	assert_int_equal(running_state(&running, MSG_VAULT_STATUS, NULL).sealed, 0);
	running_finish(&running);
}

/* The key went while it was sealed: the reason is said, and nothing dies of it. */
static void test_unseal_without_its_root_key(void **state)
{
	struct running running;
	uint8_t key[64];
	running_begin(&running);
	running_state(&running, MSG_VAULT_SEAL, NULL);
	size_t len = fixture_read(&running.f, "root.key", key, sizeof key);
	unlinkat(running.f.directory, "root.key", 0);
	struct msg_vault_state vault = running_state(&running, MSG_UNSEAL, NULL);
	assert_int_equal(vault.result, -ERR_ROOT_KEY_MISSING);
	key[0] ^= 1;
	fixture_write(&running.f, "root.key", key, len, 0600);
	vault = running_state(&running, MSG_UNSEAL, NULL);
	assert_int_equal(vault.result, -ERR_ROOT_KEY_WRONG);
	assert_int_equal(vault.why, -ERR_ROOT_KEY_WRONG);
	key[0] ^= 1;
	fixture_write(&running.f, "root.key", key, len, 0600);
	assert_int_equal(running_state(&running, MSG_UNSEAL, NULL).result, 0);
	running_finish(&running);
}

/* --- a credential --------------------------------------------------------------------------- */

static int credential(const char *bytes)
{
	int fd = memfd_create("credential", MFD_CLOEXEC);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static const char first_key[] = "0123456789abcdef0123456789abcdef",
		  second_key[] = "fedcba9876543210fedcba9876543210";

static void begin_with_credential(struct running *running, int fd)
{
	char pem[512];
	fixture_begin(&running->f);
	assert_int_equal(running_init_from(&running->f, "systemd-credential", fd, -1, pem), 0);
	assert_false(fixture_has(&running->f, "root.key"));
}

static void test_credential_opens_at_the_start(void **state)
{
	struct running running = { 0 };
	int fd = credential(first_key);
	begin_with_credential(&running, fd);
	running.given[0].name = "root-key";
	running.given[0].fd = fd;
	running_start(&running, 0);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.sealed, 0);
	assert_int_equal(vault.source, SOURCE_CREDENTIAL);
	running_state(&running, MSG_VAULT_SEAL, NULL);
	assert_int_equal(running_state(&running, MSG_UNSEAL, NULL).result, 0);
	running_finish(&running);
	close(fd);
}

static void test_credential_that_is_missing_or_wrong(void **state)
{
	struct running running = { 0 };
	int right = credential(first_key), wrong = credential(second_key);
	begin_with_credential(&running, right);
	running_start(&running, 0);
	assert_int_equal(
		running_state(&running, MSG_VAULT_STATUS, NULL).why, -ERR_ROOT_KEY_MISSING);
	running_stop(&running);
	running.given[0].name = "root-key";
	running.given[0].fd = wrong;
	running_start(&running, 0);
	assert_int_equal(running_state(&running, MSG_VAULT_STATUS, NULL).why, -ERR_ROOT_KEY_WRONG);
	running_finish(&running);
	close(right);
	close(wrong);
}

/* --- a token -------------------------------------------------------------------------------- */

static int held_token(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	if (!question->automatic)
		return running_honest_token(running, question, ret_answer);
	ret_answer->result = -ERR_PIN_HELD;
	return 0;
}

static int other_token(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	running_honest_token(running, question, ret_answer);
	ret_answer->bytes[0] ^= 1;
	return 0;
}

static int dying_token(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	return 2;
}

static void test_token_with_a_stored_pin(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	running_begin_token(&running, &settings, "/somewhere/pin");
	/* Open before it said that it is ready. */
	assert_int_equal(running.state.sealed, 0);
	assert_int_equal(running.token_starts, 1);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.sealed, 0);
	assert_int_equal(vault.source, SOURCE_TOKEN);
	assert_int_equal(vault.wants, WANTS_NOTHING);
	running_state(&running, MSG_VAULT_SEAL, NULL);
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, NULL).result, 0);
	assert_string_equal(running.pin, "");
	running_finish(&running);
}

static void test_token_that_waits_for_its_pin(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	running_begin_token(&running, &settings, "ask");
	assert_int_equal(running.token_starts, 0);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.why, -ERR_PIN_WANTED);
	assert_int_equal(vault.wants, WANTS_PIN);
	assert_int_equal(running_state(&running, MSG_UNSEAL, NULL).result, -ERR_PIN_WANTED);
	assert_int_equal(running.token_starts, 0);
	/* One try for one command, whatever comes of it. */
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, "999").result, -ERR_PIN_WRONG);
	assert_int_equal(running.token_starts, 1);
	assert_string_equal(running.pin, "999");
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	assert_int_equal(running.token_starts, 2);
	running_finish(&running);
}

static void test_token_that_held_the_stored_pin_back(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	running_begin_token(&running, &settings, "/somewhere/pin");
	running_state(&running, MSG_VAULT_SEAL, NULL);
	running.token = held_token;
	struct msg_vault_state vault = running_state_later(&running, MSG_UNSEAL, NULL);
	assert_int_equal(vault.result, -ERR_PIN_HELD);
	assert_int_equal(vault.wants, WANTS_PIN);
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	running_finish(&running);
}

static void test_token_that_is_another(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	running_begin_token(&running, &settings, "ask");
	running.token = other_token;
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result,
		-ERR_TOKEN_KEY_WRONG);
	running.token = dying_token;
	struct msg_vault_state vault = running_state_later(&running, MSG_UNSEAL, RUNNING_PIN);
	assert_int_equal(vault.result, -ERR_TOKEN_SILENT);
	assert_int_equal(vault.why, -ERR_TOKEN_SILENT);
	running.token = NULL; /* the supervisor cannot start it */
	assert_int_equal(
		running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, -ERR_TOKEN_UNSET);
	running.token = running_honest_token;
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	running_finish(&running);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiting_doubles),
		cmocka_unit_test(test_what_counts_as_a_guess),
		cmocka_unit_test(test_passphrase_is_throttled),
		cmocka_unit_test(test_two_passphrases_at_once),
		cmocka_unit_test(test_seal_holds_through_restarts),
		cmocka_unit_test(test_unseal_without_its_root_key),
		cmocka_unit_test(test_credential_opens_at_the_start),
		cmocka_unit_test(test_credential_that_is_missing_or_wrong),
		cmocka_unit_test(test_token_with_a_stored_pin),
		cmocka_unit_test(test_token_that_waits_for_its_pin),
		cmocka_unit_test(test_token_that_held_the_stored_pin_back),
		cmocka_unit_test(test_token_that_is_another),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
