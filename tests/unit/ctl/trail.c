/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/trail.c"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "past.h"

/* Rows and heads in their order, as a source gives them. */
static struct trail_report prove(const struct past *past, struct witness *witness)
{
	struct trail_report report;
	struct trail trail;
	unsigned head = 0;
	int done = 0;

	trail_begin(&trail, past->installation, witness, &report);
	for (unsigned i = 0; i < past->count && done == 0; i++) {
		done = trail_row(&trail, &past->rows[i]);
		while (done == 0 && head < past->head_count &&
			past->heads[head].sequence <= past->rows[i].sequence)
			done = trail_head(&trail, &past->heads[head++]);
	}
	assert_int_equal(trail_end(&trail), 0);
	return report;
}

static void says(const struct trail_report *report, enum trail_verdict verdict, const char *words)
{
	char text[REASON_SIZE];

	assert_string_equal(trail_verdict_text(report, text), words);
	assert_int_equal(report->verdict, verdict);
}

static void test_intact(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(100, 7);
	struct trail_report report = prove(past, NULL);

	says(&report, TRAIL_INTACT, "intact: rows 1 to 100");
	assert_int_equal(report.proven, 100);
	assert_int_equal(report.heads, 15);
	past_new_key(past, 5); /* a broker that was started again */
	report = prove(past, NULL);
	says(&report, TRAIL_INTACT, "intact: rows 1 to 100");
}

/* Each field of each row of a short trail: the very row is named. */
static void test_an_altered_row_is_named(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 3);
	char want[64];

	for (unsigned i = 0; i < past->count; i++) {
		for (int field = 0; field < 9; field++) {
			struct audit_row kept = past->rows[i], *row = &past->rows[i];
			row->at += field == 0;
			row->event[0] ^= field == 1;
			row->actor[0] ^= field == 2;
			row->from[0] = field == 3 ? '1' : row->from[0];
			row->object[0] = field == 4 ? '1' : row->object[0];
			row->result -= field == 5;
			row->detail[1] ^= field == 6;
			row->hash[9] ^= field == 7;
			row->before[9] ^= field == 8;
			struct trail_report report = prove(past, NULL);
			snprintf(want, sizeof want, "row %u altered: it is not what was chained",
				i + 1);
			says(&report, TRAIL_ALTERED, want);
			past->rows[i] = kept;
		}
	}
	assert_int_equal(prove(past, NULL).verdict, TRAIL_INTACT);
}

static void remove_row(struct past *past, unsigned index)
{
	past->count--;
	memmove(&past->rows[index], &past->rows[index + 1],
		(past->count - index) * sizeof past->rows[0]);
}

static void test_a_missing_row_is_named(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 3);

	remove_row(past, 4);
	struct trail_report report = prove(past, NULL);
	says(&report, TRAIL_ALTERED, "row 5 altered: missing");
	remove_row(past, 0);
	report = prove(past, NULL);
	says(&report, TRAIL_ALTERED, "row 1 altered: missing");
}

/* A row with its hash made to fit: what follows, or the next signature, tells. */
static void test_a_rebuilt_row_is_found(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);

	past->rows[5].result = -1;
	chain_hash(&past->rows[5], past->rows[5].hash);
	struct trail_report report = prove(past, NULL);
	says(&report, TRAIL_ALTERED,
		"row 5 altered, or one up to row 7: it does not follow the one before it");
	/* right after a head: it can only be this one */
	past_rechain(past, 5);
	struct audit_row stranger = past->rows[4];
	stranger.before[0] ^= 1;
	chain_hash(&stranger, stranger.hash);
	past->rows[4] = stranger;
	report = prove(past, NULL);
	says(&report, TRAIL_ALTERED, "row 5 altered: it does not follow the one before it");
}

static void test_a_rebuilt_chain_needs_the_key(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);

	past->rows[5].result = -1;
	past_rechain(past, 5);
	struct trail_report report = prove(past, NULL);
	says(&report, TRAIL_ALTERED,
		"row 5 altered, or one up to row 8: its head was not signed so");
	/* with a key of one's own: signed right, and certified by nobody */
	crypto_sign_keypair(past->signer.public_key, past->key_secret);
	for (unsigned i = 1; i < past->head_count; i++) {
		past->heads[i].signer = past->signer;
		past_sign(past, i);
	}
	report = prove(past, NULL);
	says(&report, TRAIL_FOREIGN, "not certified by this installation: the head of row 8");
	for (unsigned i = 1; i < past->head_count; i++)
		past->heads[i].signer.certified = false;
	report = prove(past, NULL);
	says(&report, TRAIL_UNPROVEN,
		"unproven after row 4: 8 rows are not signed by a certified key");
}

static void test_altered_heads_are_found(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);
	struct audit_head kept = past->heads[1];
	struct trail_report report;

	past->heads[1].signature[3] ^= 1;
	report = prove(past, NULL);
	says(&report, TRAIL_ALTERED,
		"row 5 altered, or one up to row 8: its head was not signed so");
	past->heads[1] = kept;
	past->heads[1].at++;
	assert_int_equal(prove(past, NULL).verdict, TRAIL_ALTERED);
	past->heads[1] = kept;
	past->heads[1].sequence = 7; /* stands at another row */
	assert_int_equal(prove(past, NULL).verdict, TRAIL_ALTERED);
	past->heads[1] = kept;
	past->heads[1].hash[0] ^= 1;
	assert_int_equal(prove(past, NULL).verdict, TRAIL_ALTERED);
	memset(past->heads[1].hash, 0, HASH_LEN); /* a store does not say it */
	assert_int_equal(prove(past, NULL).verdict, TRAIL_INTACT);
	past->heads[1] = kept;
	past->heads[1].signer.trail[0] ^= 1;
	assert_int_equal(prove(past, NULL).verdict, TRAIL_ALTERED);
	past->heads[1] = kept;
	past->heads[1].signer.certificate[0] ^= 1;
	assert_int_equal(prove(past, NULL).verdict, TRAIL_FOREIGN);
	past->heads[1] = kept;
	past->heads[0].signer.certificate[0] ^= 1;
	assert_int_equal(prove(past, NULL).verdict, TRAIL_FOREIGN);
}

static void test_rows_without_a_head(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);

	past->head_count--;
	struct trail_report report = prove(past, NULL);
	says(&report, TRAIL_UNPROVEN,
		"unproven after row 8: 4 rows are not signed by a certified key");
	past->head_count = 0;
	report = prove(past, NULL);
	assert_int_equal(report.verdict, TRAIL_UNPROVEN);
	assert_int_equal(report.proven, 0);
	past->count = 0;
	report = prove(past, NULL);
	says(&report, TRAIL_EMPTY, "empty: there are no rows");
}

/* Signed before the vault could certify the key; then it did. */
static void test_a_later_certificate_covers_what_came_before(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);

	past->heads[0].signer.certified = past->heads[1].signer.certified = false;
	assert_int_equal(prove(past, NULL).verdict, TRAIL_INTACT);
}

static struct trail_report with_witness(const struct past *past, const struct buf *kept)
{
	CLEANUP(fd_closep) int fd = past_file(kept);
	struct witness witness;

	witness_open(&witness, fd, past->installation);
	return prove(past, &witness);
}

static void test_the_witness(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);
	CLEANUP(buf_finish) struct buf kept = BUF(1024 * 1024);

	past_heads(past, &kept);
	struct trail_report report = with_witness(past, &kept);
	says(&report, TRAIL_INTACT, "intact: rows 1 to 12");
	assert_int_equal(report.witness.agreed, 3);
	/* cut at a head, nothing to see without a witness */
	past->count = 8;
	past->head_count = 2;
	assert_int_equal(prove(past, NULL).verdict, TRAIL_INTACT);
	report = with_witness(past, &kept);
	says(&report, TRAIL_CUT, "cut short after row 8: the witness has row 12");
	/* cut where no head is: the witness says more than the missing signature */
	past->count = 6;
	past->head_count = 1;
	report = with_witness(past, &kept);
	assert_int_equal(report.verdict, TRAIL_CUT);
	/* worse is said first */
	past->rows[1].result = -1;
	report = with_witness(past, &kept);
	says(&report, TRAIL_ALTERED, "row 2 altered: it is not what was chained");
}

/* Whoever has the broker's key can rewrite all but what was sent outside. */
static void test_the_witness_disagrees(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);
	CLEANUP(buf_finish) struct buf kept = BUF(1024 * 1024);

	past_heads(past, &kept);
	past->rows[5].result = -1;
	past_rechain(past, 5);
	past_sign(past, 1);
	past_sign(past, 2);
	assert_int_equal(prove(past, NULL).verdict, TRAIL_INTACT);
	struct trail_report report = with_witness(past, &kept);
	says(&report, TRAIL_DISAGREES, "witness disagrees at row 8");
}

static void test_the_witness_knows_another_trail(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);
	CLEANUP(mem_freep) struct past *anew = past_create(3, 1);
	CLEANUP(buf_finish) struct buf kept = BUF(1024 * 1024);

	past_heads(past, &kept);
	memcpy(anew->installation_secret, past->installation_secret, 64);
	memcpy(anew->installation, past->installation, 32);
	past_new_key(anew, 0);
	assert_int_equal(prove(anew, NULL).verdict, TRAIL_INTACT);
	struct trail_report report = with_witness(anew, &kept);
	says(&report, TRAIL_DISAGREES,
		"witness disagrees: it has another trail of this installation");
	anew->count = anew->head_count = 0; /* all of it gone */
	report = with_witness(anew, &kept);
	assert_int_equal(report.verdict, TRAIL_DISAGREES);
}

/* The next file of a mirror. */
static void test_goes_on(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);
	CLEANUP(buf_finish) struct buf kept = BUF(1024 * 1024);
	struct trail_report report;
	struct witness witness;
	struct trail trail;

	past_heads(past, &kept);
	CLEANUP(fd_closep) int fd = past_file(&kept);
	witness_open(&witness, fd, past->installation);
	trail_begin(&trail, past->installation, &witness, &report);
	trail_goes_on(&trail, 8, past->rows[7].hash);
	for (unsigned i = 8; i < 12; i++)
		assert_int_equal(trail_row(&trail, &past->rows[i]), 0);
	assert_int_equal(trail_head(&trail, &past->heads[2]), 0);
	assert_int_equal(trail_end(&trail), 0);
	says(&report, TRAIL_INTACT, "intact: rows 9 to 12");
	/* from another past */
	trail_begin(&trail, past->installation, NULL, &report);
	trail_goes_on(&trail, 8, past->rows[6].hash);
	assert_int_equal(trail_row(&trail, &past->rows[8]), 1);
	says(&report, TRAIL_ALTERED, "row 9 altered: it does not follow the one before it");
}

static void test_names(void **state)
{
	assert_string_equal(trail_verdict_name(TRAIL_INTACT), "intact");
	assert_string_equal(trail_verdict_name(TRAIL_CUT), "cut");
	assert_string_equal(trail_verdict_name(TRAIL_DISAGREES), "witness disagrees");
	assert_string_equal(trail_verdict_name(TRAIL_EMPTY), "empty");
	assert_string_equal(trail_verdict_name(TRAIL_EMPTY + 1), "?");
}

static void test_a_witness_that_cannot_be_read(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(3, 1);
	struct trail_report report;
	struct witness witness;
	struct trail trail;

	witness_open(&witness, -1, past->installation);
	trail_begin(&trail, past->installation, &witness, &report);
	assert_int_equal(trail_row(&trail, &past->rows[0]), 1);
	assert_int_equal(trail_end(&trail), -ERR_SYSTEM);
	witness_close(&witness, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intact),
		cmocka_unit_test(test_an_altered_row_is_named),
		cmocka_unit_test(test_a_missing_row_is_named),
		cmocka_unit_test(test_a_rebuilt_row_is_found),
		cmocka_unit_test(test_a_rebuilt_chain_needs_the_key),
		cmocka_unit_test(test_altered_heads_are_found),
		cmocka_unit_test(test_rows_without_a_head),
		cmocka_unit_test(test_a_later_certificate_covers_what_came_before),
		cmocka_unit_test(test_the_witness),
		cmocka_unit_test(test_the_witness_disagrees),
		cmocka_unit_test(test_the_witness_knows_another_trail),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_a_witness_that_cannot_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
