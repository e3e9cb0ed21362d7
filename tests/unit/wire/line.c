/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/line.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* A text, and nothing behind it. */
#define SET(array, text) set(array, sizeof(array), text)

static void set(char *array, size_t size, const char *text)
{
	memset(array, 0, size);
	assert_int_equal(text_copy(array, size, text), 0);
}

static struct line row(void)
{
	struct line line = { .kind = LINE_ROW };

	line.row = (struct audit_row){ .sequence = 12,
		.at = 1763906709123,
		.event = "session.created",
		.actor = "application:portal",
		.from = "192.0.2.10",
		.object = "session:4711",
		.result = -33,
		.detail = "{\"user\":\"ana\",\"list\":[1,{\"a\":\"}\\\"\"}]}" };
	memset(line.row.before, 0xb0, HASH_LEN);
	memset(line.row.hash, 0x0a, HASH_LEN);
	return line;
}

static struct line audit_head(void)
{
	struct line line = { .kind = LINE_AUDIT_HEAD };

	line.audit = (struct audit_head){ .sequence = 12, .at = 1763906709123 };
	memset(line.audit.hash, 0x0a, HASH_LEN);
	memset(line.audit.signature, 0x51, 64);
	memset(line.audit.signer.trail, 0x7a, HASH_LEN);
	memset(line.audit.signer.public_key, 0x4e, 32);
	line.audit.signer.certified = true;
	memset(line.audit.signer.certificate, 0xce, 64);
	return line;
}

static struct line recording_head(void)
{
	struct line line = { .kind = LINE_RECORDING_HEAD };

	line.recording = (struct recording_head){
		.number = 3, .last = true, .chunks = 41, .ms = 4294967295, .key_version = 2
	};
	memset(line.recording.session_id, 'a', SESSION_ID_SIZE - 1);
	memset(line.recording.head, 1, HASH_LEN);
	memset(line.recording.signature, 2, 64);
	memset(line.recording.public_key, 3, 32);
	memset(line.recording.facts_hash, 4, HASH_LEN);
	memset(line.recording.certificate, 5, 64);
	return line;
}

static struct line place(enum line_kind kind)
{
	struct line line = { .kind = kind };

	line.place.sequence = 5000;
	line.place.next = kind == LINE_FORKED ? 41 : 0;
	memset(line.place.hash, 6, HASH_LEN);
	return line;
}

/* Written, read again, and every byte of it changed in turn: never read as something else. */
static void assert_one_form(const struct line *line)
{
	CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX);
	struct line back;

	assert_int_equal(line_write(&text, line), 0);
	assert_int_equal(text.data[text.len - 1], '\n');
	assert_int_equal(line_read((char *)text.data, text.len - 1, &back), 0);
	assert_int_equal(back.kind, line->kind);
	assert_memory_equal(&back, line, sizeof back);
	for (size_t i = 0; i + 1 < text.len; i += 1 + text.len / 1024) {
		uint8_t bit = (uint8_t)(1u << i % 8);
		text.data[i] ^= bit;
		if (line_read((char *)text.data, text.len - 1, &back) == 0)
			assert_memory_not_equal(&back, line, sizeof back);
		text.data[i] ^= bit;
		assert_int_equal(line_read((char *)text.data, i, &back), -ERR_MALFORMED);
		assert_int_equal(back.kind, LINE_NONE);
	}
	assert_int_equal(line_read((char *)text.data, text.len, &back), -ERR_MALFORMED);
}

static void test_every_line_has_one_form(void **state)
{
	struct line lines[] = { row(), audit_head(), recording_head(), place(LINE_CONTINUED),
		place(LINE_FORKED), row(), audit_head(), recording_head() };

	SET(lines[5].row.from, "");
	SET(lines[5].row.object, "");
	SET(lines[5].row.detail, "{}");
	lines[5].row.result = 0;
	lines[6].audit.signer.certified = false;
	memset(lines[6].audit.signer.certificate, 0, 64);
	lines[7].recording.last = false;
	for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
		assert_one_form(&lines[i]);
}

static void assert_text(const struct line *line, const char *want)
{
	CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX);

	assert_int_equal(line_write(&text, line), 0);
	assert_int_equal(buf_append(&text, "", 1), 0);
	assert_string_equal((char *)text.data, want);
}

#define X32(digits)                                                                                \
	digits digits digits digits digits digits digits digits digits digits digits digits digits \
		digits digits digits digits digits digits digits digits digits digits digits       \
			digits digits digits digits digits digits digits digits

static void test_lines_are_as_drawn(void **state)
{
	struct line line = row();

	assert_text(&line,
		"{\"kind\":\"audit.row\",\"sequence\":12,\"time\":\"2025-11-23T14:05:09"
		".123Z\",\"at\":1763906709123,\"event\":\"session.created\",\"actor\":"
		"\"application:portal\",\"from\":\"192.0.2.10\",\"object\":\"session:4711"
		"\",\"result\":-33,\"detail\":{\"user\":\"ana\",\"list\":[1,{\"a\":\"}"
		"\\\"\"}]},\"before\":\"" X32("b0") "\",\"hash\":\"" X32("0a") "\"}\n");
	line = audit_head();
	assert_text(&line,
		"{\"kind\":\"audit.head\",\"sequence\":12,\"time\":\"2025-11-23T14:05:"
		"09.123Z\",\"at\":1763906709123,\"hash\":\"" X32("0a") "\",\"signature\":\"" X32(
			"51")
			X32("51") "\",\"trail\":\"" X32("7a") "\",\"key\":\"" X32(
				"4e") "\",\"certificate\":\"" X32("ce") X32("ce") "\"}\n");
	line = recording_head();
	assert_text(&line,
		"{\"kind\":\"recording.head\",\"session_id\":"
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"number\":3,\"last\":true,"
		"\"chunks\":"
		"41,\"ms\":4294967295,\"head\":\"" X32("01") "\",\"signature\":\"" X32("02")
			X32("02") "\",\"key\":\"" X32("03") "\",\"key_version\":2,\"facts\":\"" X32(
				"04") "\",\"certificate\":\"" X32("05") X32("05") "\"}\n");
	line = place(LINE_FORKED);
	assert_text(&line, "{\"kind\":\"mirror.forked\",\"sequence\":5000,\"hash\":\"" X32(
				   "06") "\",\"next\":41}\n");
}

/* Whatever a damaged store holds: one line, one object, and back again as it was. */
static void test_hostile_texts_stay_inside(void **state)
{
	static const char *const details[] = { "", "[]", "{", "{}{}", "{\"a\":\"\n\"}", "{]",
		"}\n{\"kind\":\"audit.row\"", "{\"a\":\"\\", "{\"a\\\":1}", "\xff{}",
		"{\"\xff\":1}", "{\"a\":1}x", "\"", "{\"x\":\"\\u000a\"}", "{}", "\x7f\x1b[2J",
		"null" };

	for (unsigned i = 0; i < ARRAY_LEN(details); i++) {
		CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX);
		struct line line = row(), back;
		SET(line.row.detail, details[i]);
		SET(line.row.actor, "\"},\n\t\r\b\f\\\x01\x7f \xc3\xa9");
		assert_int_equal(line_write(&text, &line), 0);
		assert_ptr_equal(memchr(text.data, '\n', text.len), text.data + text.len - 1);
		int r = line_read((char *)text.data, text.len - 1, &back);
		if (strchr(details[i], '\xff') != NULL) { /* is not written as it was */
			assert_true(r < 0 || strcmp(back.row.detail, details[i]) != 0);
			continue;
		}
		assert_int_equal(r, 0);
		assert_memory_equal(&back, &line, sizeof back);
	}
}

static void test_the_longest_row_fits(void **state)
{
	CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX);
	struct line line = row();

	memset(line.row.event, 1, sizeof line.row.event - 1);
	memset(line.row.actor, 1, sizeof line.row.actor - 1);
	memset(line.row.from, 1, sizeof line.row.from - 1);
	memset(line.row.object, 1, sizeof line.row.object - 1);
	memset(line.row.detail, 1, sizeof line.row.detail - 1);
	line.row.sequence = line.row.at = 999999999999999999;
	assert_one_form(&line);
}

static void assert_refused(const char *text)
{
	struct line line;

	assert_int_equal(line_read(text, strlen(text), &line), -ERR_MALFORMED);
}

static void test_other_lines_are_refused(void **state)
{
	assert_refused("");
	assert_refused("{}");
	assert_refused("{\"kind\":\"\"}");
	assert_refused("{\"kind\":\"audit.row\"}");
	assert_refused("{\"kind\":\"mirror.continued\",\"sequence\":99999999999999999999}");
	assert_refused("{\"kind\":\"mirror.continued\",\"sequence\":-,\"hash\":\"\"}");
	assert_refused(
		"{\"kind\":\"mirror.continued\",\"sequence\":0005000,\"hash\":\"" X32("06") "\"}");
	assert_refused(
		"{\"kind\":\"mirror.continued\",\"sequence\":5000,\"hash\":\"" X32("zz") "\"}");
	assert_refused(
		"{\"kind\":\"mirror.continued\",\"sequence\":5000,\"hash\":\"" X32("AB") "\"}");
	/* a text that is too long, one that never ends, escapes that say nothing */
	assert_refused("{\"kind\":\"recording.head\",\"session_id\":"
		       "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"number\":3");
	assert_refused("{\"kind\":\"recording.head\",\"session_id\":\"aa");
	assert_refused("{\"kind\":\"recording.head\",\"session_id\":\"aa\\");
	assert_refused("{\"kind\":\"recording.head\",\"session_id\":\"aa\\x\"");
	assert_refused("{\"kind\":\"recording.head\",\"session_id\":\"aa\\u00\"");
	assert_refused("{\"kind\":\"recording.head\",\"session_id\":\"aa\\u0000\"");
	assert_refused("{\"kind\":\"recording.head\",\"session_id\":\"aa\\u0141\"");
}

static void assert_found(const char *text, const char *want)
{
	size_t len = 0;
	const char *found = line_find_head(text, strlen(text), &len);

	if (want == NULL) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(found, want, len);
}

static void test_heads_are_found_in_what_wraps_them(void **state)
{
	assert_found("<110>1 2025-11-23T14:05:09Z gate sallyport - head - "
		     "{\"kind\":\"audit.head\",\"sequence\":1}",
		"{\"kind\":\"audit.head\",\"sequence\":1}");
	assert_found("CEF:0|Sallyport|Sallyport|0.1.0|head|Head|1|cs1={\"kind\":"
		     "\"recording.head\",\"ms\":1} cs1Label=line",
		"{\"kind\":\"recording.head\",\"ms\":1}");
	assert_found("{\"kind\":\"audit.head\",\"seq", NULL);
	assert_found("{\"kind\":\"audit.row\",\"sequence\":1}", NULL);
	assert_found("", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_line_has_one_form),
		cmocka_unit_test(test_lines_are_as_drawn),
		cmocka_unit_test(test_hostile_texts_stay_inside),
		cmocka_unit_test(test_the_longest_row_fits),
		cmocka_unit_test(test_other_lines_are_refused),
		cmocka_unit_test(test_heads_are_found_in_what_wraps_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
