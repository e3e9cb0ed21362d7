/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/report.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const char *bytes_for(uint8_t kind, uint16_t a, uint16_t b)
{
	static char out[REPORT_SIZE];
	uint8_t payload[REPORT_PAYLOAD_LEN] = { kind };

	put16(payload + 2, a);
	put16(payload + 4, b);
	int len = report_bytes(payload, 80, 24, out);
	if (len < 0)
		return NULL;
	assert_int_equal(len, strlen(out));
	return out;
}

static void the_table(void **state)
{
	assert_string_equal(bytes_for(REPORT_STATUS, 9, 9), "\033[0n");
	assert_string_equal(bytes_for(REPORT_CURSOR, 3, 7), "\033[3;7R");
	assert_string_equal(bytes_for(REPORT_PRIMARY, 0, 0), "\033[?62;22c");
	assert_string_equal(bytes_for(REPORT_SECONDARY, 0, 0), "\033[>0;0;0c");
	assert_string_equal(bytes_for(REPORT_CURSOR_PRIVATE, 24, 80), "\033[?24;80R");
}

static void the_cursor_is_on_the_screen(void **state)
{
	assert_string_equal(bytes_for(REPORT_CURSOR, 0, 0), "\033[1;1R");
	assert_string_equal(bytes_for(REPORT_CURSOR, 65535, 65535), "\033[24;80R");
}

static void nothing_else_is_a_report(void **state)
{
	uint8_t payload[REPORT_PAYLOAD_LEN] = { REPORT_STATUS, 1 };
	char out[REPORT_SIZE];

	for (int kind = 0; kind < 256; kind++)
		if (kind < REPORT_STATUS || kind > REPORT_CURSOR_PRIVATE)
			assert_null(bytes_for((uint8_t)kind, 1, 1));
	assert_int_equal(report_bytes(payload, 80, 24, out), -ERR_MALFORMED);
	payload[1] = 0;
	payload[7] = 1;
	assert_int_equal(report_bytes(payload, 80, 24, out), -ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
		cmocka_unit_test(the_cursor_is_on_the_screen),
		cmocka_unit_test(nothing_else_is_a_report),
	};

	return cmocka_run_group_tests_name("worker/report", tests, NULL, NULL);
}
