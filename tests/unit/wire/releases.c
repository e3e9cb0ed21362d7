/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/releases.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/mem.h"

struct pen {
	uint8_t public[32], secret[64];
	uint64_t sequence;
	uint8_t head[HASH_LEN];
};

static void pen_init(struct pen *pen)
{
	*pen = (struct pen){ 0 };
	assert_true(sodium_init() >= 0);
	crypto_sign_keypair(pen->public, pen->secret);
}

/* The next line as the vault writes it, without its newline. */
static size_t write_line(struct pen *pen, const char *what, char out[RELEASES_LINE_MAX])
{
	char previous[2 * HASH_LEN + 1], text[2 * RELEASES_SIGNATURE_LEN + 1];
	uint8_t bytes[RELEASES_CONTEXT_LEN + RELEASES_LINE_MAX], signature[RELEASES_SIGNATURE_LEN];
	hex_encode(previous, pen->head, HASH_LEN);
	size_t len = (size_t)snprintf(out, RELEASES_LINE_MAX,
		"{\"sequence\":%llu,\"what\":\"%s\",\"previous\":\"%s\"",
		(unsigned long long)++pen->sequence, what, previous);
	memcpy(bytes, RELEASES_CONTEXT, RELEASES_CONTEXT_LEN);
	memcpy(bytes + RELEASES_CONTEXT_LEN, out, len);
	crypto_sign_detached(signature, NULL, bytes, RELEASES_CONTEXT_LEN + len, pen->secret);
	hex_encode(text, signature, sizeof signature);
	len += (size_t)snprintf(
		out + len, RELEASES_LINE_MAX - len, RELEASES_MARK "%s" RELEASES_END, text);
	hash_sha256(pen->head, out, len);
	return len;
}

static void names(void **state)
{
	static const char *const bad[] = { "releases.log", "releases-1.log",
		"releases-0000000000001.log", "releases-00000000000x.log",
		"releases-000000000000.log", "releases-000000000001.log.old",
		"xreleases-000000000001.log", "releases-000000000001", "" };
	char name[RELEASES_NAME_SIZE];
	uint64_t first = 7;
	releases_name(1234567, name);
	assert_string_equal(name, "releases-000001234567.log");
	assert_true(releases_name_parse(name, &first));
	assert_int_equal(first, 1234567);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(releases_name_parse(bad[i], &first));
}

static void lines_prove_each_other(void **state)
{
	struct pen pen;
	struct releases_proof proof = { 0 };
	char line[RELEASES_LINE_MAX];
	pen_init(&pen);
	for (unsigned i = 1; i <= 3; i++) {
		size_t len = write_line(&pen, "password", line);
		assert_int_equal(releases_line_sequence(line, len), i);
		assert_int_equal(releases_line_check(&proof, line, len, pen.public), 0);
		assert_int_equal(proof.sequence, i);
		assert_memory_equal(proof.head, pen.head, HASH_LEN);
		/* A second time it is not the next one. */
		assert_int_equal(
			releases_line_check(&proof, line, len, pen.public), -ERR_NOT_FOUND);
		assert_int_equal(proof.sequence, i);
	}
}

static void every_byte_of_a_line_counts(void **state)
{
	struct pen pen;
	char line[RELEASES_LINE_MAX];
	pen_init(&pen);
	size_t len = write_line(&pen, "password", line);
	for (size_t i = 0; i < len; i++) {
		struct releases_proof proof = { 0 };
		line[i] ^= 1;
		assert_int_equal(
			releases_line_check(&proof, line, len, pen.public), -ERR_SIGNATURE_INVALID);
		assert_int_equal(proof.sequence, 0);
		line[i] ^= 1;
	}
	for (size_t cut = 0; cut < len; cut++) {
		struct releases_proof proof = { 0 };
		assert_int_equal(
			releases_line_check(&proof, line, cut, pen.public), -ERR_SIGNATURE_INVALID);
	}
}

static void one_that_is_missing_is_seen_by_the_next(void **state)
{
	struct pen pen;
	struct releases_proof proof = { 0 };
	char line[RELEASES_LINE_MAX];
	pen_init(&pen);
	write_line(&pen, "password", line);
	size_t len = write_line(&pen, "key", line);
	assert_int_equal(releases_line_check(&proof, line, len, pen.public), -ERR_NOT_FOUND);
	/* Numbered right, after another past. */
	pen.sequence = 0;
	len = write_line(&pen, "key", line);
	assert_int_equal(releases_line_check(&proof, line, len, pen.public), -ERR_NOT_FOUND);
}

static void numbers_of_lines(void **state)
{
	static const struct {
		const char *line;
		uint64_t number;
	} rows[] = {
		{ "{\"sequence\":1,", 1 },
		{ "{\"sequence\":999999999999999,\"", 999999999999999 },
		{ "{\"sequence\":12", 0 },
		{ "{\"sequence\":,", 0 },
		{ "{\"sequence\":99999999999999999999,", 0 },
		{ "{\"sequence\":-1,", 0 },
		{ "{\"number\":1,", 0 },
		{ "", 0 },
	};
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
			releases_line_sequence(rows[i].line, strlen(rows[i].line)), rows[i].number);
}

struct heard {
	unsigned count, stop_after;
	size_t longest, total;
};

static bool hear(void *context, const char *line, size_t len)
{
	struct heard *heard = context;
	heard->count++;
	heard->total += len;
	heard->longest = MAX(heard->longest, len);
	return heard->count != heard->stop_after;
}

static off_t read_text(const char *text, size_t len, struct heard *heard)
{
	off_t complete = -1;
	int fd = memfd_create("log", MFD_CLOEXEC);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(releases_read(fd, hear, heard, &complete), 0);
	close(fd);
	return complete;
}

static void files_are_lines(void **state)
{
	struct heard heard = { 0 };
	static char text[3 * CHUNK];
	assert_int_equal(read_text("", 0, &heard), 0);
	assert_int_equal(heard.count, 0);
	assert_int_equal(read_text("one\ntwo\nhalf", 12, &heard), 8);
	assert_int_equal(heard.count, 2);
	assert_int_equal(heard.total, 6);
	heard = (struct heard){ .stop_after = 1 };
	read_text("one\ntwo\n", 8, &heard);
	assert_int_equal(heard.count, 1);
	/* A line longer than any of ours is seen as such, and lines lie across what is read at
	 * once. */
	memset(text, 'x', sizeof text);
	text[CHUNK + 5] = text[CHUNK + 9] = text[sizeof text - 1] = '\n';
	heard = (struct heard){ 0 };
	assert_int_equal(read_text(text, sizeof text, &heard), sizeof text);
	assert_int_equal(heard.count, 3);
	assert_int_equal(heard.longest, RELEASES_LINE_MAX);
	off_t complete;
	assert_int_equal(releases_read(-1, hear, &heard, &complete), -ERR_SYSTEM);
}

static void what_is_signed_as_a_head(void **state)
{
	uint8_t head[HASH_LEN], out[RELEASES_HEAD_LEN];
	memset(head, 0xab, sizeof head);
	releases_head_layout(0x0102030405060708, head, out);
	assert_memory_equal(out, "sallyport releases head\0\x08\x07\x06\x05\x04\x03\x02\x01", 32);
	assert_memory_equal(out + 32, head, HASH_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(lines_prove_each_other),
		cmocka_unit_test(every_byte_of_a_line_counts),
		cmocka_unit_test(one_that_is_missing_is_seen_by_the_next),
		cmocka_unit_test(numbers_of_lines),
		cmocka_unit_test(files_are_lines),
		cmocka_unit_test(what_is_signed_as_a_head),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
