/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in the memory of the real vault: keys and secrets are looked for in every page that the
 * kernel shows to root. While something is in use it must be found, or the search is worth nothing;
 * after that it must not be. In secret memory it is never found at all.
 */
#include "asking.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/guarded.h"
#include "base/random.h"
#include "vault/agent.h"
#include "vault/sshwire.h"
#include "wire/recording_key.h"

/* A sanitizer's shadow is larger than the machine; of the rest nothing is. Programs on disk, which
 * nobody can write to, hold no secret. */
#define MAPPING_MAX (UINT64_C(1) << 32)
#define PIECE ((size_t)1 << 20)

/* --- the search ----------------------------------------------------------------------------- */

static unsigned count_in(const uint8_t *bytes, size_t len, const void *needle, size_t needle_len)
{
	unsigned count = 0;
	const uint8_t *at = bytes, *end = bytes + len;
	while ((at = memmem(at, (size_t)(end - at), needle, needle_len)) != NULL) {
		count++;
		at++;
	}
	return count;
}

/* Pieces overlap, so that nothing is overlooked between two. What is hidden cannot be read. */
static unsigned count_from(int fd, uint64_t from, uint64_t to, const void *needle, size_t len)
{
	static uint8_t piece[PIECE];
	unsigned count = 0;
	for (uint64_t at = from; at < to;) {
		ssize_t n = pread(fd, piece, MIN(PIECE, to - at), (off_t)at);
		if (n <= 0) {
			at += 4096;
			continue;
		}
		count += count_in(piece, (size_t)n, needle, len);
		at += (size_t)n > len && at + (uint64_t)n < to ? (uint64_t)n - len + 1
							       : (uint64_t)n;
	}
	return count;
}

/* "55d0a000-55d0b000 rw-p 00000000 00:00 0 /path": false for what cannot hold a secret. */
static bool worth_a_look(const char *line, uint64_t *ret_from, uint64_t *ret_to)
{
	char *end;
	*ret_from = strtoull(line, &end, 16);
	*ret_to = strtoull(end + 1, &end, 16);
	bool program = end[2] != 'w' && strchr(end, '/') != NULL;
	return *ret_to - *ret_from < MAPPING_MAX && !program;
}

static unsigned sightings(const struct running *running, const void *needle, size_t len)
{
	char path[64], line[512];
	uint64_t from, to;
	unsigned count = 0;
	snprintf(path, sizeof path, "/proc/%d/mem", (int)running->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/%d/maps", (int)running->pid);
	FILE *maps = fopen(path, "re");
	assert_true(fd >= 0 && maps != NULL);
	while (fgets(line, sizeof line, maps) != NULL) {
		if (worth_a_look(line, &from, &to))
			count += count_from(fd, from, to, needle, len);
	}
	fclose(maps);
	close(fd);
	return count;
}

/* --- the scene ------------------------------------------------------------------------------ */

struct scene {
	struct running running;
	struct settings settings;
};

static void plain_memory(struct scene *scene, const char *secret_memory)
{
	*scene = (struct scene){ .running.settings = &scene->settings };
	settings_defaults(&scene->settings);
	text_copy(scene->settings.vault_secret_memory, sizeof scene->settings.vault_secret_memory,
		secret_memory);
}

static void begin(struct scene *scene, const char *secret_memory)
{
	char pem[512];
	plain_memory(scene, secret_memory);
	fixture_begin(&scene->running.f);
	assert_int_equal(running_init(&scene->running.f, NULL, pem), 0);
	running_start(&scene->running, 0);
}

/* The vault has done everything that was asked before. */
static void settled(struct running *running)
{
	assert_int_equal(running_state(running, MSG_VAULT_STATUS, NULL).result, 0);
}

static int may_look(void **state)
{
	if (geteuid() == 0)
		return 0;
	print_message("skip: only root may look into the vault's memory\n");
	skip();
	return 0;
}

/* --- keys ----------------------------------------------------------------------------------- */

static void test_keys_while_they_are_in_use(void **state)
{
	struct scene scene;
	struct running *running = &scene.running;
	uint8_t root[2][32], material[ROOT_MATERIAL_LEN], recording[32], master[32];
	may_look(state);
	begin(&scene, "no");
	struct keyring *keyring = fixture_open(&running->f);
	memcpy(root[0], keyring_root(keyring, 1), 32);
	memcpy(recording, keyring_recording_secret(keyring, 1), 32);
	assert_int_equal(fixture_read(&running->f, "root.key", material, 32), 32);
	assert_int_equal(sightings(running, root[0], 32), 1);
	assert_int_equal(sightings(running, material, 32), 0);

	assert_int_equal(running_state(running, MSG_ROTATE, NULL).result, 0);
	keyring_destroy(keyring);
	keyring = fixture_open(&running->f);
	memcpy(root[1], keyring_root(keyring, 2), 32);
	memcpy(master, keyring_master(keyring), 32);
	assert_int_equal(fixture_read(&running->f, "root.key", material, 32), 32);
	keyring_destroy(keyring);
	assert_int_equal(sightings(running, root[0], 32), 1);
	assert_int_equal(sightings(running, root[1], 32), 1);
	assert_int_equal(sightings(running, master, 32), 1);
	assert_int_equal(sightings(running, material, 32), 0);

	assert_int_equal(running_state(running, MSG_RETIRE, NULL).result, 0);
	assert_int_equal(sightings(running, root[0], 32), 0);
	assert_int_equal(sightings(running, root[1], 32), 1);
	assert_int_equal(sightings(running, recording, 32), 1);

	assert_int_equal(running_state(running, MSG_VAULT_SEAL, NULL).result, 0);
	assert_int_equal(sightings(running, root[1], 32), 0);
	assert_int_equal(sightings(running, master, 32), 0);
	assert_int_equal(sightings(running, recording, 32), 0);
	running_finish(running);
}

static void test_keys_in_secret_memory(void **state)
{
	struct scene scene;
	may_look(state);
	if (!guarded_hide()) {
		print_message("skip: this kernel has no secret memory\n");
		skip();
	}
	begin(&scene, "auto");
	struct keyring *keyring = fixture_open(&scene.running.f);
	settled(&scene.running);
	assert_int_equal(sightings(&scene.running, keyring_root(keyring, 1), 32), 0);
	assert_int_equal(sightings(&scene.running, keyring_master(keyring), 32), 0);
	assert_int_equal(sightings(&scene.running, keyring_recording_secret(keyring, 1), 32), 0);
	/* What is no secret is found: the search was one. */
	assert_true(sightings(&scene.running, keyring_installation_public(keyring), 32) > 0);
	keyring_destroy(keyring);
	running_finish(&scene.running);
}

static void serve_until_read(struct running *running, int fd)
{
	int left = 1;
	for (unsigned i = 0; i < 25 && left > 0; i++) {
		running_serve(running, NULL);
		assert_int_equal(ioctl(fd, FIONREAD, &left), 0);
	}
	assert_int_equal(left, 0);
}

static void test_a_passphrase(void **state)
{
	static const char words[] = "a passphrase nobody else has, 27182818";
	const struct msg_nothing nothing = { 0 };
	struct scene scene;
	struct running *running = &scene.running;
	uint8_t material[ROOT_MATERIAL_LEN];
	int ends[2];
	may_look(state);
	plain_memory(&scene, "no");
	running_begin_passphrase(running, words);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], words, sizeof words - 1), sizeof words - 1);
	running->waits_for = channel_serial(running->broker);
	assert_int_equal(channel_send(running->broker, MSG_UNSEAL, running->waits_for, &nothing,
				 NULL, 0, &ends[0], 1),
		0);
	serve_until_read(running, ends[0]);
	assert_true(sightings(running, words, sizeof words - 1) > 0); /* typed, not yet Enter */
	close(ends[1]);
	running_serve(running, &running->answered);
	assert_int_equal(running->answer.result, 0);
	assert_int_equal(running->answer.sealed, 0);

	struct secret *passphrase = secret_create(words, sizeof words - 1);
	struct keyring *keyring;
	assert_int_equal(keyring_load(running->f.directory, &keyring), 0);
	assert_int_equal(source_passphrase(keyring_lock(keyring), passphrase, material), 0);
	assert_int_equal(keyring_open(keyring, material), 0);
	assert_int_equal(sightings(running, words, sizeof words - 1), 0);
	assert_int_equal(sightings(running, material, 32), 0);
	assert_int_equal(sightings(running, keyring_master(keyring), 32), 1);
	secret_destroy(passphrase);
	keyring_destroy(keyring);
	close(ends[0]);
	running_finish(running);
}

static struct msg_token_question asked;

static int silent_token(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	asked = *question;
	running->answered = true; /* it was asked */
	return 1;
}

static void test_what_a_token_sees(void **state)
{
	const struct msg_nothing nothing = { 0 };
	struct scene scene;
	struct running *running = &scene.running;
	uint8_t material[ROOT_MATERIAL_LEN];
	may_look(state);
	plain_memory(&scene, "no");
	running_begin_token(running, &scene.settings, "pin");
	text_copy(scene.settings.vault_secret_memory, sizeof scene.settings.vault_secret_memory,
		"no");
	running_stop(running);
	running_start(running, 0);
	for (unsigned i = 0; i < sizeof material; i++)
		material[i] = (uint8_t)(i * 7);
	assert_int_equal(running_state(running, MSG_VAULT_STATUS, NULL).sealed, 0);
	assert_int_equal(sightings(running, material, 32), 0);

	running->token = silent_token;
	running->answered = false;
	assert_int_equal(channel_tell(running->broker, MSG_ROTATE, &nothing), 0);
	running_serve(running, &running->answered);
	assert_int_equal(asked.len, 32);
	assert_true(sightings(running, asked.bytes, 32) > 0);
	assert_int_equal(running_state(running, MSG_VAULT_SEAL, NULL).result, 0);
	assert_int_equal(sightings(running, asked.bytes, 32), 0);
	running_finish(running);
}

/* --- secrets -------------------------------------------------------------------------------- */

static void test_a_password(void **state)
{
	static char text[SECRET_MAX];
	static uint8_t heard[SECRET_MAX + 64];
	struct scene scene;
	struct running *running = &scene.running;
	const char *beginning = text, *end = text + sizeof text - 64;
	size_t len = 0;
	may_look(state);
	begin(&scene, "no");
	random_hex(text, sizeof text / 2 - 1);
	memset(text + sizeof text - 2, 'x', 2);
	struct sealed sealed = seal(running, SECRET_PASSWORD, text, sizeof text);
	assert_int_equal(sealed.head.result, 0);
	settled(running);
	assert_int_equal(sightings(running, beginning, 64), 0);

	int worker = grant(running, SECRET_PASSWORD, &sealed);
	say_pin(worker, 0xaa);
	serve_until(running, &running->wanted);
	assert_int_equal(sightings(running, end, 64), 0);
	release(running);
	len = hear(worker, heard, sizeof heard);
	settled(running);
	assert_true(sightings(running, end, 64) > 0); /* the worker took only part of it */
	for (size_t n = 1; n > 0; len += n)
		n = hear(worker, heard + len, sizeof heard - len);
	assert_int_equal(len, 9 + sizeof text);
	assert_memory_equal(heard + 9, text, sizeof text);
	settled(running);
	assert_int_equal(sightings(running, beginning, 64), 0);
	assert_int_equal(sightings(running, end, 64), 0);
	close(worker);
	running_finish(running);
}

/* Bytes of a private key that it cannot do without, as OpenSSL keeps them. */
static size_t needle_of(const char *text, size_t len, uint8_t needle[64])
{
	EVP_PKEY *pkey = NULL;
	BIGNUM *prime = NULL;
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	size_t needle_len = 64;
	assert_non_null(pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL));
	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA) {
		uint8_t bytes[128];
		assert_int_equal(
			EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, &prime), 1);
		assert_int_equal(BN_bn2lebinpad(prime, bytes, sizeof bytes), sizeof bytes);
		memcpy(needle, bytes, 64);
	} else if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC) {
		assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &prime), 1);
		assert_int_equal(BN_bn2lebinpad(prime, needle, 32), 32);
		needle_len = 32;
	} else {
		assert_int_equal(EVP_PKEY_get_raw_private_key(pkey, needle, &needle_len), 1);
	}
	BN_free(prime);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return needle_len;
}

static void sign_one(int worker, const char *algorithm)
{
	uint8_t answer[4096];
	CLEANUP(buf_finish) struct buf message = BUF(8192);
	sshwire_put_byte(&message, AGENT_REQUEST_IDENTITIES);
	say(worker, &message);
	size_t len = hear(worker, answer, sizeof answer);
	assert_int_equal(answer[4], AGENT_IDENTITIES_ANSWER);
	put_login(&message, algorithm, answer + 13, len - 17);
	say(worker, &message);
	assert_true(hear(worker, answer, sizeof answer) > 5);
	assert_int_equal(answer[4], AGENT_SIGN_RESPONSE);
}

static void search_a_key(const char *type, const char *bits, const char *algorithm)
{
	struct scene scene;
	struct running *running = &scene.running;
	struct fixture made;
	char pem[512], text[SECRET_MAX];
	uint8_t answer[64], needle[64];
	plain_memory(&scene, "no");
	/* OpenSSL does not read OpenSSH's own form, and this test needs to look inside. */
	bool edwards = strcmp(type, "ed25519") == 0;
	fixture_keygen(&made, edwards ? "ecdsa" : type, bits, "PKCS8", "");
	if (edwards)
		assert_int_equal(fixture_run(&made, NULL,
					 (const char *const[]){ "openssl", "genpkey", "-algorithm",
						 "ed25519", "-out", "key", NULL }),
			0);
	running->f = made;
	assert_int_equal(running_init(&running->f, NULL, pem), 0);
	running_start(running, 0);
	size_t len = fixture_read(&running->f, "key", text, sizeof text);
	size_t needle_len = needle_of(text, len, needle);
	const char *line = strchr(text, '\n') + 1; /* of the armor: the key as text */

	struct sealed sealed = seal(running, SECRET_SSH_KEY, text, len);
	assert_int_equal(sealed.head.result, 0);
	settled(running);
	assert_int_equal(sightings(running, needle, needle_len), 0);
	assert_int_equal(sightings(running, line, 40), 0);
	int worker = grant(running, SECRET_SSH_KEY, &sealed);
	say_exchange(worker);
	serve_until(running, &running->wanted);
	assert_int_equal(sightings(running, needle, needle_len), 0);
	release(running);
	assert_int_equal(hear(worker, answer, sizeof answer), 5);
	sign_one(worker, algorithm);
	assert_true(sightings(running, needle, needle_len) > 0);
	assert_int_equal(sightings(running, line, 40), 0);
	const struct msg_session word = { .session = 7 };
	assert_int_equal(channel_tell(running->broker, MSG_GRANT_END, &word), 0);
	settled(running);
	assert_int_equal(sightings(running, needle, needle_len), 0);
	close(worker);
	running_finish(running);
}

static void test_private_keys(void **state)
{
	may_look(state);
	search_a_key("ed25519", "256", "ssh-ed25519");
	search_a_key("ecdsa", "256", "ecdsa-sha2-nistp256");
	search_a_key("rsa", "2048", "rsa-sha2-256");
}

static void test_an_applications_secrets(void **state)
{
	static const char base[] = "POST&https%3A%2F%2Fgate%2Fapi&a%3D1";
	struct scene scene;
	struct running *running = &scene.running;
	char consumer_digits[65], token_digits[65];
	struct msg_signature question = { .sha256 = 1, .base_len = sizeof base - 1 };
	may_look(state);
	begin(&scene, "no");
	struct sealed consumer = seal_new(running, "consumer", consumer_digits, &question.consumer);
	struct sealed token = seal_new(running, "token", token_digits, &question.token);
	assert_int_equal(sightings(running, consumer_digits, 64), 0);
	question.consumer_len = (uint32_t)consumer.len;
	question.token_len = (uint32_t)token.len;
	signature_make(consumer_digits, token_digits, base, question.signature);
	assert_int_equal(signature_ask(running, &question, &consumer, &token, base), 0);
	assert_int_equal(sightings(running, consumer_digits, 64), 0);
	assert_int_equal(sightings(running, token_digits, 64), 0);
	/* The question itself is still in the buffer of the channel. */
	assert_true(sightings(running, base, sizeof base - 1) > 0);
	running_finish(running);
}

static void test_a_recordings_key(void **state)
{
	struct scene scene;
	struct running *running = &scene.running;
	struct message reply;
	struct msg_recording_open question = { .wrapped_len = RECORDING_WRAPPED_LEN,
		.key_version = 1 };
	uint8_t key[32], back[32];
	int ends[2];
	may_look(state);
	begin(&scene, "no");
	random_bytes(key, sizeof key);
	text_copy(question.session_id, sizeof question.session_id, SESSION_ID);
	assert_int_equal(recording_key_wrap(SESSION_ID, key,
				 running_state(running, MSG_VAULT_STATUS, NULL).recording_public,
				 question.wrapped),
		0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	running_ask(running, MSG_RECORDING_OPEN, &question, NULL, 0, ends[1], MSG_RECORDING_OPENED,
		&reply);
	message_finish(&reply);
	assert_int_equal(read(ends[0], back, 32), 32);
	assert_memory_equal(key, back, 32);
	assert_int_equal(sightings(running, key, 32), 0);
	close(ends[0]);
	close(ends[1]);
	running_finish(running);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_while_they_are_in_use),
		cmocka_unit_test(test_keys_in_secret_memory),
		cmocka_unit_test(test_a_passphrase),
		cmocka_unit_test(test_what_a_token_sees),
		cmocka_unit_test(test_a_password),
		cmocka_unit_test(test_private_keys),
		cmocka_unit_test(test_an_applications_secrets),
		cmocka_unit_test(test_a_recordings_key),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
