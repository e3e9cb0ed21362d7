/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/witness_file.c"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "past.h"
#include "wire/certificate.h"
#include "wire/recording.h"

static struct witness_report compare(const struct past *past, const struct buf *text, unsigned rows)
{
	struct witness witness;
	CLEANUP(fd_closep) int fd = past_file(text);

	witness_open(&witness, fd, past->installation);
	assert_int_equal(witness_load_trail(&witness, past->signer.trail), 0);
	for (unsigned i = 0; i < rows; i++)
		witness_compare(&witness, i + 1, past->rows[i].hash);
	witness_close(&witness, rows);
	assert_null(witness.heads);
	assert_null(witness.keys);
	return witness.report;
}

#define TEXT() BUF(4 * 1024 * 1024)

static void test_agrees(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(30, 3);
	CLEANUP(buf_finish) struct buf text = TEXT();

	past_heads(past, &text);
	struct witness_report report = compare(past, &text, 30);
	assert_int_equal(report.heads, 10);
	assert_int_equal(report.agreed, 10);
	assert_int_equal(report.forged + report.beyond, 0);
	assert_false(report.disagrees || report.other_trail);
	/* a mirror is a witness too: its rows say nothing here */
	buf_clear(&text);
	past_mirror(past, 0, &text);
	assert_int_equal(compare(past, &text, 30).agreed, 10);
}

static void test_knows_more(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(30, 3);
	CLEANUP(buf_finish) struct buf text = TEXT();

	past_heads(past, &text);
	struct witness_report report = compare(past, &text, 10);
	assert_int_equal(report.agreed, 3);
	assert_int_equal(report.beyond, 30);
	assert_false(report.disagrees);
}

static void test_another_past(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(30, 3);
	CLEANUP(buf_finish) struct buf text = TEXT();

	past_heads(past, &text);
	past->rows[10].result = -1;
	past_rechain(past, 10);
	struct witness_report report = compare(past, &text, 30);
	assert_int_equal(report.agreed, 3);
	assert_true(report.disagrees);
	assert_int_equal(report.disagrees_at, 12);
	assert_int_equal(report.forged, 0);
}

/* Whoever writes into the witness's file without a key accuses nobody. */
static void test_forged_heads_are_not_believed(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(30, 3);
	CLEANUP(buf_finish) struct buf text = TEXT();
	uint8_t stranger[32];

	past_heads(past, &text);
	past->heads[1].hash[0] ^= 1; /* not signed so */
	struct line line = { .kind = LINE_AUDIT_HEAD, .audit = past->heads[1] };
	assert_int_equal(line_write(&text, &line), 0);
	crypto_sign_keypair(line.audit.signer.public_key, past->key_secret);
	line.audit.sequence = 4711; /* signed, by a key that nobody certified */
	audit_head_sign(&line.audit, past->key_secret);
	assert_int_equal(line_write(&text, &line), 0);
	line.audit.signer.certified = false;
	memset(line.audit.signer.certificate, 0, 64);
	assert_int_equal(line_write(&text, &line), 0);
	struct witness_report report = compare(past, &text, 30);
	assert_int_equal(report.heads, 13);
	assert_int_equal(report.agreed, 10);
	assert_int_equal(report.forged, 3);
	assert_int_equal(report.beyond, 0);
	assert_false(report.disagrees);
	/* of another installation all are */
	crypto_sign_keypair(stranger, past->key_secret);
	memcpy(past->installation, stranger, 32);
	report = compare(past, &text, 3);
	assert_int_equal(report.beyond, 0);
	assert_true(report.forged > 3);
}

/* The vault's word may stand in a later line than the signature. */
static void test_certified_later(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(6, 3);
	CLEANUP(buf_finish) struct buf text = TEXT();

	past->heads[1].signer.certified = false;
	memset(past->heads[1].signer.certificate, 0, 64);
	struct line last = { .kind = LINE_AUDIT_HEAD, .audit = past->heads[1] };
	assert_int_equal(line_write(&text, &last), 0);
	assert_int_equal(compare(past, &text, 3).beyond, 0); /* not believed yet */
	past_heads(past, &text);
	struct witness_report report = compare(past, &text, 3);
	assert_int_equal(report.beyond, 6);
	assert_int_equal(report.forged, 0);
}

static void test_another_trail_of_ours(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(6, 3);
	CLEANUP(mem_freep) struct past *anew = past_create(3, 1);
	CLEANUP(buf_finish) struct buf text = TEXT();

	past_heads(past, &text);
	memcpy(anew->installation_secret, past->installation_secret, 64);
	memcpy(anew->installation, past->installation, 32);
	assert_true(compare(anew, &text, 3).other_trail);
	assert_int_equal(compare(anew, &text, 3).heads, 0);
	/* one of another installation is none of ours */
	CLEANUP(mem_freep) struct past *foreign = past_create(3, 1);
	past_heads(foreign, &text);
	assert_false(compare(past, &text, 6).other_trail);
}

/* As a syslog receiver writes it, out of order, with lines that say nothing. */
static void test_wrapped_lines(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(9, 3);
	CLEANUP(buf_finish) struct buf text = TEXT();

	for (int i = 2; i >= 0; i--) {
		struct line line = { .kind = LINE_AUDIT_HEAD, .audit = past->heads[i] };
		assert_int_equal(
			buf_append_text(&text, "Nov 23 14:05:09 gate sallyport 1 - - "), 0);
		assert_int_equal(line_write(&text, &line), 0);
		assert_int_equal(
			buf_append_text(&text, "noise {\"kind\":\"audit.head\",x}\n\n"), 0);
	}
	past->rows[4].at++;
	past_rechain(past, 4);
	struct witness_report report = compare(past, &text, 9);
	assert_int_equal(report.heads, 3);
	assert_int_equal(report.agreed, 1);
	assert_int_equal(report.disagrees_at, 6);
}

static void test_cannot_be_read(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(3, 3);
	struct witness witness;

	witness_open(&witness, -1, past->installation);
	assert_int_equal(witness_load_trail(&witness, past->signer.trail), -ERR_SYSTEM);
	witness_close(&witness, 0);
}

static void write_recording_head(
	const struct past *past, char session, uint64_t number, struct buf *out)
{
	struct line line = { .kind = LINE_RECORDING_HEAD };
	struct recording_head *head = &line.recording;
	struct certificate certificate = { .purpose = CERTIFICATE_RECORDING, .key_version = 1 };
	uint8_t secret[64], bytes[CERTIFICATE_LEN], body[RECORDING_SIGNATURE_LEN];

	*head = (struct recording_head){ .number = number,
		.chunks = number * 2,
		.ms = (uint32_t)number * 1000,
		.key_version = 1 };
	memset(head->session_id, session, SESSION_ID_SIZE - 1);
	memset(head->head, (int)number, HASH_LEN);
	crypto_sign_keypair(head->public_key, secret);
	memcpy(certificate.session_id, head->session_id, SESSION_ID_SIZE);
	memcpy(certificate.public_key, head->public_key, 32);
	assert_int_equal(certificate_layout(&certificate, bytes), 0);
	crypto_sign_detached(
		head->certificate, NULL, bytes, sizeof bytes, past->installation_secret);
	recording_sign(body, secret, head->session_id, head->chunks, head->ms, head->head);
	memcpy(head->signature, body + 16, 64);
	assert_int_equal(line_write(out, &line), 0);
}

static void test_recordings(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(3, 3);
	CLEANUP(buf_finish) struct buf text = TEXT();
	uint8_t head[HASH_LEN];
	char session[SESSION_ID_SIZE] = { 0 };
	struct witness witness;

	past_heads(past, &text); /* of the trail: none of ours here */
	write_recording_head(past, 'b', 9, &text);
	for (uint64_t i = 1; i <= 4; i++)
		write_recording_head(past, 'a', i, &text);
	memset(session, 'a', SESSION_ID_SIZE - 1);
	CLEANUP(fd_closep) int fd = past_file(&text);
	witness_open(&witness, fd, past->installation);
	assert_int_equal(witness_load_recording(&witness, session), 0);
	for (int i = 1; i <= 3; i++) {
		memset(head, i == 2 ? 77 : i, HASH_LEN);
		witness_compare(&witness, (uint64_t)i, head);
	}
	witness_close(&witness, 3);
	assert_int_equal(witness.report.heads, 4);
	assert_int_equal(witness.report.agreed, 2);
	assert_true(witness.report.disagrees);
	assert_int_equal(witness.report.disagrees_at, 2);
	assert_int_equal(witness.report.beyond, 4);
	assert_int_equal(witness.report.beyond_ms, 4000);
}

static void test_said(void **state)
{
	const struct witness_report report = { .heads = 7, .agreed = 5, .forged = 1, .beyond = 9 };
	CLEANUP(mem_freep) char *said = NULL;
	size_t len;
	FILE *out = open_memstream(&said, &len);
	json_t *object = witness_report_json(&report);

	witness_report_print(&report, out);
	fclose(out);
	assert_string_equal(said, "witness      5 of 7 heads agree, 1 are not signed by this "
				  "installation\n");
	assert_int_equal(json_integer_value(json_object_get(object, "beyond")), 9);
	assert_int_equal(json_integer_value(json_object_get(object, "agreed")), 5);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees),
		cmocka_unit_test(test_knows_more),
		cmocka_unit_test(test_another_past),
		cmocka_unit_test(test_forged_heads_are_not_believed),
		cmocka_unit_test(test_certified_later),
		cmocka_unit_test(test_another_trail_of_ours),
		cmocka_unit_test(test_wrapped_lines),
		cmocka_unit_test(test_cannot_be_read),
		cmocka_unit_test(test_recordings),
		cmocka_unit_test(test_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
