/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/cef.c"

#include "stand.h"

static char *written(const struct line *line)
{
	static char text[65536];
	struct buf out = BUF(65536);

	assert_int_equal(cef_write(&out, line), 0);
	memcpy(text, out.data, out.len);
	text[out.len] = '\0';
	buf_finish(&out);
	return text;
}

/* with: what follows who we are. */
static void begins(const struct line *line, const char *with)
{
	const char *text = written(line);
	char who[64];

	snprintf(who, sizeof who, "CEF:0|Sallyport|Sallyport|%s|", gateway_version);
	assert_memory_equal(text, who, strlen(who));
	text += strlen(who);
	if (strncmp(text, with, strlen(with)) != 0)
		assert_string_equal(text, with);
}

static void test_a_row(void **state)
{
	struct line line = { .kind = LINE_ROW, .row = stand_row(12) };

	begins(&line, "user.added|user.added|3|rt=1763906709123 externalId=12 "
		      "suser=administrator:0 src=192.0.2.10 cs2Label=object cs2=user:ana "
		      "outcome=success cs1Label=line cs1={\"kind\":\"audit.row\",");
	line.row.result = -ERR_NAME_TAKEN;
	text_copy(line.row.from, sizeof line.row.from, "2001:db8::1");
	line.row.object[0] = '\0';
	begins(&line, "user.added|user.added|6|rt=1763906709123 externalId=12 "
		      "suser=administrator:0 c6a2=2001:db8::1 c6a2Label=Source IPv6 Address "
		      "outcome=failure reason=NAME_TAKEN cs1Label=line cs1={");
	text_copy(line.row.from, sizeof line.row.from, "nowhere");
	assert_null(strstr(written(&line), " src="));
}

static void test_heads(void **state)
{
	struct line head = stand_head(3), recording = stand_recording('a', 1);
	struct line forked = { .kind = LINE_FORKED };

	begins(&head, "audit.head|audit.head|1|rt=1763906709123 externalId=3 cs1Label=line "
		      "cs1={\"kind\":\"audit.head\",");
	begins(&recording, "recording.head|recording.head|1|cs2Label=session cs2="
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa cs1Label=line cs1={");
	begins(&forked, "mirror.forked|mirror.forked|10|cs1Label=line cs1={");
}

/* Nobody can put a field, an event or a line of his own into an event. */
static void test_nothing_breaks_out(void **state)
{
	struct line line = { .kind = LINE_ROW, .row = stand_row(12) };

	text_copy(line.row.event, sizeof line.row.event, "a|b\\c");
	text_copy(line.row.actor, sizeof line.row.actor, "x=1 src=1.2.3.4\nCEF:0|\x1b[2J\x7f\r");
	const char *text = written(&line);
	begins(&line, "a\\|b\\\\c|a\\|b\\\\c|3|");
	assert_non_null(strstr(text, "suser=x\\=1 src\\=1.2.3.4\\nCEF:0|?[2J?\\r src=192.0.2.10 "));
	assert_null(strpbrk(text, "\n\r\x1b"));
}

/* A head's line needs no escape: a reader of syslog files finds it as it is. */
static void test_heads_stay_as_they_are(void **state)
{
	struct line head = stand_head(3), back;
	const char *text = written(&head);
	size_t len;

	head.audit.signer.certified = true;
	text = written(&head);
	const char *found = line_find_head(text, strlen(text), &len);
	assert_non_null(found);
	assert_int_equal(line_read(found, len, &back), 0);
	assert_memory_equal(&back, &head, sizeof back);
}

static void test_no_room(void **state)
{
	struct line lines[] = { { .kind = LINE_ROW, .row = stand_row(12) }, stand_head(3),
		stand_recording('a', 1), { .kind = LINE_FORKED } };

	text_copy(lines[0].row.from, sizeof lines[0].row.from, "::1");
	lines[0].row.result = -1;
	for (unsigned i = 0; i < ARRAY_LEN(lines); i++) {
		for (size_t most = 1; most < 120; most += 3) {
			struct buf out = BUF(most);
			assert_int_equal(cef_write(&out, &lines[i]), -ERR_TOO_LARGE);
			buf_finish(&out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_row),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_nothing_breaks_out),
		cmocka_unit_test(test_heads_stay_as_they_are),
		cmocka_unit_test(test_no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
