/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include "base/encode.h"
#include "broker/ticket.h"

static void test_form(void **state)
{
	char value[TICKET_LEN + 1], other[TICKET_LEN + 1];
	uint8_t hash[HASH_LEN], again[HASH_LEN], inner[256], random[TICKET_RANDOM + 1];

	(void)state;
	ticket_make(value, hash);
	assert_int_equal(strlen(value), 176);
	assert_int_equal(
		strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
		176);
	assert_int_equal(base64_decode(inner, sizeof inner, value, 176), 132);
	assert_memory_equal(inner, "rbs:", 4);
	assert_int_equal(
		base64_decode(random, sizeof random, (char *)inner + 4, 128), TICKET_RANDOM);
	ticket_hash(value, again);
	assert_memory_equal(hash, again, HASH_LEN);
	ticket_make(other, again);
	assert_memory_not_equal(value, other, TICKET_LEN);
}

/* "Safe in a query as it stands": the outer text is base64 of base64 text, which never gives + or
 * /. */
static void test_safe_in_a_query(void **state)
{
	char value[TICKET_LEN + 1];
	uint8_t hash[HASH_LEN];

	(void)state;
	for (int i = 0; i < 200; i++) {
		ticket_make(value, hash);
		assert_null(strpbrk(value, "+/="));
	}
}

static void test_opens_once(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	for (int i = 0; i < 20; i++)
		house_send(house->front, MSG_TICKET_REDEEM, &ask, -1);
	house_run(house);
	unsigned winners = 0;
	for (int i = 0; i < 20; i++) {
		struct house_message answer = house_take(house, MSG_TICKET_REDEEMED);
		const struct msg_redeemed *redeemed = (void *)answer.payload;
		winners += redeemed->result == 0;
		assert_true(redeemed->result == 0 || redeemed->result == -ERR_TICKET_REFUSED);
		assert_true(redeemed->result == 0 || redeemed->cookie[0] == 0);
	}
	assert_int_equal(winners, 1);
	assert_int_equal(house_audit_count(house, "session.redeemed"), 1);
	assert_int_equal(house_audit_count(house, "ticket.refused"), 19);
	person_close(&person);
}

static void test_redeem_refusals(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask, wrong;

	person_open(house, &person, &ask);
	wrong = ask;
	wrong.value[20] = wrong.value[20] == 'A' ? 'B' : 'A';
	assert_int_equal(person_redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	wrong = ask;
	wrong.public_key[40] ^= 1; /* a point that is not on the curve */
	assert_int_equal(person_redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	wrong = ask;
	wrong.public_key[0] = 2;
	assert_int_equal(person_redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	/* none of it spent the URL */
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	person_close(&person);
}

static void test_rights_withdrawn_before_opening(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	assert_int_equal(
		store_credential_set_disabled(house->broker->store, house->credential, 5), 0);
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_TICKET_REFUSED);
	assert_int_equal(person_row(house, 1).state, SESSION_ENDED);
	assert_int_equal(person_row(house, 1).end_why, -ERR_RIGHTS_WITHDRAWN);
	assert_false(house_got(house, MSG_RECORDING_START));
	person_close(&person);
}

/* A wrong address is refused and told, and does not spend the URL. */
static void test_pinned_address(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask, elsewhere;

	person_open_with(house, &person, &ask, "&remoteAddr=::ffff:203.0.113.9");
	elsewhere = ask;
	address_parse(&elsewhere.peer, "203.0.113.10");
	assert_int_equal(person_redeem(house, &person, &elsewhere), -ERR_TICKET_REFUSED);
	struct audit_row row = house_audit(house, "ticket.refused");
	assert_string_equal(row.from, "203.0.113.10");
	assert_string_equal(row.object, "session:1");
	assert_non_null(strstr(row.detail, "\"pinned_address\":\"203.0.113.9\""));
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	person_close(&person);
}

static void test_expired(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	house->broker->process.settings.ticket_lifetime = 0;
	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_TICKET_REFUSED);
	assert_non_null(strstr(house_audit(house, "ticket.refused").detail, "\"expired\":true"));
	person_close(&person);
}

static void test_dropped_before_it_was_opened(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	struct house_call drop = { .method = "DELETE",
		.path = "/api/pam/session/drop/1",
		.authorization = "Bearer " HOUSE_TOKEN };

	person_open(house, &person, &ask);
	assert_int_equal(house_call(house, &drop)->status, 200);
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_TICKET_REFUSED);
	assert_int_equal(house->broker->sessions.count, 0);
	assert_false(house_got(house, MSG_RECORDING_START));
	person_close(&person);
}

static void test_too_many_live(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	house->broker->process.settings.session_most = 0;
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_SESSION_LIMIT);
	assert_int_equal(person_row(house, 1).end_why, -ERR_SESSION_LIMIT);
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_safe_in_a_query),
		TEST(test_opens_once),
		TEST(test_redeem_refusals),
		TEST(test_rights_withdrawn_before_opening),
		TEST(test_pinned_address),
		TEST(test_expired),
		TEST(test_dropped_before_it_was_opened),
		TEST(test_too_many_live),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
