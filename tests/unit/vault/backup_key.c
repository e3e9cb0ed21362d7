/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/backup_key.c"

#include "running.h"

#include <sodium.h>

#define SALT "000102030405060708090a0b0c0d0e0f"
#define MEMORY "8388608"

/* The real program: how many bytes it printed, and its exit status. */
static size_t run(const char *salt, const char *passes, const char *memory, const char *passphrase,
	uint8_t key[64], int *ret_status)
{
	int in = running_pipe(passphrase, strlen(passphrase)), out[2];
	size_t len = 0;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in, 0);
		dup2(out[1], 1);
		execle(running_program, "sallyport-vault", "--backup-key", salt, passes, memory,
			(char *)NULL, (char *const[]){ "ASAN_OPTIONS=detect_leaks=0", NULL });
		_exit(127);
	}
	close(in);
	close(out[1]);
	for (ssize_t n; len < 64 && (n = read(out[0], key + len, 64 - len)) > 0;)
		len += (size_t)n;
	close(out[0]);
	assert_int_equal(waitpid(pid, ret_status, 0), pid);
	return len;
}

static void test_is_argon2id(void **state)
{
	uint8_t key[64], wanted[32], salt[16];
	int status;

	for (unsigned i = 0; i < 16; i++)
		salt[i] = (uint8_t)i;
	assert_int_equal(crypto_pwhash(wanted, 32, "horse", 5, salt, 1, 8388608,
				 crypto_pwhash_ALG_ARGON2ID13),
		0);
	assert_int_equal(run(SALT, "1", MEMORY, "horse\n", key, &status), 32);
	assert_int_equal(status, 0);
	assert_memory_equal(key, wanted, 32);
	assert_int_equal(run(SALT, "1", MEMORY, "mule", key, &status), 32);
	assert_memory_not_equal(key, wanted, 32);
}

static void test_refuses(void **state)
{
	static const char *const rows[][4] = {
		{ SALT, "1", MEMORY, "" },
		{ SALT, "1", MEMORY, "\n" },
		{ SALT "00", "1", MEMORY, "horse" },
		{ "00", "1", MEMORY, "horse" },
		{ SALT, "0", MEMORY, "horse" },
		{ SALT, "17", MEMORY, "horse" },
		{ SALT, "-1", MEMORY, "horse" },
		{ SALT, "1x", MEMORY, "horse" },
		{ SALT, "1", "1024", "horse" },
		{ SALT, "1", "99999999999", "horse" },
		{ SALT, "1", "99999999999999999999999", "horse" },
	};
	uint8_t key[64];
	int status;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
			run(rows[i][0], rows[i][1], rows[i][2], rows[i][3], key, &status), 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	}
	assert_int_equal(
		vault_backup_key(2, (char *[]){ "sallyport-vault", "--backup-key", NULL }), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_argon2id),
		cmocka_unit_test(test_refuses),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
