/* SPDX-License-Identifier: Apache-2.0 */
#include "installation.h"

#include <dirent.h>
#include <sys/mman.h>

#include "ctl/unpack.c"

#define ABOUT "version=1\nid=0123456789abcdef0123456789abcdef\nmade_at=7\nschema=1\n"
static const uint8_t key[BACKUP_KEY_LEN];

/* A backup in the making, item by item. */
struct making {
	struct backup_writer writer;
	uint8_t head[BACKUP_HEAD_LEN];
	int fd;
};

static void begin(struct making *making)
{
	making->fd = memfd_create("backup", MFD_CLOEXEC);
	backup_head(making->head);
	assert_int_equal(backup_writer_init(&making->writer, making->fd, making->head, key), 0);
}
static void put(struct making *making, enum backup_item kind, const void *bytes, size_t len)
{
	assert_int_equal(backup_put(&making->writer, kind, bytes, len), 0);
}
#define PUT(making, kind, text) put(making, kind, text, sizeof(text) - 1)

static void put_file(struct making *making, const char *name, const char *content)
{
	uint8_t bytes[256] = { 0 };

	put32(bytes, 0644);
	put64(bytes + 4, strlen(content));
	memcpy(bytes + 12, name, strlen(name));
	put(making, ITEM_FILE, bytes, 12 + strlen(name));
	if (content[0] != '\0')
		put(making, ITEM_DATA, content, strlen(content));
}

static void put_tail(struct making *making, uint64_t rows, uint64_t files)
{
	uint8_t bytes[BACKUP_TAIL_LEN] = { 42 };

	put64(bytes + 40, rows);
	put64(bytes + 48, files);
	put(making, ITEM_TAIL, bytes, sizeof bytes);
}

/* Its end; what unpack() makes of it. */
static int end(struct making *making, const char *path, struct unpacked *ret_unpacked)
{
	assert_int_equal(backup_end(&making->writer), 0);
	backup_writer_finish(&making->writer);
	assert_int_equal(lseek(making->fd, BACKUP_HEAD_LEN, SEEK_SET), BACKUP_HEAD_LEN);
	int r = unpack(making->fd, making->head, key, path, ret_unpacked);
	close(making->fd);
	return r;
}

static void puts_everything_in_its_place(void **state)
{
	struct desk *desk = *state;
	struct making making;
	struct unpacked unpacked;
	struct store *store;
	struct stat stat;
	char value[8];

	begin(&making);
	PUT(&making, ITEM_ABOUT, ABOUT);
	PUT(&making, ITEM_TABLE, "facts\0name\0value\0");
	PUT(&making, ITEM_ROW, "\2\3\0\0\0odd\2\2\0\0\0ok");
	PUT(&making, ITEM_ROW, "\2\6\0\0\0schema\2\1\0\0\0001");
	put_file(&making, "vault/keyring", "keys");
	put_file(&making, "tls/cert.pem", "");
	put_tail(&making, 2, 2);
	assert_int_equal(end(&making, desk->directory, &unpacked), 0);
	assert_int_equal(unpacked.rows, 2);
	assert_int_equal(unpacked.files, 2);
	assert_int_equal(unpacked.made_at, 7);
	assert_int_equal(unpacked.row, 42);
	assert_string_equal(unpacked.id, "0123456789abcdef0123456789abcdef");
	assert_int_equal(lstat(installation_path(desk, "vault/keyring"), &stat), 0);
	assert_int_equal(stat.st_size, 4);
	assert_int_equal(stat.st_mode & 07777, 0644);
	assert_true(installation_has(desk, "tls/cert.pem"));
	assert_int_equal(store_open_read("sqlite", installation_path(desk, "store"), &store), 0);
	assert_int_equal(store_fact_get(store, "odd", value, sizeof value), 0);
	assert_string_equal(value, "ok");
	store_close(store);
}

static int with_about(const char *text)
{
	struct making making;
	struct unpacked unpacked;

	begin(&making);
	put(&making, ITEM_ABOUT, text, strlen(text));
	put_tail(&making, 0, 0);
	return end(&making, NULL, &unpacked);
}

static void what_it_says_of_itself_is_checked(void **state)
{
	assert_int_equal(with_about(ABOUT), 0);
	assert_int_equal(with_about(""), -ERR_MALFORMED);
	assert_int_equal(with_about("version=1\nid=xyz\nmade_at=7\nschema=1\n"), -ERR_MALFORMED);
	assert_int_equal(with_about("version=1\nid=0123456789abcdef0123456789abcdef\nschema=1\n"),
		-ERR_MALFORMED);
	assert_int_equal(with_about("version=1\nid=0123456789abcdef0123456789abcdef\nmade_at=7\n"),
		-ERR_MALFORMED);
	assert_int_equal(with_about("version=1\nid=0123456789abcdef0123456789abcdef\nmade_at=7\n"
				    "schema=9999\n"),
		-ERR_STORE_NEWER);
}

static int with_file(const char *name)
{
	struct making making;
	struct unpacked unpacked;

	begin(&making);
	PUT(&making, ITEM_ABOUT, ABOUT);
	put_file(&making, name, "x");
	put_tail(&making, 0, 1);
	return end(&making, NULL, &unpacked);
}

static void no_name_leads_outside(void **state)
{
	static const char *const bad[] = { "", "x", "/etc/passwd", "../x", "tls/", "tls/../x",
		"tls/.x", "vault/a/b", "store/sallyport.db", "sallyport.conf/x", "control.sock" };

	assert_int_equal(with_file("tls/x"), 0);
	assert_int_equal(with_file("sallyport.conf"), 0);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(with_file(bad[i]), -ERR_MALFORMED);
}

/* One item between the beginning and the tail, of which the counts are right. */
static int with_item(enum backup_item kind, const void *bytes, size_t len)
{
	struct making making;
	struct unpacked unpacked;

	begin(&making);
	PUT(&making, ITEM_ABOUT, ABOUT);
	PUT(&making, ITEM_TABLE, "t\0a\0");
	put(&making, kind, bytes, len);
	put_tail(&making, kind == ITEM_ROW, kind == ITEM_FILE);
	return end(&making, NULL, &unpacked);
}
#define WITH(kind, text) with_item(kind, text, sizeof(text) - 1)

static void items_out_of_shape_are_refused(void **state)
{
	assert_int_equal(WITH(ITEM_ROW, "\0"), 0);
	assert_int_equal(WITH(ITEM_ROW, "\1\0\0\0\0\0\0\0\0"), 0);
	assert_int_equal(WITH(ITEM_ROW, ""), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_ROW, "\0\0"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_ROW, "\1\0\0\0"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_ROW, "\2\2\0\0\0x"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_ROW, "\2\2\0"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_ROW, "\7"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_TABLE, "t\0"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_TABLE, "t\0a"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_ABOUT, ABOUT), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_DATA, "x"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_FILE, "x"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_FILE, "\0\0\0\0\1\0\0\0\0\0\0\0tls/x"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_ABSENT, "x"), -ERR_MALFORMED);
	assert_int_equal(WITH(ITEM_TAIL, "x"), -ERR_MALFORMED);
}

static void columns_without_end_are_refused(void **state)
{
	char names[2 * (VALUES_MAX + 3)];

	for (unsigned i = 0; i < sizeof names; i += 2)
		memcpy(names + i, "a", 2);
	assert_int_equal(with_item(ITEM_TABLE, names, sizeof names), -ERR_MALFORMED);
	assert_int_equal(with_item(ITEM_TABLE, names, 2 * (VALUES_MAX + 1)), 0);
}

static void it_has_one_beginning_and_one_end(void **state)
{
	struct making making;
	struct unpacked unpacked;

	begin(&making);
	PUT(&making, ITEM_TABLE, "t\0a\0");
	put_tail(&making, 0, 0);
	assert_int_equal(end(&making, NULL, &unpacked), -ERR_MALFORMED);
	begin(&making);
	PUT(&making, ITEM_ABOUT, ABOUT);
	assert_int_equal(end(&making, NULL, &unpacked), -ERR_MALFORMED);
	begin(&making);
	PUT(&making, ITEM_ABOUT, ABOUT);
	put_tail(&making, 1, 0);
	assert_int_equal(end(&making, NULL, &unpacked), -ERR_MALFORMED);
	begin(&making);
	PUT(&making, ITEM_ABOUT, ABOUT);
	put_tail(&making, 0, 0);
	put_tail(&making, 0, 0);
	assert_int_equal(end(&making, NULL, &unpacked), -ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(puts_everything_in_its_place),
		cmocka_unit_test(what_it_says_of_itself_is_checked),
		cmocka_unit_test(no_name_leads_outside),
		cmocka_unit_test(items_out_of_shape_are_refused),
		cmocka_unit_test(columns_without_end_are_refused),
		cmocka_unit_test(it_has_one_beginning_and_one_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
