/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/gap.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void says_how_long_since_when_and_why(void **state)
{
	struct gap gap = { 0 };
	uint8_t payload[GAP_PAYLOAD_MAX];
	char from[CLOCK_TEXT_SIZE], words[REASON_SIZE];

	(void)state;
	assert_int_equal(gap_end(&gap, payload), 0); /* there was none */
	gap_begin(&gap, GAP_RENEWED);
	gap.from_ms -= 12345;
	size_t len = gap_end(&gap, payload);
	assert_int_equal(payload[0], GAP_RENEWED);
	assert_in_range(get32(payload + 4), 12345, 12999);
	snprintf(words, sizeof words,
		"Nobody was attached for 12.3 s, from %s on: the gateway was renewed",
		clock_format_utc(gap.from_wall_ms, from));
	assert_int_equal(len, 8 + strlen(words));
	assert_memory_equal(payload + 8, words, strlen(words));
	assert_int_equal(gap_end(&gap, payload), 0); /* told once */
}

static void every_reason_has_words(void **state)
{
	(void)state;
	for (uint8_t why = GAP_CLOSED; why <= GAP_STALLED; why++)
		for (uint8_t other = GAP_CLOSED; other < why; other++)
			assert_string_not_equal(gap_words(why), gap_words(other));
	assert_string_equal(gap_words(0), gap_words(GAP_LOST));
	assert_string_equal(gap_words(200), gap_words(GAP_LOST));
}

/* A gap longer than its number can hold is the longest it can. */
static void a_long_one_fits(void **state)
{
	struct gap gap = { true, GAP_CLOSED, 0, 0 };
	uint8_t payload[GAP_PAYLOAD_MAX];

	(void)state;
	gap.from_ms = clock_monotonic_ms() - (UINT64_C(1) << 33);
	assert_true(gap_end(&gap, payload) <= GAP_PAYLOAD_MAX);
	assert_int_equal(get32(payload + 4), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_how_long_since_when_and_why),
		cmocka_unit_test(every_reason_has_words),
		cmocka_unit_test(a_long_one_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
