/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_summary.c"

#include <stdio.h>

#include "../recorder/fixture.h"

static void with_and_without_end(void **state)
{
	struct fixture fixture;
	struct made made;
	struct recording_summary *summary = malloc(sizeof(*summary));

	fixture_init(&fixture);
	made_init(&made, &fixture, 3, true);
	int fd = fixture_file(made.file.data, made.file.len);
	assert_int_equal(recording_summarize(fd, summary), 0);
	assert_true(summary->ended);
	assert_string_equal(summary->end.reason, "logged out");
	assert_int_equal(summary->ms, 2600);
	assert_int_equal(summary->bytes, made.file.len);
	assert_string_equal(summary->header.session_id, FIXTURE_SESSION);
	close(fd);
	fd = fixture_file(made.file.data, made.records[made.record_count - 1]);
	assert_int_equal(recording_summarize(fd, summary), 0);
	assert_false(summary->ended);
	assert_int_equal(summary->ms, 2500);
	close(fd);
	fd = fixture_file("no recording", 12);
	assert_int_equal(recording_summarize(fd, summary), -ERR_MALFORMED);
	close(fd);
	buf_finish(&made.file);
	free(summary);
}

static void facts(void **state)
{
	struct recording_header *header = calloc(1, sizeof(*header));
	char out[16];

	text_copy(header->facts, sizeof(header->facts),
		"{\"user\":\"ana\",\"port\":22,\"long\":\"0123456789abcdef\",\"list\":[]}");
	header->facts_len = (uint32_t)strlen(header->facts);
	recording_fact(header, "user", out, sizeof(out));
	assert_string_equal(out, "ana");
	recording_fact(header, "port", out, sizeof(out));
	assert_string_equal(out, "22");
	recording_fact(header, "long", out, sizeof(out));
	assert_string_equal(out, "");
	recording_fact(header, "list", out, sizeof(out));
	assert_string_equal(out, "");
	recording_fact(header, "none", out, sizeof(out));
	assert_string_equal(out, "");
	header->facts_len = 5;
	recording_fact(header, "user", out, sizeof(out));
	assert_string_equal(out, "");
	free(header);
}

static void save(int dir, const char *name, const struct buf *file)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, file->data, file->len), file->len);
	close(fd);
}

static void list(void **state)
{
	struct fixture fixture;
	struct made made;
	char path[64], *text = NULL;
	size_t len;
	int dir = fixture_directory(path);

	fixture_init(&fixture);
	text_copy(fixture.header.facts, sizeof(fixture.header.facts),
		"{\"user\":\"a\\u001b[31mna\"}");
	fixture.header.facts_len = (uint32_t)strlen(fixture.header.facts);
	made_init(&made, &fixture, 1, true);
	save(dir, FIXTURE_SESSION ".rec", &made.file);
	buf_finish(&made.file);
	fixture.header.started_ms += 1000;
	made_init(&made, &fixture, 1, false);
	save(dir, "ffff456789abcdef0123456789abcdef01234567.rec", &made.file);
	save(dir, "reserve", &made.file);
	save(dir, "short.rec", &made.file);
	made.file.len = 10;
	save(dir, "aaaa456789abcdef0123456789abcdef01234567.rec", &made.file);
	FILE *out = open_memstream(&text, &len);
	assert_int_equal(recording_list(dir, false, out), 0);
	fclose(out);
	/* Newest first; what is no recording is left out; nothing acts on the terminal. */
	assert_null(strchr(text, 0x1b));
	assert_non_null(strstr(text, "a^[[31mna"));
	const char *first = strstr(text, "no end"), *second = strstr(text, "ended");
	assert_true(first != NULL && second != NULL && first < second);
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n') + 1, text + len);
	free(text);
	text = NULL;
	out = open_memstream(&text, &len);
	assert_int_equal(recording_list(dir, true, out), 0);
	fclose(out);
	json_t *rows = json_loadb(text, len, 0, NULL);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 1), "reason")),
		"logged out");
	assert_null(json_object_get(json_array_get(rows, 0), "ended"));
	json_decref(rows);
	free(text);
	buf_finish(&made.file);
	close(dir);
	fixture_remove(path);
}

static int secrets_key_of(const struct buf *file, size_t len, uint8_t *ret_wrapped)
{
	int fd = fixture_file(file->data, len);
	int r = recording_secrets_key(fd, ret_wrapped);

	close(fd);
	return r;
}

/* The second key is the first record, or there is none. */
static void second_key(void **state)
{
	struct fixture fixture;
	struct chain chain;
	uint8_t public_key[32], wrapped[RECORDING_SECRETS_WRAPPED_LEN], *record;
	struct buf file = BUF(65536);

	fixture_init(&fixture);
	for (unsigned short_by = 0; short_by < 2; short_by++) {
		uint32_t body = RECORDING_SECRETS_WRAPPED_LEN - short_by;
		buf_clear(&file);
		chain_init(&chain, FIXTURE_SESSION, public_key);
		fixture_certify(&fixture, public_key, fixture.key);
		assert_int_equal(chain_header(&chain, &fixture.header), 0);
		size_t header = chain.len;
		assert_int_equal(buf_append(&file, chain.bytes, header), 0);
		assert_int_equal(
			secrets_key_of(&file, header, wrapped), -ERR_NOT_FOUND); /* no record */
		assert_int_equal(chain_room(&chain, body, &record), 0);
		recording_record_head(record, RECORDING_SECRETS_KEY, body);
		memset(record + RECORDING_RECORD_LEN, 'w', body);
		chain_add(&chain, record, body);
		assert_int_equal(buf_append(&file, chain.bytes + header, chain.len - header), 0);
		memset(wrapped, 0, sizeof(wrapped));
		assert_int_equal(
			secrets_key_of(&file, file.len, wrapped), short_by ? -ERR_MALFORMED : 0);
		assert_int_equal(wrapped[RECORDING_SECRETS_WRAPPED_LEN - 1], short_by ? 0 : 'w');
		assert_int_equal(secrets_key_of(&file, file.len - 1, wrapped), -ERR_MALFORMED);
		assert_int_equal(secrets_key_of(&file, header - 1, wrapped), -ERR_MALFORMED);
		chain_finish(&chain);
	}
	buf_finish(&file);
	struct made made;
	made_init(&made, &fixture, 1, true);
	assert_int_equal(secrets_key_of(&made.file, made.file.len, wrapped), -ERR_NOT_FOUND);
	buf_finish(&made.file);
	assert_int_equal(recording_secrets_key(-1, wrapped), -ERR_SYSTEM);
}

static void empty_list(void **state)
{
	char path[64], *text = NULL;
	size_t len;
	int dir = fixture_directory(path);
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(recording_list(dir, true, out), 0);
	fclose(out);
	assert_string_equal(text, "[]\n");
	free(text);
	close(dir);
	fixture_remove(path);
}

static void report(void **state)
{
	struct fixture fixture;
	struct made made;
	struct recording_report *found = malloc(sizeof(*found));
	char *text = NULL;
	size_t len;

	fixture_init(&fixture);
	made_init(&made, &fixture, 3, true);
	int fd = fixture_file(made.file.data, made.file.len);
	assert_int_equal(recording_verify(fd, fixture.installation_public, found), 0);
	FILE *out = open_memstream(&text, &len);
	recording_report_print(found, true, out);
	fclose(out);
	json_t *object = json_loadb(text, len, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(object, "verdict")), "intact");
	assert_int_equal(json_integer_value(json_object_get(object, "chunks")), 3);
	assert_string_equal(json_string_value(json_object_get(object, "reason")), "logged out");
	json_decref(object);
	free(text);
	text = NULL;
	found->verdict = RECORDING_ALTERED;
	found->altered = found->altered_last = 2;
	text_copy(found->end.reason, sizeof(found->end.reason), "\033]0;x\007");
	out = open_memstream(&text, &len);
	recording_report_print(found, false, out);
	fclose(out);
	assert_int_equal(strncmp(text, "chunk 2 altered\n", 16), 0);
	assert_null(strchr(text, 0x1b));
	free(text);
	close(fd);
	buf_finish(&made.file);
	free(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_and_without_end),
		cmocka_unit_test(facts),
		cmocka_unit_test(list),
		cmocka_unit_test(second_key),
		cmocka_unit_test(empty_list),
		cmocka_unit_test(report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
