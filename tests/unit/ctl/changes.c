/* SPDX-License-Identifier: Apache-2.0 */
/* Random changes to recordings: every one is found, and the first bad record is named. COUNT as
 * argument. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../recorder/fixture.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "ctl/reader.h"

#define CHUNKS 60

enum change {
	BIT,
	BYTE,
	DELETE,
	INSERT,
	SWAP,
	DROP,
	REPEAT,
	SPLICE,
	TRUNCATE,
	FACTS,
	RECHAINED,
	CHANGES
};
static const char *const names[] = { "bit", "byte", "delete", "insert", "swap", "drop", "repeat",
	"splice", "truncate", "facts", "rechained" };

static unsigned rounds = 1000;
static struct fixture fixture;
static struct made made, other; /* two recordings of one installation */

/* xorshift64: a failure can be run again. */
static uint64_t state_of_random = 0x9e3779b97f4a7c15;

static size_t below(size_t most)
{
	state_of_random ^= state_of_random << 13;
	state_of_random ^= state_of_random >> 7;
	state_of_random ^= state_of_random << 17;
	return (size_t)(state_of_random >> 11) % most;
}

struct copy {
	uint8_t *bytes;
	size_t len;
};

static size_t end_of(const struct made *of, unsigned record)
{
	return record + 1 < of->record_count ? of->records[record + 1] : of->file.len;
}

/* The chunks before a place of the original. */
static uint64_t chunks_before(size_t at)
{
	uint64_t chunks = 0;

	for (unsigned i = 0; i < made.record_count && end_of(&made, i) <= at; i++)
		chunks += made.types[i] == RECORDING_CHUNK;
	return chunks;
}

static void replace(struct copy *copy, size_t at, size_t gone, const void *with, size_t len)
{
	memmove(copy->bytes + at + len, copy->bytes + at + gone, copy->len - at - gone);
	if (len > 0)
		memcpy(copy->bytes + at, with, len);
	copy->len = copy->len - gone + len;
}

static void swap_records(struct copy *copy)
{
	unsigned a = (unsigned)below(made.record_count), b = (unsigned)below(made.record_count);
	size_t at = made.header_len;

	for (unsigned i = 0; i < made.record_count; i++) {
		unsigned from = i == a ? b : i == b ? a : i;
		size_t len = end_of(&made, from) - made.records[from];
		memcpy(copy->bytes + at, made.file.data + made.records[from], len);
		at += len;
	}
}

/* Every check made right again, as somebody would who has the file and no key. */
static void rechain(uint8_t *bytes)
{
	CLEANUP(mem_freep) struct recording_header *header = malloc(sizeof(*header));
	uint8_t head[HASH_LEN];

	recording_header_read(bytes, made.header_len, header, head);
	for (unsigned i = 0; i < made.record_count; i++) {
		size_t end = end_of(&made, i) - RECORDING_CHECK_LEN;
		recording_chain(head, bytes + made.records[i], end - made.records[i]);
		memcpy(bytes + end, head, RECORDING_CHECK_LEN);
	}
}

static void change_records(struct copy *copy, enum change change)
{
	unsigned record = (unsigned)below(made.record_count);
	size_t at = made.records[record], len = end_of(&made, record) - at;

	if (change == DROP) {
		replace(copy, at, len, NULL, 0);
	} else if (change == REPEAT) {
		replace(copy, end_of(&made, record), 0, made.file.data + at, len);
	} else if (change == SPLICE) { /* from here on the other recording, at the same record */
		memcpy(copy->bytes + at, other.file.data + other.records[record],
			other.file.len - other.records[record]);
		copy->len = at + other.file.len - other.records[record];
	} else { /* RECHAINED: a byte of its body, and every check after it */
		copy->bytes[at + RECORDING_RECORD_LEN +
			    below(len - RECORDING_RECORD_LEN - RECORDING_CHECK_LEN)] ^=
			(uint8_t)(1 + below(255));
		rechain(copy->bytes);
	}
}

/* A fact of the header, with the header's own check made right again. */
static void change_facts(struct copy *copy)
{
	CLEANUP(mem_freep) struct recording_header *header = malloc(sizeof(*header));
	struct buf out = BUF(RECORDING_HEADER_MAX);
	uint8_t head[HASH_LEN];

	recording_header_read(copy->bytes, copy->len, header, head);
	header->facts[below(header->facts_len)] ^= (uint8_t)(1 + below(127));
	assert_int_equal(recording_header_write(&out, header, head), 0);
	memcpy(copy->bytes, out.data, out.len);
	buf_finish(&out);
	if (below(2) == 0)
		rechain(copy->bytes);
}

static void apply(struct copy *copy, enum change change)
{
	size_t at = below(copy->len), span = 1 + below(200);
	uint8_t noise[200];

	random_bytes(noise, sizeof(noise));
	switch (change) {
	case BIT:
		copy->bytes[at] ^= (uint8_t)(1U << below(8));
		break;
	case BYTE:
		copy->bytes[at] = (uint8_t)(copy->bytes[at] + 1 + below(255));
		break;
	case DELETE:
		replace(copy, at, MIN(span, copy->len - at), NULL, 0);
		break;
	case INSERT:
		replace(copy, at, 0, noise, span);
		break;
	case SWAP:
		swap_records(copy);
		break;
	case TRUNCATE:
		copy->len = at;
		break;
	case FACTS:
		change_facts(copy);
		break;
	default:
		change_records(copy, change);
	}
}

/* Where the copy differs first; its length when it is only longer or shorter. */
static size_t first_difference(const struct copy *copy)
{
	size_t at = 0;

	while (at < MIN(copy->len, made.file.len) && copy->bytes[at] == made.file.data[at])
		at++;
	return at;
}

static void expect_cut(const struct recording_report *report, size_t len)
{
	uint64_t proven = 0;

	if (len < made.header_len) {
		assert_true(report->verdict == RECORDING_HEADER_ALTERED ||
			    report->verdict == RECORDING_NONE);
		return;
	}
	for (unsigned i = 0; i < made.record_count && end_of(&made, i) <= len; i++)
		if (made.types[i] == RECORDING_SIGNATURE)
			proven = chunks_before(made.records[i]);
	assert_int_equal(report->verdict, RECORDING_CUT);
	assert_int_equal(report->chunks, proven);
	assert_false(report->ended);
}

static void expect(
	const struct recording_report *report, const struct copy *copy, enum change change)
{
	size_t at = first_difference(copy);

	/* Its end is missing, or so much of it that the last record cannot be whole. */
	bool shorter = copy->len < made.file.len;
	if (shorter && (at == copy->len || report->verdict == RECORDING_CUT)) {
		expect_cut(report, at);
		return;
	}
	if (at < made.header_len) {
		assert_true(report->verdict >= RECORDING_HEADER_ALTERED);
		return;
	}
	/* What was chained again is known from its signature on: the header may be to blame too. */
	if (change == RECHAINED && report->verdict == RECORDING_HEADER_ALTERED) {
		assert_int_equal(chunks_before(at), 0);
		return;
	}
	assert_int_equal(report->verdict, RECORDING_ALTERED);
	uint64_t before = chunks_before(at);
	uint64_t named = report->what == PART_CHUNK ? report->altered - 1 : report->altered;
	if (change == RECHAINED) { /* one of those its signature covers */
		assert_in_range(before, named, MAX(named, report->altered_last));
	} else if (at == made.file.len) {
		assert_int_equal(report->what, PART_AFTER);
	} else if (named != before) { /* the record that stands there, whatever it is now */
		fail_msg("%s at %zu, after chunk %u: part %d, chunk %u", names[change], at,
			(unsigned)before, report->what, (unsigned)report->altered);
	}
}

static void every_change_is_found(void **state)
{
	unsigned done[CHANGES] = { 0 };
	struct copy copy = { .bytes = malloc(2 * made.file.len + 4096) };

	for (unsigned round = 0; round < rounds; round++) {
		enum change change = round % CHANGES;
		static struct recording_report report;
		do {
			copy.len = made.file.len;
			memcpy(copy.bytes, made.file.data, made.file.len);
			apply(&copy, change);
		} while (copy.len == made.file.len &&
			 memcmp(copy.bytes, made.file.data, made.file.len) == 0);
		int fd = fixture_file(copy.bytes, copy.len);
		assert_int_equal(recording_verify(fd, fixture.installation_public, &report), 0);
		close(fd);
		if (report.verdict == RECORDING_INTACT)
			fail_msg("round %u, %s: nobody noticed", round, names[change]);
		expect(&report, &copy, change);
		done[change]++;
	}
	free(copy.bytes);
	for (int i = 0; i < CHANGES; i++)
		print_message("%s %u ", names[i], done[i]);
	print_message("\n");
}

static int set_up(void **state)
{
	fixture_init(&fixture);
	made_init(&made, &fixture, CHUNKS, true);
	struct fixture again = fixture;
	made_init(&other, &again, CHUNKS, true);
	return 0;
}

static int tear_down(void **state)
{
	buf_finish(&made.file);
	buf_finish(&other.file);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_change_is_found) };

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
