/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/mem.h"
#include "base/random.h"
#include "ctl/backup_key.h"
#include "ctl/backup_stream.h"
#include "ctl/commands.h"
#include "store/copy.h"

#define PATH_SIZE 4096
#define STAGE ".restoring"

/* --- is it whole? --------------------------------------------------------------------------- */

static int complain(const char *path, int r)
{
	switch (-r) {
	case ERR_CLOSED:
		cli_fail("%s: it is cut off", path);
		return CLI_CUT;
	case ERR_CRYPTO:
		cli_fail("%s: it was altered, or the passphrase is another", path);
		return CLI_ALTERED;
	case ERR_MALFORMED:
		cli_fail("%s: it is no backup, or was altered", path);
		return CLI_ALTERED;
	case ERR_STORE_NEWER:
		return cli_fail("%s: a newer version wrote it", path);
	case ERR_STORE_FULL:
		return cli_fail("%s", strerror(ENOSPC));
	default:
		return cli_fail("%s: %s", path, r == -ERR_SYSTEM ? strerror(errno) : error_text(r));
	}
}

void proven_finish(struct proven *proven)
{
	guarded_destroy(STEAL(proven->key));
	fd_closep(&proven->fd);
}

int backup_prove(struct cli *cli, struct proven *proven)
{
	const char *path = cli_argument(cli, 0);
	int passphrase = -1;

	proven->key = NULL;
	proven->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (proven->fd < 0)
		return cli_fail("%s: %s", path, strerror(errno));
	int r = backup_head_read(proven->fd, proven->head);
	if (r < 0)
		return complain(path, r);
	r = backup_passphrase(cli, false, &passphrase);
	if (r == CLI_OK)
		r = backup_key(passphrase, proven->head, &proven->key);
	if (r != CLI_OK)
		return r;
	r = unpack(proven->fd, proven->head, proven->key, NULL, &proven->unpacked);
	return r < 0 ? complain(path, r) : CLI_OK;
}

static json_t *proven_json(const struct unpacked *it)
{
	char made[CLOCK_TEXT_SIZE], head[2 * HASH_LEN + 1];

	hex_encode(head, it->head, HASH_LEN);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "id", it->id,
		"made_at", clock_format_utc(it->made_at, made), "version", it->version, "schema",
		(json_int_t)it->schema, "bytes", (json_int_t)it->bytes, "rows",
		(json_int_t)it->rows, "files", (json_int_t)it->files, "recordings_absent",
		(json_int_t)it->absent, "absent_bytes", (json_int_t)it->absent_bytes, "audit_row",
		(json_int_t)it->row, "audit_head", head);
}

static int backup_verify(struct cli *cli)
{
	CLEANUP(proven_finish) struct proven proven = { .fd = -1 };
	int r = backup_prove(cli, &proven);

	if (r == CLI_OK)
		show_answer(cli, proven_json(&proven.unpacked));
	return r;
}

const struct command command_backup_verify = {
	.words = "backup verify",
	.takes = "FILE",
	.sentence = "Say whether a backup is whole and as it was written; needs no gateway",
	.options = (const struct option_row[]){ PASSPHRASE_OPTION{ 0 } },
	.run = backup_verify,
};

/* --- the directory -------------------------------------------------------------------------- */

static const char *const rooms[] = { "tls", "vault", "store", "recordings", "installation.pem",
	"sallyport.conf" };

/* Files, and directories of files: nothing of ours is deeper. */
static int remove_below(int directory, const char *name, int depth)
{
	if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
		return 0;
	int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;

	if (list == NULL || depth > 2) {
		if (list != NULL)
			closedir(list);
		else
			fd_closep(&fd);
		return -1;
	}
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_below(dirfd(list), entry->d_name, depth + 1);
	closedir(list);
	return unlinkat(directory, name, AT_REMOVEDIR);
}

static bool is_room(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(rooms); i++)
		if (strcmp(name, rooms[i]) == 0)
			return true;
	return strcmp(name, STAGE) == 0;
}

/* Empty, or with nothing but what a restore left that was interrupted: that has a stage. */
static int check_empty(int directory, const char *path)
{
	bool staged = faccessat(directory, STAGE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = CLI_OK;
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;

	if (list == NULL) {
		fd_closep(&fd);
		return cli_fail("%s: %s", path, strerror(errno));
	}
	if (faccessat(directory, "sallyport.conf", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		staged = false;
	for (struct dirent *entry; r == CLI_OK && (entry = readdir(list)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			!(staged && is_room(entry->d_name)))
			r = cli_fail("%s: it is not empty", path);
	closedir(list);
	return r;
}

static int open_empty(const char *path, int *ret_directory)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return cli_fail("%s: %s", path, strerror(errno));
	*ret_directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_directory < 0 || become_owner(*ret_directory) < 0)
		return cli_fail("%s: %s", path, strerror(errno));
	int r = check_empty(*ret_directory, path);
	if (r != CLI_OK)
		return r;
	for (unsigned i = 0; i < ARRAY_LEN(rooms); i++)
		remove_below(*ret_directory, rooms[i], 0);
	if (remove_below(*ret_directory, STAGE, 0) < 0 || mkdirat(*ret_directory, STAGE, 0700) < 0)
		return cli_fail("%s/" STAGE ": %s", path, strerror(errno));
	return CLI_OK;
}

static int sync_room(int directory, const char *name)
{
	CLEANUP(fd_closep) int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

/* The settings last: their presence means the installation is whole. */
static int move_in(int directory)
{
	char from[64];
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(rooms); i++) {
		snprintf(from, sizeof from, STAGE "/%s", rooms[i]);
		r = sync_room(directory, from);
		if (r == 0 && i == ARRAY_LEN(rooms) - 1)
			r = fsync(directory);
		if (r == 0)
			r = renameat(directory, from, directory, rooms[i]);
	}
	if (r == 0)
		r = unlinkat(directory, STAGE, AT_REMOVEDIR);
	return r < 0 ? r : fsync(directory);
}

/* --- all of it ------------------------------------------------------------------------------ */

static int settle_store(const char *stage, const struct unpacked *it, int64_t *ret_sessions)
{
	char store[PATH_SIZE + 16], from[384], head[2 * HASH_LEN + 1], life[33];
	char made[CLOCK_TEXT_SIZE];

	snprintf(store, sizeof store, "%s/store", stage);
	hex_encode(head, it->head, HASH_LEN);
	random_hex(life, 16);
	snprintf(from, sizeof from,
		"{\"backup\":\"%s\",\"made_at\":\"%s\",\"row\":%lld,\"row_hash\":\"%s\",\"life\":"
		"\"%s\"",
		it->id, clock_format_utc(it->made_at, made), (long long)it->row, head, life);
	return store_copy_restored(store, clock_wall_ms(), from, ret_sessions);
}

static int fill(struct cli *cli, struct proven *proven, int directory)
{
	const char *path = cli_argument(cli, 0);
	char stage[PATH_SIZE];
	int64_t sessions = 0;
	int len = snprintf(stage, sizeof stage, "%s/" STAGE, cli->data);
	int r = len < 0 || (size_t)len >= sizeof stage ||
				lseek(proven->fd, BACKUP_HEAD_LEN, SEEK_SET) < 0
			? -ERR_SYSTEM
			: unpack(proven->fd, proven->head, proven->key, stage, &proven->unpacked);

	fprintf(stderr, "restore: %llu rows, %llu files\n",
		(unsigned long long)proven->unpacked.rows,
		(unsigned long long)proven->unpacked.files);
	if (r == 0)
		r = settle_store(stage, &proven->unpacked, &sessions);
	if (r == 0 && move_in(directory) < 0)
		r = errno == ENOSPC ? -ERR_STORE_FULL : -ERR_SYSTEM;
	if (r < 0) {
		int said = complain(path, r);
		for (unsigned i = 0; i < ARRAY_LEN(rooms); i++)
			remove_below(directory, rooms[i], 0);
		remove_below(directory, STAGE, 0);
		return said;
	}
	json_t *said = proven_json(&proven->unpacked);
	json_object_set_new(said, "sessions_ended", json_integer(sessions));
	json_object_set_new(said, "data", json_string(cli->data));
	show_answer(cli, said);
	return CLI_OK;
}

static int restore(struct cli *cli)
{
	CLEANUP(proven_finish) struct proven proven = { .fd = -1 };
	CLEANUP(fd_closep) int directory = -1;

	umask(0077);
	int r = backup_prove(cli, &proven);
	if (r == CLI_OK)
		r = open_empty(cli->data, &directory);
	return r == CLI_OK ? fill(cli, &proven, directory) : r;
}

const struct command command_restore = {
	.words = "restore",
	.takes = "FILE",
	.sentence = "Make an installation out of a backup, in an empty directory",
	.options = (const struct option_row[]){ PASSPHRASE_OPTION{ 0 } },
	.run = restore,
};
