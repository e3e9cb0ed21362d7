/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/mem.h"
#include "base/random.h"
#include "ctl/backup_key.h"
#include "ctl/pack.h"
#include "ctl/unpack.h"

#define PATH_SIZE 4096

/* Where it is written: a file without a name, or with one beside its own where there is no such. */
struct target {
	int directory, fd;
	char name[256], beside[300];
	bool nameless;
};

static void target_finish(struct target *target)
{
	if (target->fd >= 0 && !target->nameless)
		unlinkat(target->directory, target->beside, 0);
	fd_closep(&target->fd);
	fd_closep(&target->directory);
}

static int target_open(const char *path, struct target *target)
{
	char one[PATH_SIZE], two[PATH_SIZE];

	*target = (struct target){ -1, -1, "", "", false };
	if (text_copy(one, sizeof one, path) < 0 || text_copy(two, sizeof two, path) < 0 ||
		text_copy(target->name, sizeof target->name, basename(one)) < 0)
		return cli_fail("%s: %s", path, strerror(ENAMETOOLONG));
	target->directory = open(dirname(two), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->directory < 0)
		return cli_fail("%s: %s", path, strerror(errno));
	if (faccessat(target->directory, target->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return cli_fail("%s: it is there already", path);
	target->fd = openat(target->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	target->nameless = target->fd >= 0;
	if (target->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		snprintf(target->beside, sizeof target->beside, ".%s.part", target->name);
		unlinkat(target->directory, target->beside, 0);
		target->fd = openat(target->directory, target->beside,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	return target->fd >= 0 ? CLI_OK : cli_fail("%s: %s", path, strerror(errno));
}

/* Whole and on the disk before it has its name; never over something that is there. */
static int target_keep(struct target *target)
{
	char path[64];
	int r;

	if (fsync(target->fd) < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", target->fd);
	if (target->nameless)
		r = linkat(AT_FDCWD, path, target->directory, target->name, AT_SYMLINK_FOLLOW);
	else
		r = linkat(target->directory, target->beside, target->directory, target->name, 0);
	return r < 0 ? -1 : fsync(target->directory);
}

static int begin(struct cli *cli, const char *id)
{
	json_t *entity = NULL;
	bool recordings = cli_option(cli, "with-recordings", 0) != NULL;

	if (cli_param(cli, "id", id) < 0 ||
		cli_param(cli, "recordings", recordings ? "true" : "false") < 0)
		return cli_fail("no memory");
	int r = client_entity(cli, "POST", "backup/begin", &entity);
	if (r != CLI_OK)
		return r;
	const char *kind = json_string_value(json_object_get(entity, "store"));
	if (kind == NULL || strcmp(kind, "sqlite") != 0)
		r = cli_fail(
			"the store is not SQLite's: back it up with its own tools, and vault/, "
			"tls/, recordings/, installation.pem and sallyport.conf as files");
	json_decref(entity);
	return r;
}

static int complain(const struct pack *pack, const char *path, int r)
{
	if (pack->failed[0] != '\0')
		return cli_fail("%s", pack->failed);
	return cli_fail("%s: %s", path, r == -ERR_STORE_FULL ? strerror(ENOSPC) : error_text(r));
}

static int write_it(struct cli *cli, struct pack *pack, struct target *target, uint8_t *head,
	const uint8_t *key)
{
	struct backup_writer writer;
	int r = backup_writer_init(&writer, target->fd, head, key);

	pack->writer = &writer;
	if (r == 0)
		r = pack_all(pack);
	backup_writer_finish(&writer);
	if (r < 0)
		return complain(pack, cli_argument(cli, 0), r);
	if (target_keep(target) < 0)
		return cli_fail("%s: %s", cli_argument(cli, 0), strerror(errno));
	json_t *said = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "file",
		cli_argument(cli, 0), "id", pack->id, "bytes", (json_int_t)writer.written, "rows",
		(json_int_t)pack->rows, "files", (json_int_t)pack->files, "recordings_absent",
		(json_int_t)pack->absent, "audit_row", (json_int_t)pack->row);
	show_answer(cli, said);
	return CLI_OK;
}

static int backup(struct cli *cli)
{
	CLEANUP(target_finish) struct target target = { -1, -1, "", "", false };
	CLEANUP(fd_closep) int directory = open(cli->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t head[BACKUP_HEAD_LEN], *key = NULL;
	int passphrase = -1;
	char id[BACKUP_ID_SIZE];

	random_hex(id, 16);
	if (directory < 0)
		return cli_fail("%s: %s", cli->data, strerror(errno));
	struct pack pack = { .data = cli->data,
		.directory = directory,
		.id = id,
		.made_at = clock_wall_ms(),
		.recordings = cli_option(cli, "with-recordings", 0) != NULL };
	int r = backup_passphrase(cli, true, &passphrase);
	if (r == CLI_OK)
		r = target_open(cli_argument(cli, 0), &target);
	backup_head(head);
	if (r == CLI_OK)
		r = backup_key(STEAL_FD(passphrase), head, &key);
	fd_closep(&passphrase);
	if (r == CLI_OK)
		r = begin(cli, id);
	if (r == CLI_OK)
		r = write_it(cli, &pack, &target, head, key);
	guarded_destroy(key);
	return r;
}

const struct command command_backup = {
	.words = "backup",
	.takes = "FILE",
	.sentence = "Write everything another machine needs into one encrypted file",
	.options = (const struct option_row[]){ PASSPHRASE_OPTION{ "with-recordings", NULL,
							OPTION_FLAG, NULL,
							"the recordings too, not only their names, "
							"lengths and hashes" },
		{ 0 } },
	.run = backup,
};
