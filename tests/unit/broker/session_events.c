/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include <unistd.h>

/* The life of a session, from the opened URL to its end, with the test as every other process. */
static void test_whole_life(void **state)
{
	struct house *house = *state;
	struct person person;
	int fd = -1;

	int64_t id = person_arrive(house, &person);
	assert_string_equal(person.redeemed.user, "ana");
	assert_string_equal(person.redeemed.application, "portal");
	assert_int_equal(person_row(house, id).state, SESSION_REDEEMED);

	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 0);
	assert_true(fd >= 0);
	struct house_message join = house_take(house, MSG_VIEWER_JOIN);
	const struct msg_viewer *viewer = (void *)join.payload;
	assert_string_equal(viewer->who, "ana");
	assert_string_equal(viewer->from, "203.0.113.9");
	/* the two ends are one corridor */
	char byte = 0;
	assert_int_equal(write(join.fds[0], "z", 1), 1);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'z');
	person_close_fds(&join);

	person_moved(house, id, VIEW_LIVE, 0);
	assert_int_equal(person_row(house, id).state, SESSION_LIVE);
	person_moved(house, id, VIEW_OVER, 0);
	struct session_row row = person_row(house, id);
	assert_int_equal(row.state, SESSION_ENDED);
	assert_string_equal(row.end_reason, "logout");
	assert_int_equal(row.exit_status, 3);
	person_sealed(house, id);
	person_exited(house, id);
	assert_int_equal(person_row(house, id).recorded, 1);
	assert_int_equal(house->broker->sessions.count, 0);
	assert_int_equal(house_audit_count(house, "session.redeemed"), 1);
	assert_int_equal(house_audit_count(house, "session.live"), 1);
	assert_int_equal(house_audit_count(house, "recording.sealed"), 1);
	/* the trail holds on to the recording by its head */
	struct audit_row sealed = house_audit(house, "recording.sealed");
	assert_non_null(strstr(sealed.detail, "\"head\":\"ab010000"));
	/* who had a right to it is told how it ended */
	assert_int_equal(
		person_attach(house, &person, "203.0.113.9", &fd, NULL), -ERR_SESSION_OVER);
	house_audit_verify(house);
	close(fd);
	person_close(&person);
}

static void test_recorder_dies(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	int64_t id = person_bring_up(house, &person, &ask);
	person_moved(house, id, VIEW_LIVE, 0);
	channel_destroy(STEAL(house->recorder));
	house_run(house);
	assert_int_equal(person_row(house, id).end_why, -ERR_RECORDER_DIED);
	assert_int_equal(person_redeem(house, &person, &ask),
		-ERR_PEER_GONE); /* nothing is spent without one */
	person_close(&person);
}

static int64_t kept(struct house *house)
{
	struct house_message message = house_take(house, MSG_RECORDING_KEPT);

	return ((const struct msg_session *)message.payload)->session;
}

/* A recorder tells an end until it is noted; it is written once, by whichever broker. */
static void test_end_is_noted_once(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	person_moved(house, id, VIEW_OVER, 0);
	person_sealed(house, id);
	assert_int_equal(kept(house), id);
	person_exited(house, id);
	assert_int_equal(house->broker->sessions.count, 0);
	person_moved(house, id, VIEW_OVER, 0); /* told again: nobody here knows it any more */
	person_sealed(house, id);
	house_take(house, MSG_RECORDING_KEPT);
	assert_int_equal(house_audit_count(house, "recording.sealed"), 1);
	assert_int_equal(house_audit_count(house, "session.ended"), 1);
	person_sealed(house, 4711); /* one that never was */
	house_take(house, MSG_RECORDING_KEPT);
	house_audit_verify(house);
	person_close(&person);
}

/* A vault that is retired still asks for the logins it was given; it alone is answered. */
static void test_a_retired_vault_is_answered(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_session wanted;

	int64_t id = person_arrive(house, &person);
	struct channel *old = house_introduce_as(house, PARTY_VAULT, true, 7);
	session_by_id(house->broker, id)->secret_released = false;
	wanted.session = id;
	house_send(old, MSG_SECRET_WANTED, &wanted, -1);
	house_run(house);
	assert_int_equal(
		((struct msg_session *)house_take(house, MSG_SECRET_RELEASE).payload)->session, id);
	channel_destroy(old);
	person_close(&person);
}

/* The broker that heard of it died before it wrote: the recorder tells the next one. */
static void test_sealed_unheard(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_arrive(house, &person);
	person_moved(house, id, VIEW_OVER, 0);
	sessions_finish(house->broker);
	assert_int_equal(sessions_load(house->broker), 0);
	assert_int_equal(house->broker->sessions.count, 0);
	person_sealed(house, id);
	assert_int_equal(kept(house), id);
	assert_int_equal(person_row(house, id).recorded, 1);
	assert_int_equal(house_audit_count(house, "recording.sealed"), 1);
	/* the word that it may forget was lost as well */
	person_sealed(house, id);
	assert_int_equal(kept(house), id);
	assert_int_equal(house_audit_count(house, "recording.sealed"), 1);
	/* of none that is in this store: it was put back */
	person_sealed(house, 99);
	assert_int_equal(kept(house), 99);
	house_audit_verify(house);
	person_close(&person);
}

/* What did not come to the disk is not forgotten. */
static void test_sealed_and_not_written(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_arrive(house, &person);
	person_moved(house, id, VIEW_OVER, 0);
	house->broker->turn.poisoned = true; /* the next commit fails */
	person_sealed(house, id);
	assert_false(house_got(house, MSG_RECORDING_KEPT));
	assert_int_equal(person_row(house, id).recorded, 0);
	person_sealed(house, id);
	assert_int_equal(kept(house), id);
	assert_int_equal(person_row(house, id).recorded, 1);
	person_close(&person);
}

static void test_worker_exits_silently(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	person_exited(house, id);
	assert_int_equal(
		person_row(house, id).state, SESSION_LIVE); /* the recorder may still say why */
	session_by_id(house->broker, id)->orphaned_at -= STOP_GRACE_MS;
	sessions_tick(house->broker);
	house_run(house);
	assert_int_equal(person_row(house, id).end_why, -ERR_WORKER_DIED);
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole_life),
		TEST(test_recorder_dies),
		TEST(test_end_is_noted_once),
		TEST(test_a_retired_vault_is_answered),
		TEST(test_sealed_unheard),
		TEST(test_sealed_and_not_written),
		TEST(test_worker_exits_silently),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
