/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/hash.h"
#include "vault/agent.h"
#include "vault/sshwire.h"

void fixture_begin(struct fixture *fixture)
{
	*fixture = (struct fixture){ .directory = -1 };
	text_copy(fixture->path, sizeof fixture->path, "/tmp/sallyport-vault-XXXXXX");
	assert_non_null(mkdtemp(fixture->path));
	fixture->directory = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fixture->directory >= 0);
}

void fixture_installation(struct fixture *fixture)
{
	fixture_begin(fixture);
	fixture_keyring(fixture);
}

void fixture_keyring(struct fixture *fixture)
{
	struct keyring_lock lock;
	uint8_t material[ROOT_MATERIAL_LEN];
	assert_int_equal(source_root_key_make(fixture->directory, &lock, material), 0);
	assert_int_equal(keyring_create(fixture->directory, &lock, material), 0);
	fixture->keyring = fixture_open(fixture);
}

struct keyring *fixture_open(const struct fixture *fixture)
{
	struct keyring *keyring;
	assert_int_equal(keyring_load(fixture->directory, &keyring), 0);
	assert_int_equal(source_root_key_open(fixture->directory, keyring), 0);
	return keyring;
}

void fixture_finish(struct fixture *fixture)
{
	keyring_destroy(fixture->keyring);
	DIR *directory = fdopendir(fixture->directory);
	assert_non_null(directory);
	rewinddir(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	assert_int_equal(rmdir(fixture->path), 0);
}

size_t fixture_read(const struct fixture *fixture, const char *name, void *out, size_t size)
{
	int fd = openat(fixture->directory, name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t n = read(fd, out, size);
	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

void fixture_write(
	const struct fixture *fixture, const char *name, const void *bytes, size_t len, mode_t mode)
{
	unlinkat(fixture->directory, name, 0);
	int fd = openat(fixture->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

bool fixture_has(const struct fixture *fixture, const char *name)
{
	return faccessat(fixture->directory, name, F_OK, 0) == 0;
}

struct identity fixture_identity(int64_t id, int64_t version)
{
	return (struct identity){
		.object = "credential", .field = "content", .id = id, .version = version
	};
}

void fixture_exchange(struct buf *out, const char *host)
{
	sshwire_put_word(out, "SSH-2.0-client");
	sshwire_put_word(out, "SSH-2.0-server");
	sshwire_put_word(out, "what the client offers");
	sshwire_put_word(out, "what the server offers");
	sshwire_put_word(out, host);
	assert_int_equal(sshwire_put_word(out, "numbers"), 0);
}

void fixture_session(const char *host, uint8_t ret_name[32])
{
	CLEANUP(buf_finish) struct buf exchange = BUF(512);
	fixture_exchange(&exchange, host);
	hash_sha256(ret_name, exchange.data, exchange.len);
}

void fixture_pin(const char *host, uint8_t ret_pin[HASH_LEN])
{
	hash_sha256(ret_pin, host, strlen(host));
}

void fixture_put_pin(struct buf *out, const uint8_t pin[HASH_LEN])
{
	sshwire_put_byte(out, AGENT_EXTENSION);
	sshwire_put_word(out, AGENT_PIN_WORD);
	sshwire_put_string(out, pin, HASH_LEN);
}

void fixture_put_exchange(struct buf *out, const char *host, const char *shown)
{
	CLEANUP(buf_finish) struct buf exchange = BUF(512);
	uint8_t pin[HASH_LEN];
	fixture_pin(host, pin);
	fixture_exchange(&exchange, shown);
	fixture_put_pin(out, pin);
	sshwire_put_string(out, exchange.data, exchange.len);
}

void fixture_put_login(struct buf *out, const char *host, const char *username,
	const char *algorithm, const uint8_t *blob, size_t len)
{
	CLEANUP(buf_finish) struct buf data = BUF(4096);
	uint8_t session[32];
	fixture_session(host, session);
	sshwire_put_string(&data, session, sizeof session);
	sshwire_put_byte(&data, 50);
	sshwire_put_word(&data, username);
	sshwire_put_word(&data, "ssh-connection");
	sshwire_put_word(&data, "publickey");
	sshwire_put_byte(&data, 1);
	sshwire_put_word(&data, algorithm);
	sshwire_put_string(&data, blob, len);
	sshwire_put_byte(out, AGENT_SIGN_REQUEST);
	sshwire_put_string(out, blob, len);
	sshwire_put_string(out, data.data, data.len);
	sshwire_put_u32(out, strcmp(algorithm, "rsa-sha2-256") == 0 ? SSHKEY_FLAG_SHA256 : 0);
}

static void child(const struct fixture *fixture, int in, const char *const *argv)
{
	int nothing = open("/dev/null", O_RDWR);
	if (fchdir(fixture->directory) < 0)
		_exit(126);
	dup2(in >= 0 ? in : nothing, 0);
	dup2(nothing, 1);
	dup2(nothing, 2);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

int fixture_run(const struct fixture *fixture, const char *input, const char *const *argv)
{
	int ends[2] = { -1, -1 }, status;
	if (input != NULL) {
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		assert_int_equal(write(ends[1], input, strlen(input)), strlen(input));
		close(ends[1]);
	}
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(fixture, ends[0], argv);
	if (ends[0] >= 0)
		close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void fixture_file_limit(unsigned long bytes)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

void fixture_keygen(struct fixture *f, const char *type, const char *bits, const char *format,
	const char *passphrase)
{
	const char *argv[16] = { "ssh-keygen", "-q", "-t", type, "-b", bits, "-N", passphrase, "-C",
		"ana on db1", "-f", "key" };
	if (format != NULL) {
		argv[12] = "-m";
		argv[13] = format;
	}
	fixture_begin(f);
	assert_int_equal(fixture_run(f, NULL, argv), 0);
}

struct check {
	const uint8_t *installation_public;
	struct releases_proof proof;
	int r;
};

static bool check_line(void *context, const char *line, size_t len)
{
	struct check *check = context;
	check->r = releases_line_check(&check->proof, line, len, check->installation_public);
	return check->r == 0;
}

int fixture_log_check(
	const struct fixture *fixture, const uint8_t installation_public[32], uint64_t *ret_line)
{
	struct check check = { installation_public, { 0 }, 0 };
	for (bool more = true; more && check.r == 0;) {
		char name[RELEASES_NAME_SIZE];
		off_t complete;
		releases_name(check.proof.sequence + 1, name);
		more = fixture_has(fixture, name);
		int fd = openat(fixture->directory, more ? name : RELEASES_FILE, O_RDONLY);
		assert_int_equal(releases_read(fd, check_line, &check, &complete), 0);
		close(fd);
	}
	*ret_line = check.proof.sequence + (check.r < 0);
	return check.r < 0 ? -ERR_CRYPTO : 0;
}
