/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

static void check_pem(const struct fixture *f, const char *pem)
{
	struct keyring *keyring;
	uint8_t public[32];
	size_t len = sizeof public;
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_ED25519);
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, public, &len), 1);
	assert_int_equal(keyring_load(f->directory, &keyring), 0);
	assert_memory_equal(public, keyring_installation_public(keyring), 32);
	keyring_destroy(keyring);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static unsigned mode_of(const struct fixture *f, const char *name)
{
	struct stat status;
	assert_int_equal(fstatat(f->directory, name, &status, 0), 0);
	return status.st_mode & 0777;
}

static void test_with_a_key_file(void **state)
{
	struct fixture f;
	char pem[512];
	fixture_begin(&f);
	assert_int_equal(running_init(&f, NULL, pem), 0);
	check_pem(&f, pem);
	assert_int_equal(mode_of(&f, "root.key"), 0600);
	assert_int_equal(mode_of(&f, "keyring"), 0600);
	fixture_finish(&f);
}

static void test_never_twice(void **state)
{
	struct fixture f;
	char pem[512];
	uint8_t before[4096], after[4096];
	fixture_begin(&f);
	assert_int_equal(running_init(&f, NULL, pem), 0);
	size_t len = fixture_read(&f, "keyring", before, sizeof before);
	assert_int_equal(running_init(&f, NULL, pem), 1);
	assert_string_equal(pem, "");
	assert_int_equal(running_init(&f, "a passphrase", pem), 1);
	assert_int_equal(fixture_read(&f, "keyring", after, sizeof after), len);
	assert_memory_equal(before, after, len);
	fixture_finish(&f);
}

static void test_with_a_passphrase(void **state)
{
	struct fixture f;
	char pem[512];
	fixture_begin(&f);
	assert_int_equal(running_init(&f, "correct horse\n", pem), 0);
	check_pem(&f, pem);
	assert_false(fixture_has(&f, "root.key"));
	fixture_finish(&f);
}

static void test_with_a_credential(void **state)
{
	static const char *const texts[] = { "0123456789abcdef0123456789abcdef", "short" };
	for (unsigned i = 0; i < 2; i++) {
		struct fixture f;
		char pem[512];
		int fd = memfd_create("credential", MFD_CLOEXEC);
		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		fixture_begin(&f);
		assert_int_equal(running_init_from(&f, "systemd-credential", fd, -1, pem), i);
		if (i == 0)
			check_pem(&f, pem);
		assert_int_equal(fixture_has(&f, "keyring"), i == 0);
		assert_false(fixture_has(&f, "root.key"));
		close(fd);
		fixture_finish(&f);
	}
}

/* The token is a child that answers one question: by a change, with an error, or not at all. */
static void play_token(int fd, unsigned plan)
{
	uint8_t packet[4096];
	struct msg_token_answer answer = { .result = plan == 1 ? -ERR_PIN_LOCKED : 0 };
	struct message message;
	struct pollfd poller = { fd, POLLIN, 0 };
	poll(&poller, 1, 20000);
	ssize_t n = recv(fd, packet, sizeof packet, 0);
	if (plan == 2 || n <= 0 ||
		wire_permit(PARTY_VAULT, PARTY_TOKEN, packet, (size_t)n, 0, &message) < 0)
		_exit(1);
	const struct msg_token_question *question = message.payload;
	answer.len = plan == 3 ? 0 : question->len;
	for (unsigned i = 0; i < answer.len; i++)
		answer.bytes[i] = question->bytes[i] ^ RUNNING_XOR;
	if (!question->make || !question->wrap)
		_exit(1);
	uint16_t type = MSG_TOKEN_ANSWER;
	memcpy(packet, &type, sizeof type); /* the serial stays */
	memcpy(packet + 16, &answer, sizeof answer);
	_exit(send(fd, packet, 16 + sizeof answer, 0) < 0);
}

static void test_with_a_token(void **state)
{
	for (unsigned plan = 0; plan < 4; plan++) {
		struct fixture f;
		char pem[512];
		int ends[2];
		fixture_begin(&f);
		assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
		pid_t pid = fork();
		if (pid == 0) {
			close(ends[0]);
			play_token(ends[1], plan);
		}
		close(ends[1]);
		assert_int_equal(running_init_from(&f, "pkcs11", -1, ends[0], pem), plan != 0);
		close(ends[0]);
		waitpid(pid, NULL, 0);
		assert_int_equal(fixture_has(&f, "keyring"), plan == 0);
		if (plan == 0) {
			assert_int_equal(keyring_load(f.directory, &f.keyring), 0);
			assert_int_equal(keyring_lock(f.keyring)->source, SOURCE_TOKEN);
			assert_int_equal(keyring_lock(f.keyring)->wrapped_len, ROOT_MATERIAL_LEN);
		}
		fixture_finish(&f);
	}
}

static void test_with_an_unknown_source(void **state)
{
	struct fixture f;
	char pem[512];
	fixture_begin(&f);
	assert_int_equal(running_init_from(&f, "tape", -1, -1, pem), 1);
	assert_false(fixture_has(&f, "keyring"));
	fixture_finish(&f);
}

static void test_empty_passphrase(void **state)
{
	struct fixture f;
	char pem[512];
	fixture_begin(&f);
	assert_int_equal(running_init(&f, "\n", pem), 1);
	assert_false(fixture_has(&f, "keyring"));
	assert_false(fixture_has(&f, "root.key"));
	fixture_finish(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_a_key_file),
		cmocka_unit_test(test_never_twice),
		cmocka_unit_test(test_with_a_passphrase),
		cmocka_unit_test(test_empty_passphrase),
		cmocka_unit_test(test_with_a_credential),
		cmocka_unit_test(test_with_a_token),
		cmocka_unit_test(test_with_an_unknown_source),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
