/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/witness.c"

#include "house.h"
#include "wire/head.h"
#include "wire/line.h"

static struct settings *settings_of(struct house *house)
{
	return &house->broker->process.settings;
}

static struct channel *witness_in(struct house *house)
{
	text_copy(settings_of(house)->audit_mirror, URL_SIZE, "/disk/audit.jsonl");
	struct channel *channel = house_introduce(house, PARTY_WITNESS);
	house_run(house);
	return channel;
}

static struct msg_witness_state state_of(struct house *house, uint64_t age_ms)
{
	struct msg_witness_state state;

	memset(&state, 0, sizeof state);
	state.outlets[OUTLET_MIRROR] = (struct outlet_state){ .wanted = 1,
		.up = 1,
		.rows = 1,
		.sequence = house->broker->head.durable.sequence,
		.age_ms = age_ms };
	return state;
}

static void tell_state(
	struct house *house, struct channel *channel, const struct msg_witness_state *state)
{
	house_send(channel, MSG_WITNESS_STATE, state, -1);
	house_run(house);
}

static void test_hears_the_newest_head(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);
	struct house_message got = house_take(house, MSG_WITNESS_HEAD);
	const struct audit_head *head = (const struct audit_head *)got.payload;

	assert_int_equal(head->sequence, house->broker->audit.sequence);
	assert_int_equal(audit_head_check(head), 0);
	assert_true(head->signer.certified);
	house_write_rows(house, 3);
	house_run(house);
	got = house_take(house, MSG_WITNESS_HEAD);
	assert_int_equal(head->sequence, house->broker->audit.sequence);
	assert_memory_equal(head->hash, house->broker->audit.hash, HASH_LEN);
	channel_destroy(channel);
}

struct rows {
	struct msg_witness_rows answer;
	struct line lines[64];
	unsigned count;
};

static struct rows ask(struct house *house, struct channel *channel, struct msg_witness_ask ask)
{
	static struct rows rows;
	struct house_message got;

	memset(&rows, 0, sizeof rows);
	house_send(channel, MSG_WITNESS_ASK, &ask, -1);
	house_run(house);
	got = house_take(house, MSG_WITNESS_ROWS);
	rows.answer = *(const struct msg_witness_rows *)got.payload;
	const uint8_t *at = got.tail;
	while (rows.count < ARRAY_LEN(rows.lines) &&
		rows_next(&at, got.tail + got.tail_len, &rows.lines[rows.count]) == 1)
		rows.count++;
	assert_ptr_equal(at, got.tail + got.tail_len);
	return rows;
}

static struct position position_at(struct house *house, int64_t sequence)
{
	struct position at = { .sequence = sequence };
	struct giving giving = { .broker = house->broker };

	if (sequence > 0)
		assert_int_equal(
			store_audit_list(house->broker->store, sequence - 1, 1, see_row, &giving),
			0);
	memcpy(at.hash, giving.found, HASH_LEN);
	return at;
}

static void test_gives_rows_from_anywhere(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);

	house_write_rows(house, 3);
	house_write_rows(house, 1);
	int64_t last = house->broker->audit.sequence;
	struct rows rows = ask(house, channel,
		(struct msg_witness_ask){ .after = position_at(house, last - 4),
			.most = 65536,
			.outlet = OUTLET_SYSLOG });
	assert_int_equal(rows.answer.result, 0);
	assert_int_equal(rows.answer.outlet, OUTLET_SYSLOG);
	assert_int_equal(rows.answer.newest.sequence, last);
	assert_int_equal(rows.count, 6); /* three rows and a head, one and a head */
	static const enum line_kind kinds[] = { LINE_ROW, LINE_ROW, LINE_ROW, LINE_AUDIT_HEAD,
		LINE_ROW, LINE_AUDIT_HEAD };
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(rows.lines[i].kind, kinds[i]);
	assert_int_equal(rows.lines[0].row.sequence, last - 3);
	assert_int_equal(rows.lines[3].audit.sequence, last - 1);
	assert_int_equal(audit_head_check(&rows.lines[3].audit), 0);
	assert_int_equal(audit_head_check(&rows.lines[5].audit), 0);
	/* from the beginning, as much as there is room for */
	rows = ask(house, channel,
		(struct msg_witness_ask){
			.most = sizeof(struct audit_row) + sizeof(struct audit_head) });
	assert_true(rows.count > 0 && rows.lines[0].row.sequence == 1);
	assert_true(rows.lines[rows.count - 1].row.sequence < last);
	/* nothing after the end */
	rows = ask(house, channel,
		(struct msg_witness_ask){ .after = position_at(house, last), .most = 65536 });
	assert_int_equal(rows.count, 0);
	/* the head of that very row, for a file that lost it */
	rows = ask(house, channel,
		(struct msg_witness_ask){
			.after = position_at(house, last), .most = 65536, .head = 1 });
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.lines[0].audit.sequence, last);
	assert_int_equal(audit_head_check(&rows.lines[0].audit), 0);
	/* only where the end is */
	rows = ask(house, channel, (struct msg_witness_ask){ .most = 65536, .newest = 1 });
	assert_int_equal(rows.count, 0);
	assert_memory_equal(rows.answer.newest.hash, house->broker->audit.hash, HASH_LEN);
	channel_destroy(channel);
}

/* What a commit has not brought to the disk yet is not told. */
static void test_gives_what_is_on_disk(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);
	int64_t last = house->broker->audit.sequence;

	house_write_rows(house, 2);
	house->broker->head.durable.sequence = last;
	struct rows rows = ask(house, channel,
		(struct msg_witness_ask){ .after = position_at(house, last - 1), .most = 65536 });
	assert_int_equal(rows.answer.newest.sequence, last);
	assert_int_equal(rows.lines[rows.count - 1].kind, LINE_AUDIT_HEAD);
	assert_int_equal(rows.lines[rows.count - 1].audit.sequence, last);
	channel_destroy(channel);
}

static void test_knows_its_own_rows(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);
	int64_t last = house->broker->audit.sequence;
	struct msg_witness_ask question = {
		.after = position_at(house, last - 1), .check = 1, .most = 65536
	};

	assert_int_equal(ask(house, channel, question).answer.result, 0);
	question.after.hash[3] ^= 1;
	struct rows rows = ask(house, channel, question);
	assert_int_equal(rows.answer.result, -ERR_CRYPTO);
	assert_int_equal(rows.count, 0);
	assert_int_equal(rows.answer.newest.sequence, last);
	question.after = position_at(house, last);
	question.after.sequence = last + 5; /* longer than the store: it was put back */
	assert_int_equal(ask(house, channel, question).answer.result, -ERR_CRYPTO);
	channel_destroy(channel);
}

static void required(struct house *house)
{
	text_copy(settings_of(house)->witness_required, sizeof settings_of(house)->witness_required,
		"yes");
	settings_of(house)->witness_within = 30;
}

static void test_no_session_without_a_required_witness(void **state)
{
	struct house *house = *state;
	static const char wish[] = "user=ana&credential=root&device=db1&protocol=ssh";
	struct msg_redeem redeem = { .public_key = { 4 } };

	assert_int_equal(house_post(house, "/api/pam/remote/session", wish)->status, 200);
	required(house);
	const struct house_reply *reply = house_post(house, "/api/pam/remote/session", wish);
	assert_int_equal(reply->status, 503);
	assert_non_null(strstr(reply->body, "No witness takes the evidence outside"));
	house_send(house->front, MSG_TICKET_REDEEM, &redeem, -1);
	struct house_message got = house_take(house, MSG_TICKET_REDEEMED);
	assert_int_equal(((struct msg_redeemed *)got.payload)->result, -ERR_WITNESS_AWAY);

	struct channel *channel = witness_in(house);
	struct msg_witness_state said = state_of(house, 100);
	tell_state(house, channel, &said);
	assert_int_equal(house_post(house, "/api/pam/remote/session", wish)->status, 200);
	said.outlets[OUTLET_MIRROR].age_ms = 30000; /* too long ago */
	tell_state(house, channel, &said);
	assert_int_equal(witness_refuses(house->broker), -ERR_WITNESS_AWAY);
	said.outlets[OUTLET_MIRROR].age_ms = UINT64_MAX; /* never */
	tell_state(house, channel, &said);
	assert_int_equal(witness_refuses(house->broker), -ERR_WITNESS_AWAY);
	said = state_of(house, 100);
	said.outlets[OUTLET_MIRROR].disagrees = 1;
	tell_state(house, channel, &said);
	assert_int_equal(witness_refuses(house->broker), -ERR_WITNESS_AWAY);
	said = state_of(house, 100);
	tell_state(house, channel, &said);
	house->broker->witness.heard_at -= 31000; /* it has said nothing since */
	assert_int_equal(witness_refuses(house->broker), -ERR_WITNESS_AWAY);
	tell_state(house, channel, &said);
	assert_int_equal(witness_refuses(house->broker), 0);
	channel_destroy(channel);
	house_run(house);
	assert_int_equal(witness_refuses(house->broker), -ERR_WITNESS_AWAY);
}

static void let_time_pass(struct house *house, unsigned index)
{
	house->broker->witness.outages[index].since -= WITNESS_DOWN_MS + 1000;
	witness_look(house->broker);
	turn_close(house->broker);
}

static void test_an_outage_is_on_record_once(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);
	struct msg_witness_state said = state_of(house, 0);
	struct outlet_state *outlet = &said.outlets[OUTLET_MIRROR];

	witness_look(house->broker);
	outlet->up = 0;
	outlet->left_out = 7;
	text_copy(outlet->why, sizeof outlet->why, "No space left on device");
	tell_state(house, channel, &said);
	witness_look(house->broker);
	assert_int_equal(house_audit_count(house, "witness.unreachable"), 0); /* may pass */
	let_time_pass(house, OUTLET_MIRROR);
	struct audit_row row = house_audit(house, "witness.unreachable");
	assert_string_equal(row.object, "witness:mirror");
	assert_non_null(strstr(row.detail, "\"left_out\":7"));
	assert_non_null(strstr(row.detail, "\"why\":\"No space left on device\""));
	let_time_pass(house, OUTLET_MIRROR);
	assert_int_equal(house_audit_count(house, "witness.unreachable"), 1);
	outlet->up = 1;
	outlet->left_out = 9;
	tell_state(house, channel, &said);
	witness_look(house->broker);
	turn_close(house->broker);
	row = house_audit(house, "witness.reached");
	assert_non_null(strstr(row.detail, "\"left_out\":2"));
	/* one that comes and goes writes no more than that in a minute */
	outlet->up = 0;
	tell_state(house, channel, &said);
	witness_look(house->broker);
	let_time_pass(house, OUTLET_MIRROR);
	assert_int_equal(house_audit_count(house, "witness.unreachable"), 1);
	house->broker->witness.outages[OUTLET_MIRROR].said_at -= WITNESS_AGAIN_MS + 1000;
	let_time_pass(house, OUTLET_MIRROR);
	assert_int_equal(house_audit_count(house, "witness.unreachable"), 2);
	channel_destroy(channel);
}

static void test_a_witness_that_says_nothing(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);

	witness_look(house->broker);
	let_time_pass(house, OUTLET_COUNT);
	assert_string_equal(house_audit(house, "witness.unreachable").object, "witness");
	struct msg_witness_state said = state_of(house, 0);
	tell_state(house, channel, &said);
	witness_look(house->broker);
	turn_close(house->broker);
	assert_string_equal(house_audit(house, "witness.reached").object, "witness");
	/* nobody asked for one: nobody misses it */
	channel_destroy(channel);
	house_run(house);
	settings_of(house)->audit_mirror[0] = '\0';
	house->broker->witness.outages[OUTLET_COUNT] = (struct outage){ .since = 1 };
	witness_look(house->broker);
	assert_int_equal(house_audit_count(house, "witness.unreachable"), 1);
}

static void test_what_happens_to_one_that_is_up(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);
	struct msg_witness_state said = state_of(house, 0);

	house->broker->witness.outages[OUTLET_MIRROR].said_at = 1;
	said.outlets[OUTLET_MIRROR].left_out = 5;
	said.outlets[OUTLET_MIRROR].disagrees = 1;
	tell_state(house, channel, &said);
	witness_look(house->broker);
	witness_look(house->broker);
	turn_close(house->broker);
	assert_int_equal(house_audit_count(house, "witness.disagrees"), 1);
	assert_non_null(strstr(house_audit(house, "witness.disagrees").detail, "\"left_out\":5"));
	said.outlets[OUTLET_MIRROR].left_out = 8;
	tell_state(house, channel, &said);
	house->broker->witness.outages[OUTLET_MIRROR].said_at =
		clock_monotonic_ms() - WITNESS_AGAIN_MS - 1;
	witness_look(house->broker);
	turn_close(house->broker);
	assert_int_equal(house_audit_count(house, "witness.left_out"), 1);
	said.outlets[OUTLET_MIRROR].left_out = 0; /* a new witness */
	tell_state(house, channel, &said);
	witness_look(house->broker);
	assert_int_equal(house->broker->witness.outages[OUTLET_MIRROR].left_out, 0);
	channel_destroy(channel);
}

static void test_a_state_that_is_no_text(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);
	struct msg_witness_state said = state_of(house, 0);

	memset(said.outlets[2].why, 'x', sizeof said.outlets[2].why);
	tell_state(house, channel, &said);
	assert_null(house->broker->witness.channel);
	channel_destroy(channel);
}

static void test_the_last_words(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);
	struct msg_witness_state said = state_of(house, 0);

	tell_state(house, channel, &said);
	house_write_rows(house, 1);
	assert_false(witness_has_all(house->broker));
	witness_last_words(house->broker);
	assert_false(loop_stopping(house->broker->loop));
	witness_last_words(house->broker); /* said twice, waited for once */
	said = state_of(house, 0);
	tell_state(house, channel, &said);
	assert_true(witness_has_all(house->broker));
	assert_null(house->broker->witness.last_timer);
	/* without a witness there is nobody to wait for */
	channel_destroy(channel);
	house_run(house);
	assert_true(witness_has_all(house->broker));
}

static void test_told_again_when_it_did_not_read(void **state)
{
	struct house *house = *state;
	struct channel *channel = witness_in(house);

	house_take(house, MSG_WITNESS_HEAD);
	house->broker->witness.owes = true;
	witness_look(house->broker);
	house_run(house);
	house_take(house, MSG_WITNESS_HEAD);
	assert_false(house->broker->witness.owes);
	channel_destroy(channel);
}

static void test_status(void **state)
{
	struct house *house = *state;
	struct house_call call = {
		.method = "GET", .path = "/control/status", .door = DOOR_CONTROL
	};
	const struct house_reply *reply = house_call(house, &call);

	assert_non_null(strstr(reply->body, "\"witness\":null"));
	struct channel *channel = witness_in(house);
	struct msg_witness_state said = state_of(house, 2500);
	said.outlets[OUTLET_MIRROR].sequence -= 2;
	said.outlets[OUTLET_SYSLOG] = (struct outlet_state){ .wanted = 1, .age_ms = UINT64_MAX };
	text_copy(said.outlets[OUTLET_SYSLOG].why, WITNESS_WHY_SIZE, "logs.example: no address");
	tell_state(house, channel, &said);
	reply = house_call(house, &call);
	assert_non_null(strstr(reply->body,
		"\"witness\":{\"running\":true,\"required\":false,\"enough\":true,\"outlets\":["
		"{\"name\":\"mirror\",\"up\":true,\"why\":null,\"row\":"));
	assert_non_null(strstr(reply->body, "\"behind\":2,"));
	assert_non_null(strstr(reply->body, "\"seconds_ago\":2}"));
	assert_non_null(strstr(reply->body,
		"{\"name\":\"syslog\",\"up\":false,\"why\":\"logs.example: no address\","));
	assert_non_null(strstr(reply->body, "\"seconds_ago\":null}]"));
	channel_destroy(channel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hears_the_newest_head),
		TEST(test_gives_rows_from_anywhere),
		TEST(test_gives_what_is_on_disk),
		TEST(test_knows_its_own_rows),
		TEST(test_no_session_without_a_required_witness),
		TEST(test_an_outage_is_on_record_once),
		TEST(test_a_witness_that_says_nothing),
		TEST(test_what_happens_to_one_that_is_up),
		TEST(test_a_state_that_is_no_text),
		TEST(test_the_last_words),
		TEST(test_told_again_when_it_did_not_read),
		TEST(test_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
