/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

static struct session *live(struct house *house)
{
	struct moving moving = { .actor = "user:ana" };
	struct session_row row;
	struct session *session;

	house_session(house);
	assert_int_equal(store_session_get(house->broker->store, 1, &row), 0);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(session_create(house->broker, &row, &session), 0);
	session->start_asked = session->recorder_knows = true; /* nothing is started here */
	assert_int_equal(session_enter(house->broker, session, SESSION_REDEEMED, &moving), 0);
	assert_int_equal(session_enter(house->broker, session, SESSION_LIVE, &moving), 0);
	turn_close(house->broker);
	session->viewers = 1;
	session->recorder = house->broker->recorder;
	session->started = session->last_input = session->nobody_since = clock_monotonic_ms();
	return session;
}

static void tick(struct house *house)
{
	sessions_tick(house->broker);
	house_run(house);
}

static int end_why(struct house *house)
{
	struct session_row row;

	assert_int_equal(store_session_get(house->broker->store, 1, &row), 0);
	return row.state == SESSION_ENDED ? row.end_why : 0;
}

static void test_idle(void **state)
{
	struct house *house = *state;
	struct session *session = live(house);
	struct msg_activity activity = { .session = 1, .input_bytes = 5 };

	tick(house);
	assert_false(house_got(house, MSG_NOTICE));
	session->last_input -= (3600 - 119) * 1000;
	tick(house);
	struct house_message notice = house_take(house, MSG_NOTICE);
	assert_non_null(
		strstr(((struct msg_notice *)notice.payload)->text, "unless somebody types"));
	tick(house);
	assert_false(house_got(house, MSG_NOTICE)); /* once */
	house_send(house->recorder, MSG_ACTIVITY, &activity, -1);
	house_run(house);
	tick(house);
	session->last_input -= (3600 - 119) * 1000;
	tick(house);
	house_take(house, MSG_NOTICE); /* again, after somebody typed */
	session->last_input -= 120 * 1000;
	tick(house);
	assert_int_equal(end_why(house), -ERR_SESSION_IDLE);
	assert_true(house_got(house, MSG_SESSION_STOP));
}

static void test_longest(void **state)
{
	struct house *house = *state;
	struct session *session = live(house);

	session->started -= (43200 - 15 * 60 + 1) * 1000;
	tick(house);
	assert_non_null(strstr(
		(char *)house_take(house, MSG_NOTICE).payload + offsetof(struct msg_notice, text),
		"15 minutes"));
	tick(house);
	assert_false(house_got(house, MSG_NOTICE));
	session->started -= 10 * 60 * 1000; /* the one at 10 minutes was slept over */
	tick(house);
	assert_non_null(strstr(
		(char *)house_take(house, MSG_NOTICE).payload + offsetof(struct msg_notice, text),
		"5 minutes"));
	tick(house);
	assert_false(house_got(house, MSG_NOTICE));
	session->started -= 5 * 60 * 1000;
	tick(house);
	assert_int_equal(end_why(house), -ERR_SESSION_TOO_LONG);
}

/* Hours that are over `left` minutes and half a minute from now; none: the whole day. */
static struct hours hours_left(int left)
{
	int now = (int)(clock_wall_ms() / 60000 % (24 * 60));
	return (struct hours){ .days = HOURS_ALL_DAYS,
		.from = (uint16_t)((now + 24 * 60 - 60) % (24 * 60)),
		.until = (uint16_t)((now + left) % (24 * 60)),
		.zone = "UTC",
		.rule = "UTC0" };
}

static const char *notice_text(struct house *house)
{
	static struct house_message message;

	message = house_take(house, MSG_NOTICE);
	return ((struct msg_notice *)message.payload)->text;
}

static void test_hours(void **state)
{
	struct house *house = *state;
	struct session *session = live(house);

	assert_true(hours_always(&session->hours));
	session->hours = hours_left(30);
	tick(house);
	assert_false(house_got(house, MSG_NOTICE));
	session->hours = hours_left(13);
	tick(house);
	assert_non_null(strstr(notice_text(house), "in 15 minutes: then its credential"));
	tick(house);
	assert_false(house_got(house, MSG_NOTICE)); /* once */
	session->hours = hours_left(3);             /* the one at 10 minutes was slept over */
	tick(house);
	assert_non_null(strstr(notice_text(house), "in 5 minutes"));
	session->hours = hours_left(8); /* the clock went back: nothing is said again */
	tick(house);
	assert_false(house_got(house, MSG_NOTICE));
	session->hours = hours_left(30);
	tick(house);
	session->hours = hours_left(8);
	tick(house);
	assert_non_null(strstr(notice_text(house), "in 10 minutes"));
	assert_int_equal(end_why(house), 0);
	session->hours = hours_left(-1);
	tick(house);
	assert_int_equal(end_why(house), -ERR_SESSION_HOURS);
}

static void test_nobody_comes_back(void **state)
{
	struct house *house = *state;
	struct session *session = live(house);
	struct msg_viewer left = { .session = 1, .viewer = 1 };

	house_send(house->recorder, MSG_VIEWER_LEFT, &left, -1);
	house_run(house);
	assert_int_equal(session->viewers, 0);
	tick(house);
	assert_int_equal(end_why(house), 0);
	session->nobody_since -= 300 * 1000;
	tick(house);
	assert_int_equal(end_why(house), -ERR_SESSION_LEFT);
	assert_int_equal(house_audit_count(house, "session.detached"), 1);
}

static void test_stubborn_worker_is_killed(void **state)
{
	struct house *house = *state;
	struct session *session = live(house);

	session->worker = session->worker_asked = true;
	session_end(house->broker, session, -ERR_SESSION_DROPPED, NULL);
	house_run(house);
	tick(house);
	assert_false(house_got(house, MSG_WORKER_KILL));
	session->kill_at -= STOP_GRACE_MS;
	tick(house);
	assert_true(house_got(house, MSG_WORKER_KILL));
	session->forget_at = clock_monotonic_ms();
	tick(house);
	assert_int_equal(house->broker->sessions.count, 0);
}

static void test_never_opened(void **state)
{
	struct house *house = *state;

	house->broker->process.settings.ticket_lifetime = 0;
	for (int i = 0; i < 5; i++)
		house_post(house, "/api/pam/remote/session",
			"user=ana&credential=root&device=db1&protocol=ssh");
	tick(house);
	assert_int_equal(house_audit_count(house, "session.ended"), 5);
	assert_int_equal(house_audit(house, "session.ended").result, -ERR_SESSION_EXPIRED);
	tick(house);
	assert_int_equal(house_audit_count(house, "session.ended"), 5);
}

/* The end could not be written: the processes are stopped all the same, and it is tried again. */
static void test_end_is_written_later(void **state)
{
	struct house *house = *state;
	struct session *session = live(house);

	assert_int_equal(turn_open(house->broker), 0);
	session_end(house->broker, session, -ERR_SESSION_DROPPED, "because");
	house->broker->turn.poisoned = true;
	turn_close(house->broker);
	house_run(house);
	assert_int_equal(end_why(house), 0);
	assert_true(house_got(house, MSG_SESSION_STOP));
	tick(house);
	assert_int_equal(end_why(house), -ERR_SESSION_DROPPED);
	house_audit_verify(house);
}

static void expires(struct house *house, int64_t at)
{
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	struct store *store = house->broker->store;

	assert_int_equal(store_authorization_get(store, house->authorization, &row), 0);
	row.expires_at = at;
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(store_authorization_edit(store, &row), 0);
	turn_close(house->broker);
	house_run(house);
}

static void test_authorization_expires(void **state)
{
	struct house *house = *state;

	live(house);
	expires(house, clock_wall_ms() + 3600 * 1000);
	tick(house);
	assert_int_equal(end_why(house), 0);
	expires(house, clock_wall_ms() - 1);
	tick(house);
	assert_int_equal(end_why(house), -ERR_RIGHTS_WITHDRAWN);
	assert_true(house_got(house, MSG_SESSION_STOP));
	assert_int_equal(house->broker->expired.id, 0); /* had this not been written .. */
	tick(house);
	assert_int_equal(house->broker->expired.id, house->authorization);
	assert_int_equal(house_audit_count(house, "session.ended"), 1);
	house_audit_verify(house);
}

/* The end could not be written: it is tried again. */
static void test_expiry_is_written_later(void **state)
{
	struct house *house = *state;

	live(house);
	expires(house, clock_wall_ms() - 1);
	assert_int_equal(turn_open(house->broker), 0);
	house->broker->turn.poisoned = true;
	tick(house);
	assert_int_equal(end_why(house), 0);
	tick(house);
	assert_int_equal(end_why(house), -ERR_RIGHTS_WITHDRAWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_idle),
		TEST(test_longest),
		TEST(test_hours),
		TEST(test_nobody_comes_back),
		TEST(test_stubborn_worker_is_killed),
		TEST(test_never_opened),
		TEST(test_end_is_written_later),
		TEST(test_authorization_expires),
		TEST(test_expiry_is_written_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
