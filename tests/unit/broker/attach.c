/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include <openssl/ec.h>
#include <unistd.h>

static void spoil_signature(struct msg_prove *prove)
{
	prove->signature[5] ^= 1;
}

static void spoil_challenge(struct msg_prove *prove)
{
	prove->challenge[5] ^= 1;
}

static void test_attach_refusals(void **state)
{
	struct house *house = *state;
	struct person person, thief;
	int fd = -1;

	person_arrive(house, &person);
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, spoil_signature),
		-ERR_ATTACH_REFUSED);
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, spoil_challenge),
		-ERR_ATTACH_REFUSED);
	thief = person; /* has the cookie, not the key */
	thief.key = EVP_EC_gen("P-256");
	assert_int_equal(
		person_attach(house, &thief, "203.0.113.9", &fd, NULL), -ERR_ATTACH_REFUSED);
	EVP_PKEY_free(thief.key);
	thief = person; /* has the key, not the cookie */
	thief.redeemed.cookie[3] ^= 1;
	assert_int_equal(
		person_attach(house, &thief, "203.0.113.9", &fd, NULL), -ERR_ATTACH_REFUSED);
	thief = person;
	thief.redeemed.session[3] ^= 1;
	assert_int_equal(
		person_attach(house, &thief, "203.0.113.9", &fd, NULL), -ERR_ATTACH_REFUSED);
	assert_true(house_audit_count(house, "attach.refused") >= 5);
	assert_false(house_got(house, MSG_VIEWER_JOIN));
	assert_int_equal(person_attach(house, &person, "198.51.100.1", &fd, NULL),
		0); /* moved: not pinned */
	close(fd);
	person_close(&person);
}

static void test_attach_before_the_recording(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 1);
	assert_false(house_got(house, MSG_VIEWER_JOIN));
	struct msg_recording_started started = { 1, 0 };
	house_send(house->recorder, MSG_RECORDING_STARTED, &started, -1);
	house_run(house);
	assert_true(house_got(house, MSG_VIEWER_JOIN));
	assert_true(house_got(house, MSG_ATTACH_GRANTED));
	person_close(&person);
}

static void test_challenges_are_bounded(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	struct msg_attach_ask attach;
	struct house_message first;
	int fd = -1;

	person_open(house, &person, &ask);
	person_bring_up(house, &person, &ask);
	memset(&attach, 0, sizeof attach);
	memcpy(attach.session, person.redeemed.session, sizeof attach.session);
	memcpy(attach.cookie, person.redeemed.cookie, sizeof attach.cookie);
	attach.peer = ask.peer;
	for (int i = 0; i < 3 * CHALLENGES_MAX; i++) {
		house_send(house->front, MSG_ATTACH_ASK, &attach, -1);
		house_run(house);
		struct house_message challenge = house_take(house, MSG_ATTACH_CHALLENGE);
		if (i == 0)
			first = challenge;
		else
			assert_memory_not_equal(first.payload, challenge.payload, 32);
	}
	/* who asked so often lost only his oldest: a new one still works */
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 0);
	close(fd);
	person_close(&person);
}

static void test_a_proof_works_once(void **state)
{
	struct house *house = *state;
	struct person person;
	struct session *session;
	int fd = -1;

	int64_t id = person_arrive(house, &person);
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 0);
	close(fd);
	session = session_by_id(house->broker, id);
	for (int i = 0; i < CHALLENGES_MAX; i++)
		assert_int_equal(session->challenges[i].until, 0);
	person_close(&person);
}

static void test_pinned_address(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	person_open_with(house, &person, &ask, "&remoteAddr=203.0.113.9");
	person_bring_up(house, &person, &ask);
	assert_int_equal(
		person_attach(house, &person, "203.0.113.10", &fd, NULL), -ERR_ATTACH_REFUSED);
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 0);
	close(fd);
	person_close(&person);
}

static void test_only_so_many(void **state)
{
	struct house *house = *state;
	struct person person;
	int fd = -1;

	person_arrive(house, &person);
	for (int i = 0; i < VIEWERS_MAX; i++) {
		assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 0);
		close(fd);
		struct house_message join = house_take(house, MSG_VIEWER_JOIN);
		assert_int_equal(((struct msg_viewer *)join.payload)->viewer, i + 1);
		close(join.fds[0]);
	}
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), -ERR_FULL);
	person_close(&person);
}

/* What ends a session may pass elsewhere: a page that was told so would ask for ever. */
static void test_an_end_does_not_pass(void **state)
{
	static const struct {
		int end, told;
	} rows[] = { { ERR_PEER_GONE, ERR_SESSION_OVER }, { ERR_TIMED_OUT, ERR_SESSION_OVER },
		{ ERR_AGAIN, ERR_SESSION_OVER }, { ERR_STORE, ERR_SESSION_OVER },
		{ ERR_FULL, ERR_SESSION_OVER }, { ERR_SESSION_DROPPED, ERR_SESSION_DROPPED },
		{ 0, ERR_SESSION_OVER } };
	struct house *house = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct person person;
		struct msg_redeem ask;
		int fd = -1;
		person_open(house, &person, &ask);
		int64_t id = person_bring_up(house, &person, &ask);
		session_end(house->broker, session_by_id(house->broker, id), -rows[i].end, "why");
		house_run(house);
		assert_int_equal(
			person_attach(house, &person, "203.0.113.9", &fd, NULL), -rows[i].told);
		person_close(&person);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attach_refusals),
		TEST(test_attach_before_the_recording),
		TEST(test_challenges_are_bounded),
		TEST(test_a_proof_works_once),
		TEST(test_pinned_address),
		TEST(test_only_so_many),
		TEST(test_an_end_does_not_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
