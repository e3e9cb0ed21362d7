/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/message.c"

#include "stand.h"

static char *written(const struct line *line, bool cef)
{
	static char text[65536];
	struct buf out = BUF(65536);

	assert_int_equal(message_write(&out, line, "gate.example", cef), 0);
	memcpy(text, out.data, out.len);
	text[out.len] = '\0';
	buf_finish(&out);
	return text;
}

/* The frame says how long it is, and the message is what RFC 5424 draws. */
static void test_a_row(void **state)
{
	struct line line = { .kind = LINE_ROW, .row = stand_row(12) };
	char *text = written(&line, false), *message = strchr(text, ' ') + 1;
	char head[256];

	snprintf(head, sizeof head,
		"<110>1 2025-11-23T14:05:09.123Z gate.example sallyport - audit.row [origin "
		"software=\"Sallyport\" swVersion=\"%s\"] {\"kind\":\"audit.row\",\"sequence\":12,",
		gateway_version);

	assert_int_equal(strtoul(text, NULL, 10), strlen(message));
	assert_memory_equal(message, head, strlen(head));
	assert_int_equal(message[strlen(message) - 1], '}');
	line.row.result = -1;
	assert_non_null(strstr(written(&line, false), " <108>1 "));
}

static void test_priorities_and_kinds(void **state)
{
	struct line head = stand_head(3), recording = stand_recording('a', 1);
	struct line forked = { .kind = LINE_FORKED }, continued = { .kind = LINE_CONTINUED };

	assert_non_null(strstr(written(&head, false),
		" <110>1 2025-11-23T14:05:09.123Z gate.example sallyport - audit.head ["));
	assert_non_null(strstr(written(&recording, false), " sallyport - recording.head ["));
	assert_non_null(strstr(written(&forked, false), " <105>1 "));
	assert_non_null(strstr(written(&continued, false), " mirror.continued ["));
}

static void test_cef_inside(void **state)
{
	struct line head = stand_head(3);
	const char *text = written(&head, true);
	char begin[64];

	snprintf(begin, sizeof begin, "\"] CEF:0|Sallyport|Sallyport|%s|audit.head|",
		gateway_version);
	assert_non_null(strstr(text, begin));
	assert_null(memchr(text, '\n', strlen(text)));
}

/* The longest message there is leaves the batch as it was when it does not fit. */
static void test_no_room(void **state)
{
	struct buf out = BUF(500);
	struct line line = { .kind = LINE_ROW, .row = stand_row(12) };

	memset(line.row.detail, 1, sizeof line.row.detail - 1);
	assert_int_equal(buf_append(&out, "before", 6), 0);
	assert_int_equal(message_write(&out, &line, "gate", false), -ERR_TOO_LARGE);
	assert_int_equal(message_write(&out, &line, "gate", true), -ERR_TOO_LARGE);
	assert_int_equal(out.len, 6);
	buf_finish(&out);
	memset(line.row.actor, 1, sizeof line.row.actor - 1);
	assert_true(strlen(written(&line, true)) > 8000);
}

static void test_hosts(void **state)
{
	char out[MESSAGE_HOST_SIZE], long_name[400];

	message_host("gate", out);
	assert_string_equal(out, "gate");
	message_host("", out);
	assert_string_equal(out, "-");
	message_host("a b\n\xc3\xa9", out);
	assert_string_equal(out, "a?b???");
	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	message_host(long_name, out);
	assert_int_equal(strlen(out), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_row),
		cmocka_unit_test(test_priorities_and_kinds),
		cmocka_unit_test(test_cef_inside),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_hosts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
