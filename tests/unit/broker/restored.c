/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "broker/restored.c"

#include "broker/turn.h"

#define FROM "{\"backup\":\"00ff\",\"row\":7}"

static int say(struct house *house)
{
	assert_int_equal(turn_open(house->broker), 0);
	int r = restored_say(house->broker);
	turn_close(house->broker);
	return r;
}

static void test_is_said_once(void **state)
{
	struct house *house = *state;

	assert_int_equal(say(house), 0);
	assert_int_equal(house_audit_count(house, "installation.restored"), 0);
	assert_int_equal(store_fact_set(house->broker->store, FACT_RESTORED, FROM), 0);
	assert_int_equal(say(house), 0);
	assert_string_equal(
		house_audit(house, "installation.restored").detail, "{\"from\":" FROM "}");
	assert_int_equal(say(house), 0);
	assert_int_equal(house_audit_count(house, "installation.restored"), 1);
	house_audit_verify(house);
}

/* What is no fact of ours keeps the broker from starting. */
static void test_damage_is_told(void **state)
{
	struct house *house = *state;
	char long_words[600];

	memset(long_words, 'x', sizeof long_words - 1);
	long_words[sizeof long_words - 1] = '\0';
	assert_int_equal(store_fact_set(house->broker->store, FACT_RESTORED, long_words), 0);
	assert_int_equal(say(house), -ERR_STORE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_is_said_once),
		TEST(test_damage_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
