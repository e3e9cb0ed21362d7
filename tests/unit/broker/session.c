/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

static void test_table(void **state)
{
	static const bool legal[4][4] = {
		[SESSION_CREATED] = { [SESSION_REDEEMED] = true, [SESSION_ENDED] = true },
		[SESSION_REDEEMED] = { [SESSION_LIVE] = true, [SESSION_ENDED] = true },
		[SESSION_LIVE] = { [SESSION_ENDED] = true },
	};

	(void)state;
	for (int from = 0; from < 4; from++)
		for (int to = 0; to < 4; to++)
			assert_int_equal(
				session_may_move((enum session_state)from, (enum session_state)to),
				legal[from][to]);
	assert_string_equal(session_state_word(SESSION_LIVE), "live");
}

static void make(struct house *house, struct session_row *row)
{
	house_session(house);
	assert_int_equal(store_session_get(house->broker->store, 1, row), 0);
}

static void test_write(void **state)
{
	struct house *house = *state;
	struct moving moving = {
		.actor = "gateway", .why = -ERR_SESSION_IDLE, .reason = "idle", .exit_status = -1
	};
	struct session_row row;

	make(house, &row);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(
		session_write(house->broker, &row, SESSION_LIVE, &moving), -ERR_WRONG_MOMENT);
	assert_int_equal(session_write(house->broker, &row, SESSION_ENDED, &moving), 0);
	assert_int_equal(
		session_write(house->broker, &row, SESSION_ENDED, &moving), -ERR_WRONG_MOMENT);
	turn_close(house->broker);
	struct audit_row audit = house_audit(house, "session.ended");
	assert_int_equal(audit.result, -ERR_SESSION_IDLE);
	assert_non_null(strstr(audit.detail, "\"was\":\"created\""));
}

/* A move that was not committed did not happen, here as there. */
static void test_move_undone(void **state)
{
	struct house *house = *state;
	struct moving moving = { .actor = "user:ana" };
	struct session_row row;
	struct session *session;

	make(house, &row);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(session_create(house->broker, &row, &session), 0);
	assert_int_equal(session_enter(house->broker, session, SESSION_REDEEMED, &moving), 0);
	house->broker->turn.poisoned = true;
	turn_close(house->broker);
	assert_int_equal(house->broker->sessions.count, 0);
	assert_int_equal(store_session_get(house->broker->store, 1, &row), 0);
	assert_int_equal(row.state, SESSION_CREATED);
	assert_false(house_got(house, MSG_RECORDING_START));
	house_audit_verify(house);
}

static void test_found_by_both_names(void **state)
{
	struct house *house = *state;
	struct session *sessions[50];
	struct session_row row = { 0 };

	for (int i = 0; i < 50; i++) {
		row.id = 1000 + i;
		snprintf(row.session_id, sizeof row.session_id, "%040d", i * 77777);
		assert_int_equal(session_create(house->broker, &row, &sessions[i]), 0);
	}
	for (int i = 0; i < 50; i += 2)
		session_destroy(house->broker, sessions[i]);
	for (int i = 0; i < 50; i++) {
		snprintf(row.session_id, sizeof row.session_id, "%040d", i * 77777);
		struct session *expected = i % 2 == 0 ? NULL : sessions[i];
		assert_ptr_equal(session_by_id(house->broker, 1000 + i), expected);
		assert_ptr_equal(session_by_session_id(house->broker, row.session_id), expected);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		TEST(test_write),
		TEST(test_move_undone),
		TEST(test_found_by_both_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
