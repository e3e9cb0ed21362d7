/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_verify.c"

#include <stdlib.h>
#include <unistd.h>

#include "wire/line.h"

#include "../recorder/fixture.h"

struct world {
	struct fixture fixture;
	struct made made;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	fixture_init(&world->fixture);
	made_init(&world->made, &world->fixture, 5, true);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	buf_finish(&world->made.file);
	free(world);
	return 0;
}

static struct recording_report *check(const struct world *world, const void *bytes, size_t len)
{
	static struct recording_report report;
	int fd = fixture_file(bytes, len);

	assert_int_equal(recording_verify(fd, world->fixture.installation_public, &report), 0);
	close(fd);
	return &report;
}

static void intact(void **state)
{
	const struct world *world = *state;
	struct recording_report *report = check(world, world->made.file.data, world->made.file.len);
	char words[REASON_SIZE];

	assert_int_equal(report->verdict, RECORDING_INTACT);
	assert_int_equal(report->chunks, 5);
	assert_int_equal(report->unsigned_chunks, 0);
	assert_int_equal(report->ms, 4500);
	assert_true(report->ended);
	assert_string_equal(report->end.reason, "logged out");
	assert_int_equal(report->bytes, world->made.file.len);
	assert_string_equal(recording_verdict_text(report, words), "intact");
}

/* The file of another chain is refused as a whole, before anything in it is believed. */
static void foreign(void **state)
{
	const struct world *world = *state;
	struct fixture other;
	struct made made;

	fixture_init(&other);
	made_init(&made, &other, 2, true);
	assert_int_equal(check(world, made.file.data, made.file.len)->verdict, RECORDING_FOREIGN);
	buf_finish(&made.file);
}

static void every_byte(void **state)
{
	const struct world *world = *state;
	const struct made *made = &world->made;
	uint8_t *copy = malloc(made->file.len);

	for (size_t at = 0; at < made->file.len; at++) {
		memcpy(copy, made->file.data, made->file.len);
		copy[at] ^= (uint8_t)(1U << (at % 8));
		struct recording_report *report = check(world, copy, made->file.len);
		assert_int_not_equal(report->verdict, RECORDING_INTACT);
		assert_int_not_equal(report->verdict, RECORDING_CUT);
		unsigned chunk = made_chunk_at(made, at);
		if (at < made->header_len)
			assert_true(report->verdict == RECORDING_HEADER_ALTERED ||
				    report->verdict == RECORDING_NONE ||
				    report->verdict == RECORDING_NEWER);
		else
			assert_int_equal(report->verdict, RECORDING_ALTERED);
		if (chunk == 0)
			continue;
		assert_int_equal(report->what, PART_CHUNK);
		assert_int_equal(report->altered, chunk);
		assert_int_equal(report->altered_last, chunk);
	}
	free(copy);
}

static void every_byte_inverted(void **state)
{
	const struct world *world = *state;
	const struct made *made = &world->made;
	uint8_t *copy = malloc(made->file.len);

	for (size_t at = 0; at < made->file.len; at++) {
		memcpy(copy, made->file.data, made->file.len);
		copy[at] = (uint8_t)~copy[at];
		struct recording_report *report = check(world, copy, made->file.len);
		assert_true(report->verdict > RECORDING_CUT);
		if (made_chunk_at(made, at) != 0)
			assert_int_equal(report->altered, made_chunk_at(made, at));
	}
	free(copy);
}

static uint64_t chunks_before(
	const struct made *made, size_t len, bool signed_only, uint32_t *ret_ms)
{
	uint64_t chunks = 0, proven = 0;

	*ret_ms = 0;
	for (unsigned i = 0; i < made->record_count; i++) {
		size_t end = i + 1 < made->record_count ? made->records[i + 1] : made->file.len;
		if (end > len)
			break;
		chunks += made->types[i] == RECORDING_CHUNK;
		if (made->types[i] == RECORDING_SIGNATURE) {
			proven = chunks;
			*ret_ms = chunks > 0 ? (uint32_t)(chunks - 1) * 1000 + 500 : 0;
		}
	}
	return signed_only ? proven : chunks;
}

static void every_truncation(void **state)
{
	const struct world *world = *state;
	const struct made *made = &world->made;

	for (size_t len = 0; len < made->file.len; len++) {
		struct recording_report *report = check(world, made->file.data, len);
		uint32_t ms;
		uint64_t proven = chunks_before(made, len, true, &ms);
		if (len < made->header_len) {
			assert_true(report->verdict == RECORDING_HEADER_ALTERED ||
				    report->verdict == RECORDING_NONE);
			continue;
		}
		assert_int_equal(report->verdict, RECORDING_CUT);
		assert_int_equal(report->chunks, proven);
		assert_int_equal(report->ms, ms);
		assert_int_equal(
			report->unsigned_chunks, chunks_before(made, len, false, &ms) - proven);
		assert_false(report->ended);
	}
}

/* What a power cut may leave behind: the length is there, the bytes are not. */
static void zero_tail(void **state)
{
	const struct world *world = *state;
	const struct made *made = &world->made;
	unsigned i = 4; /* one in which a sector of the disk begins */
	while (made->records[i] / 512 == (made->records[i + 1] - 1) / 512)
		i++;
	size_t len = made->records[i];
	uint8_t *copy = calloc(1, len + 4096);

	memcpy(copy, made->file.data, len);
	assert_int_equal(check(world, copy, len + 4096)->verdict, RECORDING_CUT);
	copy[len + 4095] = 1;
	assert_int_equal(check(world, copy, len + 4096)->verdict, RECORDING_ALTERED);
	copy[len + 4095] = 0;
	/* The first sectors of a record, and zeros: cut as well. */
	size_t next = made->records[i + 1] - len, sector = 512 - len % 512;
	memcpy(copy + len, made->file.data + len, sector);
	assert_int_equal(check(world, copy, len + 4096)->verdict, RECORDING_CUT);
	memset(copy + len + sector, 7, next);
	assert_int_equal(check(world, copy, len + 4096)->verdict, RECORDING_ALTERED);
	free(copy);
}

static size_t record_len(const struct made *made, unsigned i)
{
	return (i + 1 < made->record_count ? made->records[i + 1] : made->file.len) -
	       made->records[i];
}

/* Builds the file again from these records, in this order. */
static enum recording_verdict rebuilt(
	const struct world *world, const unsigned *order, unsigned count)
{
	const struct made *made = &world->made;
	struct buf file = BUF(1024 * 1024);

	buf_append(&file, made->file.data, made->header_len);
	for (unsigned i = 0; i < count; i++)
		buf_append(&file, made->file.data + made->records[order[i]],
			record_len(made, order[i]));
	enum recording_verdict verdict = check(world, file.data, file.len)->verdict;
	buf_finish(&file);
	return verdict;
}

static void drop_swap_and_repeat(void **state)
{
	const struct world *world = *state;
	unsigned count = world->made.record_count, order[512];

	for (unsigned drop = 0; drop + 1 < count; drop++) {
		unsigned n = 0;
		for (unsigned i = 0; i < count; i++)
			if (i != drop)
				order[n++] = i;
		assert_int_equal(rebuilt(world, order, n), RECORDING_ALTERED);
	}
	for (unsigned a = 0; a < count; a++)
		for (unsigned b = a + 1; b < count; b++) {
			for (unsigned i = 0; i < count; i++)
				order[i] = i == a ? b : i == b ? a : i;
			assert_int_equal(rebuilt(world, order, count), RECORDING_ALTERED);
		}
	for (unsigned twice = 0; twice < count; twice++) {
		unsigned n = 0;
		for (unsigned i = 0; i < count; i++) {
			order[n++] = i;
			if (i == twice)
				order[n++] = i;
		}
		assert_int_equal(rebuilt(world, order, n), RECORDING_ALTERED);
	}
}

/* A chunk of another recording of the same installation, at the same place. */
static void splice(void **state)
{
	struct world *world = *state;
	struct made other;
	struct buf file = BUF(1024 * 1024);

	struct fixture fixture = world->fixture;
	made_init(&other, &fixture, 5, true);
	buf_append(&file, world->made.file.data, world->made.records[1]);
	buf_append(&file, other.file.data + other.records[1], other.file.len - other.records[1]);
	struct recording_report *report = check(world, file.data, file.len);
	assert_int_equal(report->verdict, RECORDING_ALTERED);
	assert_int_equal(report->altered, 1);
	buf_finish(&file);
	buf_finish(&other.file);
}

/* Every check made right again, as someone would who has the file and no key. */
static void rechain(struct made *made, uint8_t *file)
{
	struct recording_header *header = malloc(sizeof(*header));
	uint8_t head[HASH_LEN];

	recording_header_read(file, made->header_len, header, head);
	for (unsigned i = 0; i < made->record_count; i++) {
		size_t len = record_len(made, i) - RECORDING_CHECK_LEN;
		recording_chain(head, file + made->records[i], len);
		memcpy(file + made->records[i] + len, head, RECORDING_CHECK_LEN);
	}
	free(header);
}

static void rebuilt_chain(void **state)
{
	struct world *world = *state;
	struct made *made = &world->made;
	uint8_t *copy = malloc(made->file.len);

	for (unsigned i = 0; i < made->record_count; i++) {
		memcpy(copy, made->file.data, made->file.len);
		copy[made->records[i] + RECORDING_RECORD_LEN + 40] ^= 1;
		rechain(made, copy);
		struct recording_report *report = check(world, copy, made->file.len);
		/* Before the first signature there is only the header to suspect. */
		assert_int_equal(
			report->verdict, i == 0 ? RECORDING_HEADER_ALTERED : RECORDING_ALTERED);
		unsigned chunk = made_chunk_at(made, made->records[i]);
		if (chunk == 0)
			continue;
		/* A signature covers two chunks: one of them it is. */
		assert_int_equal(report->what, PART_CHUNK);
		assert_in_range(chunk, report->altered, report->altered_last);
	}
	free(copy);
}

/* The header's own check made right again: the first signature tells. */
static void rebuilt_header(void **state)
{
	struct world *world = *state;
	struct made *made = &world->made;
	uint8_t *copy = malloc(made->file.len);
	struct recording_header *header = malloc(sizeof(*header));
	struct buf out = BUF(RECORDING_HEADER_MAX);
	uint8_t head[HASH_LEN];

	memcpy(copy, made->file.data, made->file.len);
	recording_header_read(copy, made->file.len, header, head);
	header->started_ms++;
	recording_header_write(&out, header, head);
	memcpy(copy, out.data, out.len);
	rechain(made, copy);
	assert_int_equal(check(world, copy, made->file.len)->verdict, RECORDING_HEADER_ALTERED);
	buf_finish(&out);
	memcpy(copy, made->file.data, made->file.len);
	header->started_ms--;
	header->facts[9] ^= 1;
	recording_header_write(&out, header, head);
	memcpy(copy, out.data, out.len);
	rechain(made, copy);
	assert_int_equal(check(world, copy, made->file.len)->verdict, RECORDING_FOREIGN);
	buf_finish(&out);
	free(header);
	free(copy);
}

static void appended(void **state)
{
	const struct world *world = *state;
	struct buf file = BUF(1024 * 1024);

	buf_append(&file, world->made.file.data, world->made.file.len);
	buf_append(&file, "x", 1);
	struct recording_report *report = check(world, file.data, file.len);
	assert_int_equal(report->verdict, RECORDING_ALTERED);
	assert_int_equal(report->what, PART_AFTER);
	buf_finish(&file);
}

static void random_changes(void **state)
{
	const struct world *world = *state;
	uint8_t *copy = malloc(world->made.file.len + 64);
	unsigned seed = 1;

	for (unsigned round = 0; round < 1000; round++) {
		size_t len = world->made.file.len;
		memcpy(copy, world->made.file.data, len);
		seed = seed * 1103515245 + 12345;
		size_t at = (seed >> 8) % len, span = 1 + (seed >> 20) % 64;
		if (round % 3 == 0) {
			for (size_t i = at; i < at + span && i < len; i++)
				copy[i] ^= (uint8_t)(1 + (i * 7 + round) % 255);
		} else if (round % 3 == 1) {
			span = MIN(span, len - at);
			memmove(copy + at, copy + at + span, len - at - span);
			len -= span;
		} else {
			memmove(copy + at + span, copy + at, MIN(len - at, len + 64 - at - span));
			memset(copy + at, (int)round, span);
			len += span;
		}
		assert_int_not_equal(check(world, copy, len)->verdict, RECORDING_INTACT);
	}
	free(copy);
}

static void public_key(void **state)
{
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
				  "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
				  "-----END PUBLIC KEY-----\n";
	uint8_t key[32];

	assert_int_equal(recording_public_key(pem, key), 0);
	assert_int_equal(key[0], 0x19);
	assert_int_equal(key[31], 0xe1);
	assert_int_equal(recording_public_key("", key), -ERR_MALFORMED);
	assert_int_equal(recording_public_key(pem + 28, key), -ERR_MALFORMED);
	assert_int_equal(recording_public_key("-----BEGIN PUBLIC KEY-----\nMCow\n"
					      "-----END PUBLIC KEY-----\n",
				 key),
		-ERR_MALFORMED);
}

/* ---- with a witness ---- */

/* Every signed head of the file, as the recorder sent it out. */
static void write_heads(const struct made *made, struct buf *out)
{
	int fd = fixture_file(made->file.data, made->file.len);
	struct line line = { .kind = LINE_RECORDING_HEAD };
	struct recording_head *head = &line.recording;
	struct recording_chunk chunk;
	struct source_record it;
	struct source source;

	assert_int_equal(source_init(&source, fd), 0);
	assert_int_equal(source_header(&source), 0);
	text_copy(head->session_id, sizeof(head->session_id), source.header.session_id);
	memcpy(head->public_key, source.header.public_key, 32);
	memcpy(head->certificate, source.header.certificate, 64);
	head->key_version = source.header.key_version;
	hash_sha256(head->facts_hash, source.header.facts, source.header.facts_len);
	while (source_next(&source, &it) == 1) {
		if (recording_chunk_read(&it.record, &chunk) == 0) {
			head->chunks = chunk.number;
			head->ms = chunk.end_ms;
		} else if (it.record.type == RECORDING_SIGNATURE) {
			head->number++;
			memcpy(head->head, it.head_before, HASH_LEN);
			memcpy(head->signature, it.record.body + 16, 64);
			assert_int_equal(line_write(out, &line), 0);
		}
	}
	source_finish(&source);
	close(fd);
}

static struct recording_report *check_with(
	const struct world *world, size_t len, const struct buf *kept)
{
	static struct recording_report report;
	int fd = fixture_file(world->made.file.data, len);
	int witness_fd = fixture_file(kept->data, kept->len);
	struct witness witness;

	witness_open(&witness, witness_fd, world->fixture.installation_public);
	assert_int_equal(
		recording_verify_against(fd, world->fixture.installation_public, &witness, &report),
		0);
	close(fd);
	close(witness_fd);
	return &report;
}

static void says(const struct recording_report *report, const char *words)
{
	char text[REASON_SIZE];

	assert_string_equal(recording_verdict_text(report, text), words);
}

static void the_witness_agrees(void **state)
{
	const struct world *world = *state;
	CLEANUP(buf_finish) struct buf kept = BUF(65536);

	write_heads(&world->made, &kept);
	struct recording_report *report = check_with(world, world->made.file.len, &kept);
	assert_int_equal(report->verdict, RECORDING_INTACT);
	assert_true(report->compared && report->signatures >= 3);
	assert_int_equal(report->witness.agreed, report->signatures);
	assert_int_equal(report->witness.heads, report->signatures);
}

/* At each of its signatures a file can be given out as one that a crash cut. */
static void a_cut_is_seen_from_outside(void **state)
{
	const struct world *world = *state;
	CLEANUP(buf_finish) struct buf kept = BUF(65536);
	unsigned cuts = 0;

	write_heads(&world->made, &kept);
	for (unsigned i = 1; i + 1 < world->made.record_count; i++) {
		if (world->made.types[i] != RECORDING_SIGNATURE)
			continue;
		struct recording_report *report =
			check_with(world, world->made.records[i + 1], &kept);
		assert_int_equal(report->verdict, RECORDING_CUT);
		assert_true(report->witness.beyond > report->signatures);
		cuts++;
	}
	assert_true(cuts > 0);
	says(check_with(world, world->made.records[1], &kept),
		"cut short after second 0: the witness saw second 4");
}

/* The same session, recorded by the same installation, and not the same recording. */
static void the_witness_disagrees(void **state)
{
	struct world *world = *state;
	CLEANUP(buf_finish) struct buf kept = BUF(65536);
	struct made other;

	made_init(&other, &world->fixture, 5, true);
	write_heads(&other, &kept);
	buf_finish(&other.file);
	struct recording_report *report = check_with(world, world->made.file.len, &kept);
	assert_int_equal(report->verdict, RECORDING_DISAGREES);
	says(report, "witness disagrees at second 0");
	assert_string_equal(recording_verdict_name(report->verdict), "witness disagrees");
}

static void more_than_a_whole_recording(void **state)
{
	struct world *world = *state;
	CLEANUP(buf_finish) struct buf kept = BUF(65536);
	struct made longer;

	made_init(&longer, &world->fixture, 9, true);
	write_heads(&longer, &kept);
	buf_finish(&longer.file);
	/* only what is after the end of the shorter one */
	size_t lines = 0, at = kept.len;
	while (lines < 2)
		lines += kept.data[--at] == '\n';
	struct buf last = { .data = kept.data + at + 1, .len = kept.len - at - 1 };
	struct recording_report *report = check_with(world, world->made.file.len, &last);
	assert_int_equal(report->verdict, RECORDING_DISAGREES);
	says(report, "witness disagrees: it saw more after the end");
}

static void worse_is_said_first(void **state)
{
	struct world *world = *state;
	CLEANUP(buf_finish) struct buf kept = BUF(65536);

	write_heads(&world->made, &kept);
	world->made.file.data[world->made.records[2] + 30] ^= 1;
	assert_int_equal(
		check_with(world, world->made.file.len, &kept)->verdict, RECORDING_ALTERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intact),
		cmocka_unit_test(foreign),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(every_byte_inverted),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(zero_tail),
		cmocka_unit_test(drop_swap_and_repeat),
		cmocka_unit_test(splice),
		cmocka_unit_test(rebuilt_chain),
		cmocka_unit_test(rebuilt_header),
		cmocka_unit_test(appended),
		cmocka_unit_test(random_changes),
		cmocka_unit_test(public_key),
		cmocka_unit_test_setup_teardown(the_witness_agrees, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cut_is_seen_from_outside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_witness_disagrees, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_a_whole_recording, set_up, tear_down),
		cmocka_unit_test_setup_teardown(worse_is_said_first, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
