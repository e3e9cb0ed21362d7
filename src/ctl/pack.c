/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/version.h"
#include "store/copy.h"
#include "store/store.h"
#include "wire/recording.h"
#include "wire/releases.h"

#define PATH_SIZE 4096
#define NAME_SIZE_MAX 200
#define PIECE 65536
#define KEYRING_MOST 65536
#define TELL_MS 1000

static void tell(struct pack *pack)
{
	uint64_t now = clock_monotonic_ms();

	if (now - pack->told_ms < TELL_MS)
		return;
	pack->told_ms = now;
	fprintf(stderr, "backup: %llu rows, %llu files, %llu MiB%c", (unsigned long long)pack->rows,
		(unsigned long long)pack->files, (unsigned long long)(pack->writer->written >> 20),
		isatty(STDERR_FILENO) ? '\r' : '\n');
}

static int failed(struct pack *pack, const char *what, int r)
{
	snprintf(pack->failed, sizeof pack->failed, "%s: %s", what,
		r == -ERR_SYSTEM ? strerror(errno) : error_text(r));
	return r;
}

/* --- the store ------------------------------------------------------------------------------ */

static int put_about(struct pack *pack, unsigned schema)
{
	char text[512];
	int len = snprintf(text, sizeof text, "version=%s\nid=%s\nmade_at=%lld\nschema=%u\n",
		gateway_version, pack->id, (long long)pack->made_at, schema);

	return backup_put(pack->writer, ITEM_ABOUT, text, (size_t)len);
}

static int put_table(void *context, const char *name, const char *const *columns, unsigned count)
{
	struct pack *pack = context;
	bool audit = strcmp(name, "audit") == 0;

	buf_clear(pack->scratch);
	pack->audit_sequence = pack->audit_hash = pack->audit_detail = -1;
	int r = buf_append(pack->scratch, name, strlen(name) + 1);
	for (unsigned i = 0; r == 0 && i < count; i++) {
		r = buf_append(pack->scratch, columns[i], strlen(columns[i]) + 1);
		if (audit && strcmp(columns[i], "sequence") == 0)
			pack->audit_sequence = (int)i;
		if (audit && strcmp(columns[i], "hash") == 0)
			pack->audit_hash = (int)i;
		if (audit && strcmp(columns[i], "detail") == 0)
			pack->audit_detail = (int)i;
	}
	return r < 0 ? r
		     : backup_put(
			       pack->writer, ITEM_TABLE, pack->scratch->data, pack->scratch->len);
}

static int add_value(struct buf *out, const struct value *value)
{
	uint8_t head[9] = { (uint8_t)value->type };

	if (value->type == VALUE_NULL)
		return buf_append(out, head, 1);
	if (value->type == VALUE_INTEGER) {
		put64(head + 1, (uint64_t)value->integer);
		return buf_append(out, head, 9);
	}
	put32(head + 1, (uint32_t)value->len);
	int r = buf_append(out, head, 5);
	return r < 0 || value->len == 0 ? r : buf_append(out, value->bytes, value->len);
}

/* The newest row, and how much of the vault's log of releases the trail has seen. */
static void look_at_audit(struct pack *pack, const struct value *values)
{
	static const char key[] = "\"releases\":";
	const struct value *hash = &values[pack->audit_hash];
	const struct value *detail = &values[pack->audit_detail];
	int64_t row = values[pack->audit_sequence].integer;

	if (row >= pack->row && hash->len == sizeof pack->head) {
		pack->row = row;
		memcpy(pack->head, hash->bytes, sizeof pack->head);
	}
	const char *at =
		detail->len > 0 ? memmem(detail->bytes, detail->len, key, sizeof key - 1) : NULL;
	if (at != NULL)
		pack->releases = MAX(pack->releases, strtoull(at + sizeof key - 1, NULL, 10));
}

static int put_row(void *context, const struct value *values, unsigned count)
{
	struct pack *pack = context;
	int r = 0;

	buf_clear(pack->scratch);
	for (unsigned i = 0; r == 0 && i < count; i++)
		r = add_value(pack->scratch, &values[i]);
	if (pack->audit_sequence >= 0 && pack->audit_hash >= 0 && pack->audit_detail >= 0)
		look_at_audit(pack, values);
	pack->rows++;
	tell(pack);
	return r < 0 ? r
		     : backup_put(pack->writer, ITEM_ROW, pack->scratch->data, pack->scratch->len);
}

static int schema_of(const char *path, unsigned *ret_schema)
{
	char number[16];
	struct store *store = NULL;
	int r = store_open_read("sqlite", path, &store);

	if (r == 0)
		r = store_fact_get(store, "schema", number, sizeof number);
	store_close(store);
	if (r == 0)
		*ret_schema = (unsigned)strtoul(number, NULL, 10);
	return r;
}

static int put_store(struct pack *pack)
{
	CLEANUP(buf_finish) struct buf scratch = BUF(BACKUP_ITEM_MAX);
	struct copy_sink sink = { pack, put_table, put_row };
	char path[PATH_SIZE];
	unsigned schema = 0;

	pack->scratch = &scratch;
	snprintf(path, sizeof path, "%s/store", pack->data);
	int r = schema_of(path, &schema);
	if (r == 0)
		r = put_about(pack, schema);
	if (r == 0)
		r = store_copy_out(path, &sink);
	return r == -ERR_STORE || r == -ERR_STORE_NEWER ? failed(pack, "the store", r) : r;
}

/* --- files ---------------------------------------------------------------------------------- */

/* So many bytes of it, piece by piece; what fn returns but 0 ends it. */
static int each_piece(struct pack *pack, const char *name, int fd, uint64_t size,
	int (*fn)(void *context, const uint8_t *piece, size_t len), void *context)
{
	CLEANUP(mem_freep) uint8_t *piece = malloc(PIECE);
	int r = piece == NULL ? -ERR_SYSTEM : 0;

	for (uint64_t left = size; r == 0 && left > 0;) {
		ssize_t got = read(fd, piece, MIN(left, (uint64_t)PIECE));
		if (got <= 0) {
			r = failed(pack, name, got < 0 ? -ERR_SYSTEM : -ERR_CLOSED);
			break;
		}
		r = fn(context, piece, (size_t)got);
		left -= (uint64_t)got;
		tell(pack);
	}
	if (piece != NULL)
		mem_wipe(piece, PIECE);
	return r;
}

static int put_piece(void *context, const uint8_t *piece, size_t len)
{
	struct pack *pack = context;

	return backup_put(pack->writer, ITEM_DATA, piece, len);
}

static int hash_piece(void *context, const uint8_t *piece, size_t len)
{
	crypto_hash_sha256_update(context, piece, len);
	return 0;
}

/* So many bytes of it as it has now; what is appended meanwhile is not in this backup. */
static int put_file(struct pack *pack, const char *name, int fd, mode_t mode, uint64_t size)
{
	uint8_t head[12 + NAME_SIZE_MAX];
	size_t len = strlen(name);

	if (len >= NAME_SIZE_MAX)
		return failed(pack, name, -ERR_TOO_LARGE);
	put32(head, mode & 0777);
	put64(head + 4, size);
	memcpy(head + 12, name, len);
	pack->files++;
	int r = backup_put(pack->writer, ITEM_FILE, head, 12 + len);
	return r < 0 ? r : each_piece(pack, name, fd, size, put_piece, pack);
}

static int put_absent(struct pack *pack, const char *name, int fd, uint64_t size)
{
	uint8_t head[40 + NAME_SIZE_MAX];
	crypto_hash_sha256_state hash;
	size_t len = strlen(name);

	if (len >= NAME_SIZE_MAX)
		return failed(pack, name, -ERR_TOO_LARGE);
	crypto_hash_sha256_init(&hash);
	int r = each_piece(pack, name, fd, size, hash_piece, &hash);
	if (r < 0)
		return r;
	put64(head, size);
	crypto_hash_sha256_final(&hash, head + 8);
	memcpy(head + 40, name, len);
	pack->absent++;
	return backup_put(pack->writer, ITEM_ABSENT, head, 40 + len);
}

struct counted {
	uint64_t most, bytes;
};

static bool count_line(void *context, const char *line, size_t len)
{
	struct counted *counted = context;

	if (releases_line_sequence(line, len) > counted->most)
		return false;
	counted->bytes += len + 1;
	return true;
}

/* The vault's log as far as the trail of this backup has seen it, so that the two agree. */
static int releases_size(const struct pack *pack, int fd, uint64_t *size)
{
	struct counted counted = { pack->releases, 0 };
	off_t complete;
	int r = releases_read(fd, count_line, &counted, &complete);

	*size = counted.bytes;
	return r < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -ERR_SYSTEM : 0;
}

static int put_one(struct pack *pack, const char *room, const char *entry)
{
	char name[NAME_SIZE_MAX + 32];
	struct stat stat;
	uint64_t first;

	snprintf(name, sizeof name, "%s%s%s", room, room[0] ? "/" : "", entry);
	CLEANUP(fd_closep)
	int fd = openat(pack->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return failed(pack, name, -ERR_SYSTEM);
	if (!S_ISREG(stat.st_mode))
		return 0;
	uint64_t size = (uint64_t)stat.st_size;
	bool vault = strcmp(room, "vault") == 0;
	if (vault && (strcmp(entry, RELEASES_FILE) == 0 || releases_name_parse(entry, &first)) &&
		releases_size(pack, fd, &size) < 0)
		return failed(pack, name, -ERR_SYSTEM);
	if (strcmp(room, "recordings") == 0 && !pack->recordings)
		return put_absent(pack, name, fd, size);
	return put_file(pack, name, fd, stat.st_mode, size);
}

/* Beside recordings the recorder keeps room in reserve, which is worth nothing elsewhere. */
static bool wanted(const char *room, const char *name)
{
	size_t len = strlen(name), end = strlen(RECORDING_SUFFIX);

	if (strcmp(room, "recordings") == 0)
		return len > end && strcmp(name + len - end, RECORDING_SUFFIX) == 0;
	return name[0] != '.';
}

static int put_room(struct pack *pack, const char *room)
{
	int fd = openat(pack->directory, room, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;

	if (list == NULL) {
		fd_closep(&fd);
		return failed(pack, room, -ERR_SYSTEM);
	}
	for (struct dirent *entry; r == 0 && (entry = readdir(list)) != NULL;)
		if (wanted(room, entry->d_name))
			r = put_one(pack, room, entry->d_name);
	closedir(list);
	return r;
}

static int put_files(struct pack *pack)
{
	int r = put_room(pack, "vault");

	if (r == 0)
		r = put_room(pack, "tls");
	if (r == 0)
		r = put_room(pack, "recordings");
	if (r == 0)
		r = put_one(pack, "", "installation.pem");
	return r < 0 ? r : put_one(pack, "", "sallyport.conf");
}

/* --- all of it ------------------------------------------------------------------------------ */

static int put_tail(struct pack *pack)
{
	uint8_t tail[BACKUP_TAIL_LEN];

	put64(tail, (uint64_t)pack->row);
	memcpy(tail + 8, pack->head, sizeof pack->head);
	put64(tail + 40, pack->rows);
	put64(tail + 48, pack->files);
	int r = backup_put(pack->writer, ITEM_TAIL, tail, sizeof tail);
	return r < 0 ? r : backup_end(pack->writer);
}

static ssize_t read_keyring(const struct pack *pack, uint8_t out[KEYRING_MOST])
{
	CLEANUP(fd_closep)
	int fd = openat(pack->directory, "vault/keyring", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -1 : read(fd, out, KEYRING_MOST);
}

/* The keys that open what the store holds: the same before the one was read and after the other. */
int pack_all(struct pack *pack)
{
	CLEANUP(mem_freep) uint8_t *before = malloc(KEYRING_MOST);
	CLEANUP(mem_freep) uint8_t *after = malloc(KEYRING_MOST);

	pack->told_ms = clock_monotonic_ms();
	ssize_t len = before == NULL || after == NULL ? -1 : read_keyring(pack, before);
	if (len < 0)
		return failed(pack, "vault/keyring", -ERR_SYSTEM);
	int r = put_store(pack);
	if (r == 0)
		r = put_files(pack);
	if (r == 0 && (read_keyring(pack, after) != len || memcmp(before, after, (size_t)len) != 0))
		r = failed(pack, "a root key was changed meanwhile", -ERR_WRONG_MOMENT);
	return r < 0 ? r : put_tail(pack);
}
