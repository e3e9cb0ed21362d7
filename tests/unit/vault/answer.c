/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"

#include "vault/agent.h"
#include "vault/release.h"
#include "vault/sshwire.h"
#include "wire/recording_key.h"

static void test_seal_and_rewrap(void **state)
{
	struct running running;
	struct message reply;
	struct msg_seal question = question_for(SECRET_PASSWORD);
	running_begin(&running);
	struct sealed sealed = seal(&running, SECRET_PASSWORD, "s3cret\n", 7);
	assert_int_equal(sealed.head.result, 0);
	assert_int_equal(sealed.head.key_version, 1);
	assert_string_equal(sealed.head.detail, "");

	struct msg_vault_state vault = running_state(&running, MSG_ROTATE, NULL);
	assert_int_equal(vault.result, 0);
	assert_int_equal(vault.key_version, 2);
	running_ask(
		&running, MSG_REWRAP, &question, sealed.bytes, sealed.len, -1, MSG_SEALED, &reply);
	struct sealed fresh = sealed_take(&reply);
	assert_int_equal(fresh.head.result, 0);
	assert_int_equal(fresh.head.key_version, 2);
	assert_int_equal(fresh.len, sealed.len);
	question.identity.id++;
	running_ask(
		&running, MSG_REWRAP, &question, sealed.bytes, sealed.len, -1, MSG_SEALED, &reply);
	fresh = sealed_take(&reply);
	assert_int_equal(fresh.head.result, -ERR_CRYPTO);
	assert_int_equal(fresh.len, 0);
	running_finish(&running);
}

static void test_seal_refuses(void **state)
{
	static char much[SECRET_MAX + 2];
	struct running running;
	running_begin(&running);
	memset(much, 'x', sizeof much);
	assert_int_equal(
		seal(&running, SECRET_PASSWORD, "\n", 1).head.result, -ERR_PARAMETER_INVALID);
	assert_int_equal(
		seal(&running, SECRET_PASSWORD, much, sizeof much).head.result, -ERR_TOO_LARGE);
	assert_int_equal(
		seal(&running, SECRET_TOKEN, "mine", 4).head.result, -ERR_PARAMETER_INVALID);
	assert_int_equal(
		seal(&running, SECRET_SSH_KEY, "not a key", 9).head.result, -ERR_KEY_UNREADABLE);
	running_finish(&running);
}

static void test_seal_of_a_key_describes_it(void **state)
{
	struct running running = { 0 };
	char pem[512], text[SECRET_MAX];
	fixture_keygen(&running.f, "ed25519", "256", NULL, "");
	assert_int_equal(running_init(&running.f, NULL, pem), 0);
	running_start(&running, 0);
	size_t len = fixture_read(&running.f, "key", text, sizeof text);
	struct sealed sealed = seal(&running, SECRET_SSH_KEY, text, len);
	assert_int_equal(sealed.head.result, 0);
	assert_memory_equal(sealed.head.detail, "ssh-ed25519 SHA256:", 19);
	running_finish(&running);
}

/* A person who types slowly must not hold up anyone else's session. */
static void test_slow_secret_holds_nobody_up(void **state)
{
	struct running running;
	struct msg_seal question = question_for(SECRET_PASSWORD);
	int ends[2];
	running_begin(&running);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(channel_send(running.broker, MSG_SEAL, channel_serial(running.broker),
				 &question, NULL, 0, ends, 1),
		0);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.result, 0);
	close(ends[0]);
	close(ends[1]);
	running_finish(&running);
}

static void test_new_secrets_check_signatures(void **state)
{
	struct running running;
	char consumer_digits[65], token_digits[65];
	static const char base[] = "POST&https%3A%2F%2Fgate%2Fapi&a%3D1";
	struct msg_signature question = { .sha256 = 1, .base_len = sizeof base - 1 };
	running_begin(&running);
	struct sealed consumer =
		seal_new(&running, "consumer", consumer_digits, &question.consumer);
	struct sealed token = seal_new(&running, "token", token_digits, &question.token);
	assert_string_not_equal(consumer_digits, token_digits);
	question.consumer_len = (uint32_t)consumer.len;
	question.token_len = (uint32_t)token.len;
	signature_make(consumer_digits, token_digits, base, question.signature);
	assert_int_equal(signature_ask(&running, &question, &consumer, &token, base), 0);
	question.signature[4] ^= 1;
	assert_int_equal(signature_ask(&running, &question, &consumer, &token, base),
		-ERR_SIGNATURE_INVALID);
	assert_int_equal(signature_ask(&running, &question, &token, &consumer, base), -ERR_CRYPTO);
	running_finish(&running);
}

static void test_broker_key(void **state)
{
	struct running running;
	struct message reply;
	struct msg_broker_certify question;
	struct certificate certificate = { .purpose = CERTIFICATE_BROKER };
	running_begin(&running);
	memset(&question, 3, sizeof question);
	memcpy(certificate.public_key, question.public_key, 32);
	memcpy(certificate.subject, question.trail, HASH_LEN);
	running_ask(
		&running, MSG_BROKER_CERTIFY, &question, NULL, 0, -1, MSG_BROKER_CERTIFIED, &reply);
	struct msg_broker_certified answer = *(const struct msg_broker_certified *)reply.payload;
	message_finish(&reply);
	assert_int_equal(answer.result, 0);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(
		certificate_verify(&certificate, answer.certificate, vault.installation_public), 0);
	running_finish(&running);
}

/* How often the log of releases says that. */
static unsigned releases_of(const struct running *running, const char *text)
{
	char log[8192] = "";
	unsigned count = 0;
	int fd = openat(running->f.directory, RELEASES_FILE, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, log, sizeof log - 1) > 0);
	close(fd);
	for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

static void test_recordings(void **state)
{
	struct running running;
	struct message reply;
	struct msg_certify question = { .session = 7 };
	struct msg_recording_open open = { .wrapped_len = RECORDING_WRAPPED_LEN };
	uint8_t key[32], back[33];
	int ends[2];
	running_begin(&running);
	memset(key, 9, sizeof key);
	text_copy(question.session_id, sizeof question.session_id, SESSION_ID);
	text_copy(open.session_id, sizeof open.session_id, SESSION_ID);
	running_ask(&running, MSG_RECORDING_CERTIFY, &question, NULL, 0, -1,
		MSG_RECORDING_CERTIFIED, &reply);
	struct msg_certified answer = *(const struct msg_certified *)reply.payload;
	message_finish(&reply);
	assert_int_equal(answer.result, 0);
	struct msg_vault_state vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_memory_equal(vault.recording_public, answer.recording_public, 32);
	struct certificate certificate = { .purpose = CERTIFICATE_RECORDING,
		.key_version = answer.key_version };
	text_copy(certificate.session_id, sizeof certificate.session_id, SESSION_ID);
	assert_int_equal(
		certificate_verify(&certificate, answer.signature, vault.installation_public), 0);

	open.key_version = answer.key_version;
	assert_int_equal(
		recording_key_wrap(SESSION_ID, key, answer.recording_public, open.wrapped), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	running_ask(&running, MSG_RECORDING_OPEN, &open, NULL, 0, ends[1], MSG_RECORDING_OPENED,
		&reply);
	assert_int_equal(((const struct msg_result *)reply.payload)->result, 0);
	message_finish(&reply);
	assert_int_equal(read(ends[0], back, sizeof back), 32);
	assert_memory_equal(key, back, 32);
	open.session_id[0] = 'f';
	running_ask(&running, MSG_RECORDING_OPEN, &open, NULL, 0, ends[1], MSG_RECORDING_OPENED,
		&reply);
	assert_int_equal(((const struct msg_result *)reply.payload)->result, -ERR_CRYPTO);
	message_finish(&reply);
	/* The second key, and a line of its own for it. */
	open.session_id[0] = SESSION_ID[0];
	open.secrets = 1;
	open.wrapped_len = RECORDING_SECRETS_WRAPPED_LEN;
	assert_int_equal(
		recording_secrets_wrap(SESSION_ID, key, answer.recording_public, open.wrapped), 0);
	running_ask(&running, MSG_RECORDING_OPEN, &open, NULL, 0, ends[1], MSG_RECORDING_OPENED,
		&reply);
	assert_int_equal(((const struct msg_result *)reply.payload)->result, 0);
	message_finish(&reply);
	assert_int_equal(read(ends[0], back, sizeof back), 32);
	close(ends[0]);
	close(ends[1]);
	vault = running_state(&running, MSG_VAULT_STATUS, NULL);
	assert_int_equal(vault.releases, 2);
	assert_int_equal(releases_of(&running, "\"what\":\"recording\""), 1);
	assert_int_equal(releases_of(&running, "\"what\":\"recording secrets\""), 1);
	running_finish(&running);
}

/* --- a login, end to end -------------------------------------------------------------------- */

static uint64_t verify_log(struct running *running)
{
	struct msg_vault_state vault = running_state(running, MSG_VAULT_STATUS, NULL);
	uint64_t lines = 0;
	assert_int_equal(fixture_log_check(&running->f, vault.installation_public, &lines), 0);
	return lines;
}

static void test_password_login(void **state)
{
	struct running running;
	uint8_t answer[64];
	running_begin(&running);
	struct sealed sealed = seal(&running, SECRET_PASSWORD, "s3cret", 6);
	int worker = grant(&running, SECRET_PASSWORD, &sealed);
	say_pin(worker, 0xaa);
	serve_until(&running, &running.wanted);
	hear_nothing(&running, worker);
	release(&running);
	assert_int_equal(hear(worker, answer, sizeof answer), 4 + 1 + 4 + 6);
	assert_memory_equal(answer, "\0\0\0\x0b\x06\0\0\0\6s3cret", 15);
	close(worker);
	assert_int_equal(verify_log(&running), 1);
	running_finish(&running);
}

static void test_impostor_gets_nothing(void **state)
{
	struct running running;
	uint8_t answer[64];
	running_begin(&running);
	struct sealed sealed = seal(&running, SECRET_PASSWORD, "s3cret", 6);
	int worker = grant(&running, SECRET_PASSWORD, &sealed);
	say_pin(worker, 0xab);
	assert_int_equal(hear(worker, answer, sizeof answer), 5);
	assert_memory_equal(answer, "\0\0\0\1\5", 5);
	serve_until(&running, &running.refused);
	assert_int_equal(running.why, -ERR_HOST_KEY_CHANGED);
	assert_int_equal(running.wanted, 0);
	release(&running);
	assert_int_equal(hear(worker, answer, sizeof answer), 0);
	close(worker);
	assert_int_equal(verify_log(&running), 0);
	running_finish(&running);
}

static void key_login(const char *type, const char *bits, uint8_t expect)
{
	struct running running = { 0 };
	char pem[512], text[SECRET_MAX];
	uint8_t answer[4096], blob[2048];
	CLEANUP(buf_finish) struct buf message = BUF(8192);
	fixture_keygen(&running.f, type, bits, NULL, "");
	assert_int_equal(running_init(&running.f, NULL, pem), 0);
	running_start(&running, 0);
	size_t len = fixture_read(&running.f, "key", text, sizeof text);
	struct sealed sealed = seal(&running, SECRET_SSH_KEY, text, len);
	int worker = grant(&running, SECRET_SSH_KEY, &sealed);
	say_exchange(worker);
	serve_until(&running, &running.wanted);
	release(&running);
	assert_int_equal(hear(worker, answer, sizeof answer), 5);
	assert_int_equal(answer[4], AGENT_SUCCESS);
	sshwire_put_byte(&message, AGENT_REQUEST_IDENTITIES);
	say(worker, &message);
	len = hear(worker, answer, sizeof answer);
	assert_int_equal(answer[4], AGENT_IDENTITIES_ANSWER);
	size_t blob_len = len - 17;
	assert_true(blob_len <= sizeof blob);
	memcpy(blob, answer + 13, blob_len);
	put_login(&message, "rsa-sha2-256", blob, blob_len);
	say(worker, &message);
	assert_true(hear(worker, answer, sizeof answer) >= 5);
	assert_int_equal(answer[4], expect);
	close(worker);
	running_finish(&running);
}

static void test_key_logins(void **state)
{
	key_login("rsa", "3072", AGENT_SIGN_RESPONSE);
	/* These flags are RSA's: other keys do not know them. */
	key_login("ecdsa", "521", AGENT_FAILURE);
	key_login("ed25519", "256", AGENT_FAILURE);
}

static void test_grant_ends(void **state)
{
	struct running running;
	struct msg_session word = { .session = 7 };
	uint8_t answer[64];
	running_begin(&running);
	struct sealed sealed = seal(&running, SECRET_PASSWORD, "s3cret", 6);
	int worker = grant(&running, SECRET_PASSWORD, &sealed);
	assert_int_equal(channel_tell(running.broker, MSG_GRANT_END, &word), 0);
	assert_int_equal(hear(worker, answer, sizeof answer), 0);
	close(worker);
	running_finish(&running);
}

/* The vault retires while a worker waits for its secret: it gets it first, and then the vault ends.
 */
static void test_login_during_a_reload(void **state)
{
	struct running running;
	struct msg_nothing nothing = { 0 };
	uint8_t answer[64];
	running_begin(&running);
	struct sealed sealed = seal(&running, SECRET_PASSWORD, "s3cret", 6);
	int worker = grant(&running, SECRET_PASSWORD, &sealed);
	assert_int_equal(channel_tell(running.supervisor, MSG_FINISH, &nothing), 0);
	say_pin(worker, 0xaa);
	serve_until(&running, &running.wanted);
	/* The broker is replaced in this moment: the next one is asked instead, and answers. */
	struct channel *next = running_next_broker(&running);
	channel_destroy(running.broker);
	running.broker = next;
	running.wanted = 0;
	serve_until(&running, &running.wanted);
	release(&running);
	assert_int_equal(hear(worker, answer, sizeof answer), 4 + 1 + 4 + 6);
	assert_memory_equal(answer, "\0\0\0\x0b\x06\0\0\0\6s3cret", 15);
	close(worker);
	running_await_end(&running);
	fixture_finish(&running.f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seal_and_rewrap),
		cmocka_unit_test(test_seal_refuses),
		cmocka_unit_test(test_seal_of_a_key_describes_it),
		cmocka_unit_test(test_slow_secret_holds_nobody_up),
		cmocka_unit_test(test_new_secrets_check_signatures),
		cmocka_unit_test(test_broker_key),
		cmocka_unit_test(test_recordings),
		cmocka_unit_test(test_password_login),
		cmocka_unit_test(test_impostor_gets_nothing),
		cmocka_unit_test(test_key_logins),
		cmocka_unit_test(test_grant_ends),
		cmocka_unit_test(test_login_during_a_reload),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
