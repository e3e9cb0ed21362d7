/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include <unistd.h>

/* A new broker in the place of one that is gone, with the test as those who lived on. */
static void begin_anew(struct house *house)
{
	house->recorder_thinks = true;
	sessions_finish(house->broker);
	assert_int_equal(sessions_load(house->broker), 0);
	channel_destroy(house->recorder);
	house_run(house);
	house->recorder = house_introduce(house, PARTY_RECORDER);
	house_run(house);
	while (house_got(house, MSG_RECORDER_LIST))
		house_take(house, MSG_RECORDER_LIST);
}

/* The session whose recording it wants begun. The recorder never gets to read it. */
static int64_t recording_wanted(struct house *house)
{
	struct house_message start = house_take(house, MSG_RECORDING_START);

	person_close_fds(&start);
	return ((struct msg_recording_start *)start.payload)->session;
}

static struct msg_listed listed_as(int64_t id, enum view_state state, bool worker)
{
	struct msg_listed listed;

	memset(&listed, 0, sizeof listed);
	listed.moved.session = id;
	listed.moved.state = (uint8_t)state;
	listed.worker = worker;
	return listed;
}

/* What the recorder still has goes on, with its times; what it has and nobody knows ends. */
static void test_live_goes_on(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	begin_anew(house);
	assert_int_equal(house->broker->sessions.count, 1);
	struct session *session = session_by_id(house->broker, id);
	/* its time went on meanwhile */
	assert_true(clock_monotonic_ms() - session->started >=
		    (uint64_t)(clock_wall_ms() - person_row(house, id).redeemed_at) - 5);
	struct msg_listed listed = listed_as(id, VIEW_LIVE, true);
	listed.viewers = 1;
	listed.last_viewer = 77;
	listed.idle_ms = 5000;
	house_list(house->recorder, &listed);
	listed = listed_as(4711, VIEW_LIVE, true);
	house_recorder_has(house, &listed);
	assert_int_equal(person_row(house, id).state, SESSION_LIVE);
	assert_int_equal(session->viewers, 1);
	assert_int_equal(session->last_viewer, 77);
	assert_true(clock_monotonic_ms() - session->last_input >= 5000);
	struct house_message stop = house_take(house, MSG_SESSION_STOP); /* one that nobody knows */
	assert_int_equal(((struct msg_notice *)stop.payload)->session, 4711);
	/* and the person's key still opens it */
	int fd = -1;
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 0);
	assert_int_equal(
		((struct msg_viewer *)house_take(house, MSG_VIEWER_JOIN).payload)->viewer, 78);
	close(fd);
	person_close(&person);
}

static void test_live_without_recording_ends(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	begin_anew(house);
	house_run(house);
	assert_int_equal(person_row(house, id).state, SESSION_LIVE); /* nobody has said yet */
	house_recorder_has(house, NULL);
	assert_int_equal(person_row(house, id).end_why, -ERR_GATEWAY_RESTARTED);
	person_close(&person);
}

/* Two recorders: only when both have said what they have is anything taken for lost. */
static void test_every_recorder_is_heard(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	begin_anew(house);
	struct channel *old = house_introduce_as(house, PARTY_RECORDER, true, 9);
	house_recorder_has(house, NULL);
	assert_int_equal(person_row(house, id).state, SESSION_LIVE);
	struct msg_listed listed = listed_as(id, VIEW_LIVE, true);
	house_list(old, &listed);
	house_list(old, NULL);
	house_run(house);
	assert_int_equal(person_row(house, id).state, SESSION_LIVE);
	/* It is the old one's: a notice goes there, and its death is the session's end. */
	session_by_id(house->broker, id)->last_input = 0;
	session_by_id(house->broker, id)->viewers = 1;
	assert_ptr_equal(session_by_id(house->broker, id)->recorder, house->broker->peers->channel);
	assert_ptr_not_equal(session_by_id(house->broker, id)->recorder, house->broker->recorder);
	channel_destroy(old);
	house_run(house);
	assert_int_equal(person_row(house, id).end_why, -ERR_RECORDER_DIED);
	assert_non_null(house->broker->recorder);
	person_close(&person);
}

/* Redeemed, and nothing else: it starts when its page comes back, not before all have been heard.
 */
static void test_unstarted_starts_with_its_page(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	int64_t id = recording_wanted(house);
	begin_anew(house);
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 1);
	assert_false(house_got(house, MSG_RECORDING_START));
	house_recorder_has(house, NULL);
	assert_int_equal(recording_wanted(house), id);
	assert_int_equal(person_row(house, id).state, SESSION_REDEEMED);
	person_close(&person);
}

static void test_unstarted_without_a_page_ends(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	int64_t id = recording_wanted(house);
	begin_anew(house);
	house_recorder_has(house, NULL);
	assert_false(house_got(house, MSG_RECORDING_START));
	session_by_id(house->broker, id)->nobody_since -=
		(uint64_t)house->broker->settings->session_reattach * 1000;
	sessions_tick(house->broker);
	house_run(house);
	assert_int_equal(person_row(house, id).end_why, -ERR_SESSION_LEFT);
	person_close(&person);
}

/* Recording, and no worker yet: the target is dialed again, the recording goes on. */
static void test_half_started_starts_again(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	struct msg_recording_started started;

	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	int64_t id = recording_wanted(house);
	begin_anew(house);
	struct msg_listed listed = listed_as(id, VIEW_CONNECTING, false);
	house_recorder_has(house, &listed);
	assert_int_equal(recording_wanted(house), id);
	started = (struct msg_recording_started){ id, 0 };
	house_send(house->recorder, MSG_RECORDING_STARTED, &started, -1);
	house_run(house);
	struct house_message worker = house_take(house, MSG_WORKER_START);
	assert_int_equal(worker.fd_count, 4);
	person_close_fds(&worker);
	person_close(&person);
}

/* Its page was back before the recorder said so, and the vault is back after both. */
static void test_started_again_waits_for_the_vault(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	struct house_message start = house_take(house, MSG_RECORDING_START);
	int64_t id = ((struct msg_recording_start *)start.payload)->session;
	person_close_fds(&start);
	begin_anew(house);
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 1);
	struct channel *vault = STEAL(house->broker->vault);
	struct msg_listed listed = listed_as(id, VIEW_CONNECTING, false);
	house_list(house->recorder, &listed);
	house_list(house->recorder, NULL);
	house_run(house);
	start = house_take(house, MSG_RECORDING_START);
	person_close_fds(&start);
	house_send(house->recorder, MSG_RECORDING_STARTED, &(struct msg_recording_started){ id, 0 },
		-1);
	house_run(house);
	assert_false(house_got(house, MSG_WORKER_START));
	house->broker->vault = vault;
	sessions_go_on(house->broker);
	house_run(house);
	struct house_message worker = house_take(house, MSG_WORKER_START);
	person_close_fds(&worker);
	person_close(&person);
}

/* A worker is there already: nothing is started twice. */
static void test_started_is_left_alone(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_arrive(house, &person);
	begin_anew(house);
	struct msg_listed listed = listed_as(id, VIEW_LOGGING_IN, true);
	house_recorder_has(house, &listed);
	assert_false(house_got(house, MSG_RECORDING_START));
	assert_false(house_got(house, MSG_WORKER_START));
	assert_int_equal(person_row(house, id).state, SESSION_REDEEMED);
	/* it has its whole time, from now on */
	sessions_tick(house->broker);
	house_run(house);
	assert_int_equal(person_row(house, id).state, SESSION_REDEEMED);
	/* and it does not wait for ever */
	session_by_id(house->broker, id)->viewers = 1;
	session_by_id(house->broker, id)->start_at = clock_monotonic_ms() - 1000000;
	session_by_id(house->broker, id)->start_asked = true;
	sessions_tick(house->broker);
	house_run(house);
	assert_int_equal(person_row(house, id).end_why, -ERR_TIMED_OUT);
	person_close(&person);
}

/* An end that the old broker had on record, and no time to tell: the recorder hears why. */
static void test_ended_is_told_why(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	session_end(house->broker, session_by_id(house->broker, id), -ERR_RIGHTS_WITHDRAWN,
		"Left the company");
	house_run(house);
	house_take(house, MSG_SESSION_STOP);
	begin_anew(house);
	assert_int_equal(house->broker->sessions.count, 0);
	struct msg_listed listed = listed_as(id, VIEW_LIVE, true);
	house_recorder_has(house, &listed);
	struct house_message stop = house_take(house, MSG_SESSION_STOP);
	const struct msg_notice *notice = (void *)stop.payload;
	assert_int_equal(notice->why, -ERR_RIGHTS_WITHDRAWN);
	assert_string_equal(notice->text, "Left the company");
	person_close(&person);
}

/* The recorder said it is over while nobody listened: the reason is the true one. */
static void test_over_is_believed(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	begin_anew(house);
	person_moved(
		house, id, VIEW_OVER, 0); /* an end that was not noted is told before the list */
	person_sealed(house, id);
	house_recorder_has(house, NULL);
	assert_string_equal(person_row(house, id).end_reason, "logout");
	assert_int_equal(person_row(house, id).recorded, 1);
	person_close(&person);
}

/* Workers that run without a session are ended, after the time to go by themselves. */
static void test_stray_workers_go(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	begin_anew(house);
	struct msg_listed listed = listed_as(id, VIEW_LIVE, true);
	house_recorder_has(house, &listed);
	const int64_t running[] = { 4711, -3 };
	channel_send(house->supervisor, MSG_WORKERS, 0, &(struct msg_nothing){ 0 }, running,
		sizeof running, NULL, 0);
	house_run(house);
	assert_false(session_by_id(house->broker, id)->worker); /* it is not among them */
	sessions_tick(house->broker);
	house_run(house);
	assert_false(house_got(house, MSG_WORKER_KILL));
	sessions_strays(house->broker, clock_monotonic_ms() + STOP_GRACE_MS);
	house_run(house);
	assert_int_equal(
		((struct msg_session *)house_take(house, MSG_WORKER_KILL).payload)->session, 4711);
	assert_int_equal(
		((struct msg_session *)house_take(house, MSG_WORKER_KILL).payload)->session, -3);
	assert_false(house_got(house, MSG_WORKER_KILL));
	/* A broker that ends before that leaves them to the next one. */
	channel_send(house->supervisor, MSG_WORKERS, 0, &(struct msg_nothing){ 0 }, running,
		sizeof running, NULL, 0);
	house_run(house);
	assert_non_null(house->broker->strays);
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_live_goes_on),
		TEST(test_live_without_recording_ends),
		TEST(test_every_recorder_is_heard),
		TEST(test_unstarted_starts_with_its_page),
		TEST(test_unstarted_without_a_page_ends),
		TEST(test_half_started_starts_again),
		TEST(test_started_again_waits_for_the_vault),
		TEST(test_started_is_left_alone),
		TEST(test_ended_is_told_why),
		TEST(test_over_is_believed),
		TEST(test_stray_workers_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
