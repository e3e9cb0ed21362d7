/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/throttle.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "failing.h"

static struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return address;
}

static void test_delay_grows(void **state)
{
	struct throttle *throttle;
	struct address here = address_of("192.0.2.1"), there = address_of("192.0.2.2");
	uint64_t now = 1000000;

	(void)state;
	assert_int_equal(throttle_create(10, 100, &throttle), 0);
	for (int i = 0; i < 9; i++)
		throttle_failed(throttle, "client", &here, now);
	assert_int_equal(throttle_wait(throttle, "client", &here, now), 0);
	throttle_failed(throttle, "client", &here, now);
	assert_int_equal(throttle_wait(throttle, "client", &here, now), 1);
	/* by the client from elsewhere, and by the address for another client */
	assert_int_equal(throttle_wait(throttle, "client", &there, now), 1);
	assert_int_equal(throttle_wait(throttle, "other", &here, now), 1);
	assert_int_equal(throttle_wait(throttle, "other", &there, now), 0);
	assert_int_equal(throttle_wait(throttle, "client", &here, now + 1000), 0);
	unsigned expected = 2;
	for (int i = 0; i < 30; i++) {
		throttle_failed(throttle, "client", &here, now);
		assert_int_equal(throttle_wait(throttle, "client", &here, now), expected);
		expected = expected * 2 > 512 ? 900 : expected * 2;
	}
	throttle_destroy(throttle);
}

static void test_window_and_success(void **state)
{
	struct throttle *throttle;
	struct address here = address_of("192.0.2.1"), there = address_of("192.0.2.2");
	uint64_t now = 1000000;

	(void)state;
	assert_int_equal(throttle_create(3, 100, &throttle), 0);
	throttle_failed(throttle, "a", &here, now);
	throttle_failed(throttle, "a", &here, now);
	throttle_failed(
		throttle, "a", &here, now + THROTTLE_WINDOW_MS); /* a new window: the first in it */
	assert_int_equal(throttle_wait(throttle, "a", &here, now + THROTTLE_WINDOW_MS), 0);
	throttle_failed(throttle, "a", &here, now + THROTTLE_WINDOW_MS);
	throttle_succeeded(throttle, "nobody that failed");
	throttle_succeeded(throttle, "a");
	throttle_failed(throttle, "a", &there, now + THROTTLE_WINDOW_MS);
	assert_int_equal(throttle_wait(throttle, "a", &there, now + THROTTLE_WINDOW_MS), 0);
	/* one good key does not pay for what the address guessed */
	throttle_failed(throttle, "b", &here, now + THROTTLE_WINDOW_MS);
	assert_true(throttle_wait(throttle, "c", &here, now + THROTTLE_WINDOW_MS) > 0);
	throttle_destroy(throttle);
}

static void test_calls_per_second(void **state)
{
	struct throttle *throttle;
	struct address here = address_of("2001:db8::1"), neighbour = address_of("2001:db8::ffff"),
		       other = address_of("2001:db8:0:1::1");
	uint64_t now = 5000;

	(void)state;
	assert_int_equal(throttle_create(3, 5, &throttle), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(throttle_call(throttle, &here, now), 0);
	assert_int_equal(throttle_call(throttle, &here, now), 1);
	assert_int_equal(throttle_call(throttle, &neighbour, now), 1); /* the same /64 */
	assert_int_equal(throttle_call(throttle, &other, now), 0);
	assert_int_equal(throttle_call(throttle, &here, now + 1000), 0);
	throttle_destroy(throttle);
}

/* One address has one slot, whatever lies behind its bytes. */
static void test_equal_addresses(void **state)
{
	struct throttle *throttle;
	struct address here = address_of("192.0.2.1"), same = here;
	uint64_t now = 5000;

	memset(same.bytes + 4, 9, sizeof same.bytes - 4);
	assert_int_equal(throttle_create(1, 5, &throttle), 0);
	throttle_failed(throttle, "", &here, now);
	assert_int_equal(throttle_wait(throttle, "", &same, now), 1);
	throttle_destroy(throttle);
}

/* A flood of addresses costs no memory, and who failed lately is not forgotten by it at once. */
static void test_flood(void **state)
{
	struct throttle *throttle;
	struct address address = address_of("10.0.0.0");
	struct address guesser = address_of("192.0.2.1");
	uint64_t now = 5000;

	(void)state;
	assert_int_equal(throttle_create(3, 5, &throttle), 0);
	for (int i = 0; i < 5; i++)
		throttle_failed(throttle, "", &guesser, now);
	for (unsigned i = 0; i < 1000; i++) {
		address.bytes[2] = (uint8_t)(i >> 8);
		address.bytes[3] = (uint8_t)i;
		throttle_call(throttle, &address, now + i);
	}
	assert_true(throttle_wait(throttle, "", &guesser, now) > 0);
	throttle_destroy(throttle);
}

static void test_refusals_are_counted(void **state)
{
	struct throttle *throttle;
	struct address here = address_of("192.0.2.1");
	unsigned omitted, audited = 0;
	uint64_t now = 5000;

	(void)state;
	assert_int_equal(throttle_create(3, 5, &throttle), 0);
	for (int i = 0; i < 100; i++)
		audited += throttle_audited(throttle, &here, now, &omitted);
	assert_int_equal(audited, THROTTLE_REFUSALS);
	assert_int_equal(omitted, 0);
	assert_true(throttle_audited(throttle, &here, now + THROTTLE_WINDOW_MS, &omitted));
	assert_int_equal(omitted, 100 - THROTTLE_REFUSALS);
	/* All of the second stretch were audited: nothing to tell in the third. */
	for (int i = 1; i < THROTTLE_REFUSALS; i++)
		assert_true(throttle_audited(
			throttle, &here, now + 2 * THROTTLE_WINDOW_MS - 1, &omitted));
	assert_true(throttle_audited(throttle, &here, now + 2 * THROTTLE_WINDOW_MS, &omitted));
	assert_int_equal(omitted, 0);
	throttle_destroy(throttle);
}

static void test_without_memory(void **state)
{
	FAILING(FAILING_MEMORY) {
		struct throttle *throttle = NULL;
		int r = throttle_create(3, 5, &throttle);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		assert_int_equal(throttle == NULL, r < 0);
		throttle_destroy(throttle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delay_grows),
		cmocka_unit_test(test_window_and_success),
		cmocka_unit_test(test_calls_per_second),
		cmocka_unit_test(test_equal_addresses),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_refusals_are_counted),
		cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
