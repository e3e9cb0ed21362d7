/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "ctl/backup_stream.c"

static const uint8_t key[BACKUP_KEY_LEN] = "a key of thirty-two bytes";

/* Items of these lengths in a memory file, which stands at its beginning. */
static int written(const size_t *lens, unsigned count)
{
	int fd = memfd_create("backup", MFD_CLOEXEC);
	struct backup_writer writer;
	uint8_t head[BACKUP_HEAD_LEN];
	uint8_t *bytes = calloc(1, BACKUP_ITEM_MAX + 1);

	assert_true(fd >= 0);
	backup_head(head);
	assert_int_equal(backup_writer_init(&writer, fd, head, key), 0);
	for (unsigned i = 0; i < count; i++) {
		memset(bytes, 'a' + (int)i, lens[i]);
		assert_int_equal(backup_put(&writer, ITEM_DATA, bytes, lens[i]), 0);
	}
	assert_int_equal(
		backup_put(&writer, ITEM_DATA, bytes, BACKUP_ITEM_MAX + 1), -ERR_TOO_LARGE);
	assert_int_equal(backup_end(&writer), 0);
	assert_int_equal(writer.written, lseek(fd, 0, SEEK_CUR));
	backup_writer_finish(&writer);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	free(bytes);
	return fd;
}

/* From the beginning to the end: 0, or what was found; *ret_items were whole before. */
static int read_back(int fd, const uint8_t with[BACKUP_KEY_LEN], unsigned *ret_items)
{
	uint8_t head[BACKUP_HEAD_LEN];
	struct backup_reader reader;
	enum backup_item kind;
	const uint8_t *bytes;
	size_t len;

	*ret_items = 0;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	int r = backup_head_read(fd, head);
	if (r < 0)
		return r;
	r = backup_reader_init(&reader, fd, head, with);
	while (r >= 0 && (r = backup_next(&reader, &kind, &bytes, &len)) > 0) {
		assert_int_equal(kind, ITEM_DATA);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(bytes[i], 'a' + *ret_items);
		++*ret_items;
	}
	backup_reader_finish(&reader);
	return r;
}

static void comes_back_as_it_was(void **state)
{
	static const size_t lens[] = { 0, 1, BACKUP_CHUNK - 25, BACKUP_CHUNK, BACKUP_ITEM_MAX, 5 };
	unsigned items;

	for (unsigned count = 0; count <= ARRAY_LEN(lens); count++) {
		int fd = written(lens, count);
		assert_int_equal(read_back(fd, key, &items), 0);
		assert_int_equal(items, count);
		close(fd);
	}
}

static void every_altered_bit_is_found(void **state)
{
	static const size_t lens[] = { 3, 40 };
	int fd = written(lens, 2);
	off_t size = lseek(fd, 0, SEEK_END);
	unsigned items;
	uint8_t byte, altered;

	for (off_t at = 0; at < size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			assert_int_equal(pread(fd, &byte, 1, at), 1);
			altered = byte ^ (uint8_t)(1 << bit);
			assert_int_equal(pwrite(fd, &altered, 1, at), 1);
			assert_true(read_back(fd, key, &items) < 0);
			assert_int_equal(items, 0);
			assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		}
	assert_int_equal(read_back(fd, key, &items), 0);
	close(fd);
}

static void every_cut_is_found(void **state)
{
	static const size_t lens[] = { BACKUP_CHUNK - 8, 40 };
	int fd = written(lens, 2);
	off_t size = lseek(fd, 0, SEEK_END);
	unsigned items;

	/* between the chunks too: the first is whole then, and not the last */
	for (off_t cut = size - 1; cut >= 0; cut -= cut > size - 80 || cut < 80 ? 1 : 1009) {
		assert_int_equal(ftruncate(fd, cut), 0);
		assert_int_equal(read_back(fd, key, &items), -ERR_CLOSED);
	}
	close(fd);
}

static void what_is_behind_or_of_another_key_is_refused(void **state)
{
	static const size_t lens[] = { 3 };
	static const uint8_t other[BACKUP_KEY_LEN] = "another";
	int fd = written(lens, 1);
	unsigned items;

	assert_int_equal(read_back(fd, other, &items), -ERR_CRYPTO);
	assert_int_equal(lseek(fd, 0, SEEK_END) > 0 && write(fd, "x", 1) == 1, 1);
	assert_int_equal(read_back(fd, key, &items), -ERR_CRYPTO);
	close(fd);
}

/* An item that goes on after the last chunk, and a kind that there is not: a writer of ours lied.
 */
static void authentic_nonsense_is_refused(void **state)
{
	static const uint8_t heads[][8] = { { ITEM_DATA, 0, 0, 0, 9 }, { 0 }, { 99 },
		{ ITEM_DATA, 0, 0, 0, 0, 0, 0, 1 } };
	uint8_t head[BACKUP_HEAD_LEN];
	struct backup_writer writer;
	unsigned items;

	for (unsigned i = 0; i < ARRAY_LEN(heads); i++) {
		int fd = memfd_create("backup", MFD_CLOEXEC);
		backup_head(head);
		assert_int_equal(backup_writer_init(&writer, fd, head, key), 0);
		assert_int_equal(put_bytes(&writer, heads[i], 8), 0);
		assert_int_equal(backup_end(&writer), 0);
		backup_writer_finish(&writer);
		assert_int_equal(read_back(fd, key, &items), -ERR_MALFORMED);
		close(fd);
	}
}

static void a_head_cannot_ask_for_too_much(void **state)
{
	static const size_t lens[] = { 3 };
	static const struct {
		off_t at;
		uint64_t value;
		int r;
	} rows[] = { { 0, 0, -ERR_MALFORMED }, { 8, 2, -ERR_STORE_NEWER },
		{ 12, 17, -ERR_MALFORMED }, { 16, 1, -ERR_MALFORMED },
		{ 16, BACKUP_MEMORY_MAX + 1, -ERR_MALFORMED } };
	unsigned items;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int fd = written(lens, 1);
		uint8_t bytes[8];
		put64(bytes, rows[i].value);
		assert_int_equal(pwrite(fd, bytes,
					 i < 1   ? 8
					 : i < 2 ? 1
					 : i < 3 ? 4
						 : 8,
					 rows[i].at) > 0,
			1);
		assert_int_equal(read_back(fd, key, &items), rows[i].r);
		close(fd);
	}
}

static void a_full_disk_is_told(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct backup_writer writer;
	uint8_t head[BACKUP_HEAD_LEN];

	backup_head(head);
	assert_int_equal(backup_writer_init(&writer, fd, head, key), -ERR_STORE_FULL);
	backup_writer_finish(&writer);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_as_it_was),
		cmocka_unit_test(every_altered_bit_is_found),
		cmocka_unit_test(every_cut_is_found),
		cmocka_unit_test(what_is_behind_or_of_another_key_is_refused),
		cmocka_unit_test(authentic_nonsense_is_refused),
		cmocka_unit_test(a_head_cannot_ask_for_too_much),
		cmocka_unit_test(a_full_disk_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
