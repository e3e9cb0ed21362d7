/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/backup_key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/guarded.h"
#include "base/mem.h"
#include "ctl/ask.h"
#include "ctl/backup_stream.h"

int backup_passphrase(const struct cli *cli, int twice, int *ret_fd)
{
	const char *path = cli_option(cli, "passphrase-file", 0);

	if (path == NULL)
		return ask_secret("Passphrase of the backup: ", twice, ret_fd);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd >= 0 ? CLI_OK : cli_fail("%s: %s", path, strerror(errno));
}

static void become_vault(int passphrase, const uint8_t head[BACKUP_HEAD_LEN], int out)
{
	char program[URL_SIZE * 2], salt[2 * BACKUP_SALT_LEN + 1], passes[16], memory[24];

	hex_encode(salt, head + 24, BACKUP_SALT_LEN);
	snprintf(passes, sizeof passes, "%u", get32(head + 12));
	snprintf(memory, sizeof memory, "%llu", (unsigned long long)get64(head + 16));
	program_path(program, sizeof program, "sallyport-vault");
	dup2(passphrase, 0);
	dup2(out, 1);
	closefrom(3);
	execle(program, "sallyport-vault", "--backup-key", salt, passes, memory, (char *)NULL,
		(char *const[]){ NULL });
	_exit(127);
}

static bool read_key(int from, uint8_t key[BACKUP_KEY_LEN])
{
	size_t len = 0;

	for (ssize_t got;
		len < BACKUP_KEY_LEN && (got = read(from, key + len, BACKUP_KEY_LEN - len)) > 0;)
		len += (size_t)got;
	return len == BACKUP_KEY_LEN;
}

int backup_key(int passphrase, const uint8_t head[BACKUP_HEAD_LEN], uint8_t **ret_key)
{
	CLEANUP(fd_closep) int given = passphrase;
	uint8_t *key = guarded_create(BACKUP_KEY_LEN);
	int ends[2], status = -1;

	if (key == NULL || pipe2(ends, O_CLOEXEC) < 0) {
		guarded_destroy(key);
		return cli_fail("%s", strerror(errno));
	}
	pid_t pid = fork();
	if (pid == 0)
		become_vault(given, head, ends[1]);
	close(ends[1]);
	bool whole = read_key(ends[0], key);
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0 || !whole) {
		guarded_destroy(key);
		return cli_fail("no key could be made of the passphrase");
	}
	*ret_key = key;
	return CLI_OK;
}
