/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/batch.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint64_t now_us = 1000000;

/* So many looks, each after a time and with so many bytes. Returns how many are waited after. */
static unsigned looks(struct batch *batch, unsigned count, unsigned us, size_t len)
{
	unsigned waits = 0;

	for (unsigned i = 0; i < count; i++) {
		now_us += us;
		batch_note(batch, len);
		waits += batch_waits(batch, now_us);
	}
	return waits;
}

static void somebody_types(void **state)
{
	struct batch batch = {};

	assert_int_equal(looks(&batch, 1000, 100000, 1), 0);
	assert_int_equal(looks(&batch, 1000, 30000, 200), 0); /* a key that repeats */
	assert_int_equal(looks(&batch, 100, 16, 1), 0);       /* a paste */
}

static void one_screen(void **state)
{
	struct batch batch = {};

	/* An editor that draws all of it, at once or in pieces, is done before it is a flood. */
	assert_int_equal(looks(&batch, 1, 200000, 30000), 0);
	assert_int_equal(looks(&batch, 1, 200000, 200000), 0);
	assert_int_equal(looks(&batch, 8, 200, 4000), 0);
	assert_int_equal(looks(&batch, 1, 200000, 1), 0);
}

static void a_flood(void **state)
{
	struct batch batch = {};

	assert_int_equal(looks(&batch, 1, 200000, 2000), 0);
	assert_int_equal(looks(&batch, 39, 200, 2000), 0); /* not before it is known to be one */
	assert_int_equal(looks(&batch, 400, 200, 2000), 400);
	/* Much at a time needs no waiting, and nothing at all is waited for by the kernel. */
	assert_int_equal(looks(&batch, 100, 200, BATCH_ENOUGH), 0);
	assert_int_equal(looks(&batch, 1, 200, 0), 0);
	assert_int_equal(looks(&batch, 1, 200, 2000), 1);
}

static void it_is_over(void **state)
{
	struct batch batch = {};

	assert_int_equal(looks(&batch, 1, 200000, 2000), 0);
	assert_true(looks(&batch, 400, 200, 2000) > 300);
	/* The prompt after it, and what is typed then. */
	now_us += 5 * BATCH_FLOOD_US;
	assert_int_equal(looks(&batch, 1, 0, 50), 0);
	assert_int_equal(looks(&batch, 100, 100000, 1), 0);
	/* Slower is no flood either. */
	assert_true(looks(&batch, 400, 200, 2000) > 300);
	assert_in_range(looks(&batch, 400, 1000, 1000), 0, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(somebody_types),
		cmocka_unit_test(one_screen),
		cmocka_unit_test(a_flood),
		cmocka_unit_test(it_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
