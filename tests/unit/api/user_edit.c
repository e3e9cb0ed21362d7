/* SPDX-License-Identifier: Apache-2.0 */
#include "api/user_edit.c"

#include "fake.h"

static struct user_row ana(struct broker *broker)
{
	struct user_row user;
	assert_int_equal(store_user_find(broker->fixture->store, "ana", &user), 0);
	return user;
}

static void what_is_not_named_stays(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(ana(&broker).sessions_most, -1);
	assert_int_equal(
		fake_call(&broker, &control_user_edit, "login", "ana", "sessions", "3", NULL), 0);
	assert_string_equal(fake_object(), "user:ana");
	assert_int_equal(fake_number("sessions"), 3);
	assert_int_equal(ana(&broker).sessions_most, 3);
	assert_string_equal(ana(&broker).name, "Ana Sousa");
	assert_int_equal(
		fake_call(&broker, &control_user_edit, "login", "ana", "name", "Ana S.", NULL), 0);
	assert_string_equal(ana(&broker).name, "Ana S.");
	assert_int_equal(ana(&broker).sessions_most, 3);
	assert_int_equal(
		fake_call(&broker, &control_user_edit, "login", "ana", "sessions", "default", NULL),
		0);
	assert_int_equal(ana(&broker).sessions_most, -1);
	assert_int_equal(ana(&broker).blocked_at, 0);
}

static void a_user_is_held_back_and_let_go(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(
		fake_call(&broker, &control_user_edit, "login", "ana", "blocked", "true", NULL), 0);
	assert_int_equal(ana(&broker).blocked_at, NOW);
	assert_string_equal(ana(&broker).blocked_by, "administrator");
	assert_string_equal(fake_audit_at("blocked"), "true");
	/* the first one's time and name stay */
	assert_int_equal(store_user_set_blocked(broker.fixture->store, 1, "rui", 5), 0);
	assert_int_equal(
		fake_call(&broker, &control_user_edit, "login", "ana", "blocked", "true", NULL), 0);
	assert_string_equal(ana(&broker).blocked_by, "rui");
	assert_int_equal(
		fake_call(&broker, &control_user_edit, "login", "ana", "blocked", "false", NULL),
		0);
	assert_int_equal(ana(&broker).blocked_at, 0);
	assert_string_equal(ana(&broker).blocked_by, "");
}

static void what_cannot_be_is_refused(void **state)
{
	static const char *const pairs[][2] = { { "sessions", "100" }, { "sessions", "-1" },
		{ "sessions", "" }, { "sessions", "1x" }, { "name", "\x1b" } };
	struct broker broker = fake_broker(state);
	for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_int_equal(fake_call(&broker, &control_user_edit, "login", "ana", pairs[i][0],
					 pairs[i][1], NULL),
			-ERR_PARAMETER_INVALID);
	assert_int_equal(
		fake_call(&broker, &control_user_edit, "login", "eva", NULL), -ERR_USER_NOT_FOUND);
	assert_int_equal(fake_call(&broker, &control_user_edit, NULL), -ERR_PARAMETER_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(what_is_not_named_stays),
		API_CASE(a_user_is_held_back_and_let_go),
		API_CASE(what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
