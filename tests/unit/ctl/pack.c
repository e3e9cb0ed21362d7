/* SPDX-License-Identifier: Apache-2.0 */
#include "installation.h"

#include <sys/mman.h>

#include "ctl/pack.c"

static const uint8_t key[BACKUP_KEY_LEN];

/* Into a memory file; what pack_all() said. */
static int pack_into(const struct desk *desk, bool recordings, struct pack *ret_pack, int *ret_fd)
{
	static struct backup_writer writer;
	uint8_t head[BACKUP_HEAD_LEN];

	*ret_fd = memfd_create("backup", MFD_CLOEXEC);
	*ret_pack = (struct pack){ .data = desk->directory,
		.directory = open(desk->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.id = "0123456789abcdef0123456789abcdef",
		.made_at = NOW,
		.recordings = recordings,
		.writer = &writer };
	backup_head(head);
	assert_int_equal(backup_writer_init(&writer, *ret_fd, head, key), 0);
	int r = pack_all(ret_pack);
	backup_writer_finish(&writer);
	close(ret_pack->directory);
	return r;
}

/* How many items of that kind there are whose bytes hold these. */
static unsigned count(int fd, enum backup_item wanted, const void *part, size_t part_len)
{
	uint8_t head[BACKUP_HEAD_LEN];
	struct backup_reader reader;
	enum backup_item kind;
	const uint8_t *bytes;
	unsigned found = 0;
	size_t len;
	int r;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(backup_head_read(fd, head), 0);
	assert_int_equal(backup_reader_init(&reader, fd, head, key), 0);
	while ((r = backup_next(&reader, &kind, &bytes, &len)) > 0)
		found += kind == wanted && memmem(bytes, len, part, part_len) != NULL;
	assert_int_equal(r, 0);
	backup_reader_finish(&reader);
	return found;
}
#define COUNT(fd, kind, text) count(fd, kind, text, strlen(text))

static void holds_everything(void **state)
{
	struct desk *desk = *state;
	struct store *store = installation_make(desk);
	struct pack pack;
	uint8_t hash[32];
	int fd;

	desk_file(desk, "vault/.hidden", "never");
	assert_int_equal(symlink("/etc/passwd", installation_path(desk, "vault/passwd")), 0);
	assert_int_equal(pack_into(desk, false, &pack, &fd), -ERR_SYSTEM);
	assert_non_null(strstr(pack.failed, "vault/passwd"));
	close(fd);
	assert_int_equal(unlink(installation_path(desk, "vault/passwd")), 0);

	assert_int_equal(pack_into(desk, false, &pack, &fd), 0);
	assert_int_equal(pack.files, 4);
	assert_int_equal(pack.absent, 1);
	assert_int_equal(COUNT(fd, ITEM_TABLE, "users"), 1);
	assert_int_equal(COUNT(fd, ITEM_ROW, "Ana Sousa"), 1);
	assert_int_equal(COUNT(fd, ITEM_DATA, "SALLYKEY and more"), 1);
	assert_int_equal(COUNT(fd, ITEM_DATA, "shown"), 0);
	assert_int_equal(COUNT(fd, ITEM_DATA, "never"), 0);
	crypto_hash_sha256(hash, (const uint8_t *)"shown", 5);
	assert_int_equal(count(fd, ITEM_ABSENT, hash, 32), 1);
	assert_int_equal(COUNT(fd, ITEM_FILE, "sallyport.conf"), 1);
	close(fd);

	assert_int_equal(pack_into(desk, true, &pack, &fd), 0);
	assert_int_equal(pack.files, 5);
	assert_int_equal(COUNT(fd, ITEM_DATA, "shown"), 1);
	assert_int_equal(COUNT(fd, ITEM_ABSENT, ""), 0);
	close(fd);
	store_close(store);
}

/* What the trail has not seen of the vault's log stays behind. */
static void the_log_of_releases_goes_as_far_as_the_trail(void **state)
{
	static const char line[] = "{\"sequence\":%u,\"kind\":0}\n";
	struct desk *desk = *state;
	struct store *store = installation_make(desk);
	struct audit_row row = { .sequence = 1, .at = NOW, .event = "session.ended" };
	struct pack pack;
	char log[256];
	int fd, len = 0;

	for (unsigned i = 1; i <= 3; i++)
		len += snprintf(log + len, sizeof log - (size_t)len, line, i);
	desk_file(desk, "vault/releases.log", log);
	text_copy(row.detail, sizeof row.detail, "{\"releases\":2,\"releases_head\":\"00\"}");
	memset(row.hash, 7, sizeof row.hash);
	assert_int_equal(store_audit_add(store, &row), 0);
	assert_int_equal(pack_into(desk, false, &pack, &fd), 0);
	assert_int_equal(pack.releases, 2);
	assert_int_equal(pack.row, 1);
	assert_memory_equal(pack.head, row.hash, 32);
	assert_int_equal(COUNT(fd, ITEM_DATA, "\"sequence\":3"), 0);
	assert_int_equal(COUNT(fd, ITEM_DATA, "\"sequence\":2"), 1);
	close(fd);
	store_close(store);
}

static void without_a_store_it_says_so(void **state)
{
	struct desk *desk = *state;
	struct store *store = installation_make(desk);
	struct pack pack;
	int fd;

	store_close(store);
	assert_int_equal(unlink(installation_path(desk, "store/sallyport.db")), 0);
	assert_int_equal(pack_into(desk, false, &pack, &fd), -ERR_STORE);
	assert_non_null(strstr(pack.failed, "the store: "));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(holds_everything),
		DESK_CASE(the_log_of_releases_goes_as_far_as_the_trail),
		DESK_CASE(without_a_store_it_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
