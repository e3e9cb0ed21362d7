/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "ctl/backup_stream.h"
#include "store/copy.h"
#include "store/store.h"

#define NAME_MAX_LEN 200
#define PATH_SIZE 4096

struct unpacking {
	const char *path;
	int directory; /* -1: nowhere */
	struct unpacked *out;
	struct store_copy *copy;
	unsigned columns; /* of the table at hand; 0: none */
	int file;
	uint64_t missing; /* bytes of the file at hand */
	bool about, tail;
};

/* --- what it says of itself ----------------------------------------------------------------- */

/* "made_at=170..\n" among the lines; NULL: not there. */
static const char *line_of(const char *text, const char *name, char out[64])
{
	size_t len = strlen(name);

	for (; text != NULL && *text != '\0'; text = strchr(text, '\n'), text += text != NULL) {
		if (strncmp(text, name, len) != 0 || text[len] != '=')
			continue;
		size_t value = strcspn(text + len + 1, "\n");
		return text_copy_len(out, 64, text + len + 1, value) == 0 ? out : NULL;
	}
	return NULL;
}

static int take_about(struct unpacking *it, const uint8_t *bytes, size_t len)
{
	char text[1024], value[64];
	struct unpacked *out = it->out;

	if (it->about || text_copy_len(text, sizeof text, bytes, len) < 0)
		return -ERR_MALFORMED;
	it->about = true;
	if (line_of(text, "version", value) == NULL ||
		text_copy(out->version, sizeof out->version, value) < 0 ||
		line_of(text, "id", value) == NULL ||
		text_copy(out->id, sizeof out->id, value) < 0 ||
		strspn(value, "0123456789abcdef") != BACKUP_ID_SIZE - 1 ||
		line_of(text, "made_at", value) == NULL)
		return -ERR_MALFORMED;
	out->made_at = strtoll(value, NULL, 10);
	if (line_of(text, "schema", value) == NULL)
		return -ERR_MALFORMED;
	out->schema = (unsigned)strtoul(value, NULL, 10);
	if (out->schema == 0 || out->schema > schema_newest())
		return -ERR_STORE_NEWER;
	return 0;
}

static int take_tail(struct unpacking *it, const uint8_t *bytes, size_t len)
{
	if (len != BACKUP_TAIL_LEN || it->missing > 0)
		return -ERR_MALFORMED;
	it->tail = true;
	it->out->row = (int64_t)get64(bytes);
	memcpy(it->out->head, bytes + 8, HASH_LEN);
	bool all = get64(bytes + 40) == it->out->rows && get64(bytes + 48) == it->out->files;
	return all ? 0 : -ERR_MALFORMED;
}

/* --- the store ------------------------------------------------------------------------------ */

static int begin_store(struct unpacking *it)
{
	char path[PATH_SIZE];

	if (it->directory < 0 || it->copy != NULL)
		return 0;
	snprintf(path, sizeof path, "%s/store", it->path);
	return store_copy_begin(path, it->out->schema, &it->copy);
}

static int take_table(struct unpacking *it, const uint8_t *bytes, size_t len)
{
	const char *names[VALUES_MAX + 1];
	unsigned count = 0;

	for (size_t at = 0; at < len; at += strlen(names[count - 1]) + 1) {
		if (count > VALUES_MAX || memchr(bytes + at, 0, len - at) == NULL)
			return -ERR_MALFORMED;
		names[count++] = (const char *)bytes + at;
	}
	if (count < 2)
		return -ERR_MALFORMED;
	it->columns = count - 1;
	int r = begin_store(it);
	return r < 0 || it->copy == NULL
		       ? r
		       : store_copy_table(it->copy, names[0], names + 1, it->columns);
}

/* One value; how many bytes it took, 0: it is none. */
static size_t read_value(const uint8_t *bytes, size_t len, struct value *ret_value)
{
	*ret_value = (struct value){ .type = bytes[0] };
	switch (bytes[0]) {
	case VALUE_NULL:
		return 1;
	case VALUE_INTEGER:
		if (len < 9)
			return 0;
		ret_value->integer = (int64_t)get64(bytes + 1);
		return 9;
	case VALUE_TEXT:
	case VALUE_BYTES:
		if (len < 5 || get32(bytes + 1) > len - 5)
			return 0;
		ret_value->len = get32(bytes + 1);
		ret_value->bytes = bytes + 5;
		return 5 + ret_value->len;
	default:
		return 0;
	}
}

static int take_row(struct unpacking *it, const uint8_t *bytes, size_t len)
{
	struct value values[VALUES_MAX];
	size_t at = 0;

	if (it->columns == 0)
		return -ERR_MALFORMED;
	for (unsigned i = 0; i < it->columns; i++) {
		size_t took = at < len ? read_value(bytes + at, len - at, &values[i]) : 0;
		if (took == 0)
			return -ERR_MALFORMED;
		at += took;
	}
	it->out->rows++;
	if (at != len)
		return -ERR_MALFORMED;
	return it->copy == NULL ? 0 : store_copy_row(it->copy, values, it->columns);
}

/* --- files ---------------------------------------------------------------------------------- */

/* One of ours: in one of three directories, or one of two beside them. */
static bool good_name(const char *name)
{
	static const char *const rooms[] = { "tls/", "vault/", "recordings/" };

	if (strcmp(name, "sallyport.conf") == 0 || strcmp(name, "installation.pem") == 0)
		return true;
	for (unsigned i = 0; i < ARRAY_LEN(rooms); i++) {
		size_t len = strlen(rooms[i]);
		if (strncmp(name, rooms[i], len) == 0)
			return name[len] != '\0' && name[len] != '.' &&
			       strchr(name + len, '/') == NULL;
	}
	return false;
}

static int end_file(struct unpacking *it)
{
	int r = it->file >= 0 && fsync(it->file) < 0 ? -ERR_SYSTEM : 0;

	fd_closep(&it->file);
	it->file = -1;
	return r;
}

static int take_file(struct unpacking *it, const uint8_t *bytes, size_t len)
{
	char name[NAME_MAX_LEN];

	if (len < 12 || it->missing > 0 ||
		text_copy_len(name, sizeof name, bytes + 12, len - 12) < 0 || !good_name(name))
		return -ERR_MALFORMED;
	it->out->files++;
	it->missing = get64(bytes + 4);
	if (it->directory < 0)
		return 0;
	it->file = openat(
		it->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (it->file < 0 || fchmod(it->file, get32(bytes) & 0644) < 0)
		return errno == ENOSPC ? -ERR_STORE_FULL : -ERR_SYSTEM;
	return it->missing == 0 ? end_file(it) : 0;
}

static int take_data(struct unpacking *it, const uint8_t *bytes, size_t len)
{
	if (len == 0 || len > it->missing)
		return -ERR_MALFORMED;
	it->missing -= len;
	int r = it->file >= 0 ? backup_write(it->file, bytes, len) : 0;
	return r == 0 && it->missing == 0 ? end_file(it) : r;
}

static int take_absent(struct unpacking *it, const uint8_t *bytes, size_t len)
{
	char name[NAME_MAX_LEN];

	if (len < 40 || text_copy_len(name, sizeof name, bytes + 40, len - 40) < 0 ||
		!good_name(name))
		return -ERR_MALFORMED;
	it->out->absent++;
	it->out->absent_bytes += get64(bytes);
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------ */

static int take_item(struct unpacking *it, enum backup_item kind, const uint8_t *bytes, size_t len)
{
	if (it->tail || (!it->about && kind != ITEM_ABOUT))
		return -ERR_MALFORMED;
	switch (kind) {
	case ITEM_ABOUT:
		return take_about(it, bytes, len);
	case ITEM_TABLE:
		return take_table(it, bytes, len);
	case ITEM_ROW:
		return take_row(it, bytes, len);
	case ITEM_FILE:
		return take_file(it, bytes, len);
	case ITEM_DATA:
		return take_data(it, bytes, len);
	case ITEM_ABSENT:
		return take_absent(it, bytes, len);
	default:
		return take_tail(it, bytes, len);
	}
}

static int make_rooms(struct unpacking *it)
{
	static const char *const names[] = { "tls", "vault", "store", "recordings" };

	it->directory = open(it->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (it->directory < 0)
		return -ERR_SYSTEM;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (mkdirat(it->directory, names[i], 0700) < 0)
			return errno == ENOSPC ? -ERR_STORE_FULL : -ERR_SYSTEM;
	return 0;
}

static int take_all(struct unpacking *it, struct backup_reader *reader)
{
	enum backup_item kind;
	const uint8_t *bytes;
	size_t len;
	int r;

	while ((r = backup_next(reader, &kind, &bytes, &len)) > 0)
		if ((r = take_item(it, kind, bytes, len)) < 0)
			return r;
	it->out->bytes = reader->passed;
	if (r < 0 || !it->tail)
		return r < 0 ? r : -ERR_MALFORMED;
	return it->copy != NULL ? store_copy_end(STEAL(it->copy)) : 0;
}

int unpack(int fd, const uint8_t head[BACKUP_HEAD_LEN], const uint8_t key[BACKUP_KEY_LEN],
	const char *path, struct unpacked *ret_unpacked)
{
	struct unpacking it = { .path = path, .directory = -1, .out = ret_unpacked, .file = -1 };
	struct backup_reader reader;

	memset(ret_unpacked, 0, sizeof *ret_unpacked);
	int r = backup_reader_init(&reader, fd, head, key);
	if (r == 0 && path != NULL)
		r = make_rooms(&it);
	if (r == 0)
		r = take_all(&it, &reader);
	backup_reader_finish(&reader);
	store_copy_destroy(it.copy);
	fd_closep(&it.file);
	fd_closep(&it.directory);
	return r;
}
