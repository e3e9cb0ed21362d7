/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chain.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/mem.h"

static struct audit_row first(void)
{
	struct audit_row row = { .sequence = 1,
		.at = 1700000000000,
		.event = "session.created",
		.actor = "application:portal",
		.from = "192.0.2.1",
		.object = "session:1",
		.detail = "{}" };

	chain_hash(&row, row.hash);
	return row;
}

/* The formula is a promise to whoever verifies old rows: this value may never change. */
static void test_known_value(void **state)
{
	struct audit_row row = first();
	char text[2 * HASH_LEN + 1];

	(void)state;
	hex_encode(text, row.hash, HASH_LEN);
	assert_string_equal(
		text, "f3d9d7c2028254454bf63ddb6f6a887195534b504b0f5acd6969f67d46eeabc8");
}

static void test_follows(void **state)
{
	struct audit_row one = first(), two = first();

	(void)state;
	assert_int_equal(chain_follows(NULL, &one), 0);
	two.sequence = 2;
	memcpy(two.before, one.hash, HASH_LEN);
	chain_hash(&two, two.hash);
	assert_int_equal(chain_follows(&one, &two), 0);
	assert_int_equal(chain_follows(NULL, &two), -ERR_CRYPTO);
	assert_int_equal(chain_follows(&two, &two), -ERR_CRYPTO);
	two.before[HASH_LEN - 1] ^= 1; /* of another chain, and whole in itself */
	chain_hash(&two, two.hash);
	assert_int_equal(chain_follows(&one, &two), -ERR_CRYPTO);
	two.before[HASH_LEN - 1] ^= 1;
	chain_hash(&two, two.hash);
	two.hash[HASH_LEN - 1] ^= 1; /* changed, and not hashed again */
	assert_int_equal(chain_follows(&one, &two), -ERR_CRYPTO);
	two.sequence = 3; /* a row was taken out */
	chain_hash(&two, two.hash);
	assert_int_equal(chain_follows(&one, &two), -ERR_CRYPTO);
}

static void test_every_field_counts(void **state)
{
	struct audit_row row = first(), changed;
	uint8_t hash[HASH_LEN];

	(void)state;
#define CHANGED(change)                                                                            \
	changed = row;                                                                             \
	change;                                                                                    \
	chain_hash(&changed, hash);                                                                \
	assert_memory_not_equal(hash, row.hash, HASH_LEN)
	CHANGED(changed.sequence = 2);
	CHANGED(changed.at++);
	CHANGED(changed.event[0] = 'S');
	CHANGED(changed.actor[0] = 'A');
	CHANGED(changed.from[0] = '2');
	CHANGED(changed.object[8] = '2');
	CHANGED(changed.result = -1);
	CHANGED(changed.detail[1] = ' ');
	CHANGED(changed.before[31] = 1);
	/* what ends one field does not begin the next */
	CHANGED(text_copy(changed.from, sizeof changed.from, "192.0.2.1s");
		text_copy(changed.object, sizeof changed.object, "ession:1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_value),
		cmocka_unit_test(test_follows),
		cmocka_unit_test(test_every_field_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
