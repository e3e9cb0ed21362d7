/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ticket.c"

#include "person.h"

#define ID "0123456789abcdef0123456789abcdef01234567"

#include "failing.h"
#include "failing_store.h"

static void test_form(void **state)
{
	char value[TICKET_LEN + 1], other[TICKET_LEN + 1];
	uint8_t hash[HASH_LEN], again[HASH_LEN], inner[256], random[TICKET_RANDOM + 1];

	const struct broker *broker = ((struct house *)*state)->broker;
	ticket_make(broker, ID, value, hash);
	assert_int_equal(strlen(value), 176);
	assert_int_equal(
		strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
		176);
	assert_int_equal(base64_decode(inner, sizeof inner, value, 176), 132);
	assert_memory_equal(inner, "rbs:", 4);
	assert_int_equal(
		base64_decode(random, sizeof random, (char *)inner + 4, 128), TICKET_RANDOM);
	assert_int_equal(ticket_hash(broker, value, again), 0);
	assert_memory_equal(hash, again, HASH_LEN);
	ticket_make(broker, ID, other, again);
	assert_memory_not_equal(value, other, TICKET_LEN);
	assert_memory_equal(hash, again, HANDLE_HINT); /* neighbours */
	assert_memory_not_equal(hash, again, HASH_LEN);
	memcpy(other, value, sizeof other);
	other[175] = other[175] == '=' ? 'A' : '=';
	assert_int_equal(ticket_hash(broker, other, again), -ERR_TICKET_REFUSED);
	base64_encode(other, "rbx:", 4);
	assert_int_equal(ticket_hash(broker, other, again), -ERR_TICKET_REFUSED);
	memcpy(inner, "rbx:", 4);
	base64_encode(other, inner, 132);
	assert_int_equal(ticket_hash(broker, other, again), -ERR_TICKET_REFUSED);
	memcpy(inner, "rbs:!", 5);
	base64_encode(other, inner, 132);
	assert_int_equal(ticket_hash(broker, other, again), -ERR_TICKET_REFUSED);
}

/* "Safe in a query as it stands": the outer text is base64 of base64 text, which never gives + or
 * /. */
static void test_safe_in_a_query(void **state)
{
	char value[TICKET_LEN + 1];
	uint8_t hash[HASH_LEN];

	const struct broker *broker = ((struct house *)*state)->broker;
	for (int i = 0; i < 200; i++) {
		ticket_make(broker, ID, value, hash);
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

/* What the page is told, and the cookie that is known by its hash alone. */
static void check_answer(struct house *house, const struct person *person)
{
	const struct msg_redeemed *redeemed = &person->redeemed;
	uint8_t hash[HASH_LEN];

	assert_string_equal(redeemed->user, "ana");
	assert_string_equal(redeemed->application, "portal");
	assert_string_equal(redeemed->target, "db1");
	assert_string_equal(redeemed->username, "root");
	assert_string_equal(redeemed->protocol, "ssh");
	assert_int_equal(redeemed->recorded, 1);
	assert_int_equal(redeemed->click, 0);
	assert_int_equal(strlen(redeemed->cookie), 64);
	struct session_row row = person_row(house, 1);
	assert_string_equal(redeemed->session, row.session_id);
	hash_token(hash, redeemed->cookie, 64);
	assert_memory_equal(row.cookie_hash, hash, HASH_LEN);
	assert_string_equal(row.origin_ip, "203.0.113.9");
	const struct session *session = session_by_id(house->broker, row.id);
	assert_int_equal(session->columns, 120);
	assert_int_equal(session->rows, 40);
	assert_string_equal(house_audit(house, "session.redeemed").actor, "user:ana");
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
	assert_non_null(strstr(row.detail, "\"expired\":false"));
	assert_non_null(strstr(row.detail, "\"trace\":\"fedcba9876543210\""));
	assert_null(strstr(row.detail, "omitted"));
	char prefix[64] = "\"hash_prefix\":\"", digits[2 * HASH_LEN + 1];
	uint8_t hash[HASH_LEN];
	ticket_hash(house->broker, ask.value, hash);
	hex_encode(digits, hash + HANDLE_HINT, HASH_LEN - HANDLE_HINT);
	snprintf(prefix + strlen(prefix), 20, "%.16s\"", digits);
	assert_non_null(strstr(row.detail, prefix));
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	check_answer(house, &person);
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
	assert_int_equal(house_audit_count(house, "ticket.refused"), 1);
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

/* A session like the first one, with a URL of its own; `row` may say otherwise. */
static int64_t open_by_hand(
	struct house *house, struct msg_redeem *redeem, const struct session_row *row)
{
	static unsigned number;
	struct session_row made = *row;
	uint8_t hash[HASH_LEN];
	int64_t id;

	snprintf(made.session_id, sizeof made.session_id, "%040u", ++number);
	hash_sha256(made.token_hash, made.session_id, 40);
	made.state = SESSION_CREATED;
	assert_int_equal(store_session_add(house->broker->store, &made, &id), 0);
	ticket_make(house->broker, made.session_id, redeem->value, hash);
	assert_int_equal(
		store_ticket_add(house->broker->store, hash, id, "", clock_wall_ms() + 60000), 0);
	return id;
}

static void no_authorization(struct house *house, struct session_row *row)
{
	assert_int_equal(
		store_authorization_set_disabled(house->broker->store, row->authorization_id, 5),
		0);
}

static void no_application(struct house *house, struct session_row *row)
{
	assert_int_equal(
		store_application_set_disabled(house->broker->store, house->application, 5), 0);
}

/* Another authorization, with everything the first one has but this time to live. */
static void lives(struct house *house, struct session_row *row, int64_t ms)
{
	struct authorization_row other = { .application_id = house->application,
		.client_id = "lives",
		.writes = RESOURCE_WEB_PROXY_SESSION,
		.expires_at = clock_wall_ms() + ms,
		.created_at = 1 };

	assert_int_equal(
		store_authorization_add(house->broker->store, &other, &row->authorization_id), 0);
	assert_int_equal(store_authorization_cover(
				 house->broker->store, row->authorization_id, row->credential_id),
		0);
}

static void expired(struct house *house, struct session_row *row)
{
	lives(house, row, 0);
}

static void expires_later(struct house *house, struct session_row *row)
{
	lives(house, row, 60000);
}

static void no_user(struct house *house, struct session_row *row)
{
	assert_int_equal(store_user_set_disabled(house->broker->store, house->user, 5, 1), 0);
}

static void user_blocked(struct house *house, struct session_row *row)
{
	assert_int_equal(store_user_set_blocked(house->broker->store, house->user, "eva", 5), 0);
}

static void user_unknown(struct house *house, struct session_row *row)
{
	text_copy(row->user, sizeof row->user, "nobody");
}

static void no_device(struct house *house, struct session_row *row)
{
	/* No command disables a device yet: the column is there. */
	house_tamper(house, "UPDATE devices SET disabled_at = 5");
}

static void no_credential(struct house *house, struct session_row *row)
{
	assert_int_equal(
		store_credential_set_disabled(house->broker->store, house->credential, 5), 0);
}

static void not_covered(struct house *house, struct session_row *row)
{
	struct credential_row foreign = { 0 };

	assert_int_equal(
		store_credential_find(house->broker->store, house->device, "foreign", &foreign), 0);
	row->credential_id = foreign.id;
	store_credential_finish(&foreign);
}

static void policy(struct house *house, struct policy_row *row)
{
	struct store *store = house->broker->store;

	text_copy(row->name, sizeof row->name, "now");
	assert_int_equal(store_policy_add(store, row, &row->id), 0);
	assert_int_equal(store_credential_set_policy(store, house->credential, row->id), 0);
}

static void out_of_hours(struct house *house, struct session_row *row)
{
	policy(house, &(struct policy_row){ .simultaneous_sessions = true }); /* on no day */
}

/* There is the one that person_open() made beside it. */
static void in_use(struct house *house, struct session_row *row)
{
	policy(house, &(struct policy_row){ .hours = { .days = HOURS_ALL_DAYS } });
}

static void other_protocols(struct house *house, struct session_row *row)
{
	assert_int_equal(
		store_credential_set_protocols(house->broker->store, house->credential, "telnet"),
		0);
}

static void no_login(struct house *house, struct session_row *row)
{
	struct store *store = house->broker->store;

	assert_int_equal(
		store_credential_set_parent(store, house->credential, house->domain_credential), 0);
	assert_int_equal(store_credential_set_disabled(store, house->domain_credential, 5), 0);
}

static void nothing(struct house *house, struct session_row *row)
{
}

/* Client, authorization, person, device, credential: each may say no until the URL is opened. */
static void test_each_right_withdrawn(void **state)
{
	static const struct {
		void (*withdraw)(struct house *house, struct session_row *row);
		int r, why;
	} rows[] = {
		{ nothing, 0, 0 },
		{ expires_later, 0, 0 },
		{ no_authorization, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ no_application, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ expired, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ no_user, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ user_blocked, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ user_unknown, -ERR_TICKET_REFUSED, -ERR_NOT_FOUND },
		{ no_device, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ no_credential, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ not_covered, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ out_of_hours, -ERR_CREDENTIAL_HOURS, -ERR_CREDENTIAL_HOURS },
		{ in_use, -ERR_CREDENTIAL_IN_USE, -ERR_CREDENTIAL_IN_USE },
		{ other_protocols, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
		{ no_login, -ERR_TICKET_REFUSED, -ERR_RIGHTS_WITHDRAWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		void *opened;
		struct person person;
		struct msg_redeem ask;
		assert_int_equal(house_open(&opened), 0);
		struct house *house = opened;
		person_open(house, &person, &ask);
		struct session_row row = person_row(house, 1);
		rows[i].withdraw(house, &row);
		int64_t id = open_by_hand(house, &ask, &row);
		if (person_redeem(house, &person, &ask) != rows[i].r)
			fail_msg("row %zu: %d", i, person.redeemed.result);
		assert_int_equal(person_row(house, id).end_why, rows[i].why);
		assert_int_equal(house_got(house, MSG_RECORDING_START), rows[i].r == 0);
		/* Spent it is in any case. */
		assert_int_equal(person_redeem(house, &person, &ask), -ERR_TICKET_REFUSED);
		person_close(&person);
		assert_int_equal(house_close(&opened), 0);
	}
}

/* The store fails at each step: nobody is let in, and the URL is as good as before. */
static void test_store_fails(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	unsigned run = 0;

	person_open(house, &person, &ask);
	struct session_row row = person_row(house, 1);
	failing_store(house->broker->store);
	/* Nothing starts by itself: what fails is the opening. */
	text_copy(house->broker->process.settings.session_start,
		sizeof house->broker->process.settings.session_start, "click");
	FAILING(FAILING_STORE) {
		failing_end();
		open_by_hand(house, &ask, &row);
		failing_go_on();
		int r = person_redeem(house, &person, &ask);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
		assert_int_equal(person.redeemed.cookie[0] != 0, r == 0);
		failing_end();
		assert_int_equal(house->broker->sessions.count, r == 0 ? run + 1 : run);
		r = person_redeem(house, &person, &ask);
		assert_int_equal(r, failing_struck() ? 0 : -ERR_TICKET_REFUSED);
		run++;
	}
	assert_true(run > 10);
	/* A full disk is no other failure. */
	FAILING_WITH(FAILING_STORE, ENOSPC) {
		failing_end();
		open_by_hand(house, &ask, &row);
		failing_go_on();
		int r = person_redeem(house, &person, &ask);
		assert_true(r == 0 || (failing_struck() && r < 0));
		assert_int_equal(r == 0, !failing_struck());
		failing_end();
		r = person_redeem(house, &person, &ask);
		assert_int_equal(r, failing_struck() ? 0 : -ERR_TICKET_REFUSED);
	}
	/* The same when it is refused for a reason that has to be written down. */
	house->broker->process.settings.session_most = 0;
	FAILING(FAILING_STORE) {
		failing_end();
		open_by_hand(house, &ask, &row);
		failing_go_on();
		int r = person_redeem(house, &person, &ask);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : -ERR_SESSION_LIMIT);
		failing_end();
		r = person_redeem(house, &person, &ask);
		assert_int_equal(r, failing_struck() ? -ERR_SESSION_LIMIT : -ERR_TICKET_REFUSED);
	}
	house_audit_verify(house);
	person_close(&person);
}

/* Opened and asked; the commit is still to come. */
static void redeem_uncommitted(
	struct house *house, struct person *person, struct msg_redeem *ret_ask)
{
	struct message message = { .payload = ret_ask, .serial = 77 };

	person_open(house, person, ret_ask);
	house_run(house);
	assert_int_equal(ticket_redeem(house->broker, house_front(house), &message), 0);
}

/* A front that dies before the commit is not answered; another one's person may still attach. */
static void test_front_gone(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	redeem_uncommitted(house, &person, &ask);
	struct peer *peers = STEAL(house->broker->peers);
	turn_close(house->broker);
	house->broker->peers = peers;
	house_run(house);
	assert_false(house_got(house, MSG_TICKET_REDEEMED));
	assert_int_equal(person_row(house, 1).state, SESSION_REDEEMED);
	person_close(&person);
}

static void test_without_memory(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	struct session_row row = person_row(house, 1);
	FAILING("calloc") {
		failing_end();
		int64_t id = open_by_hand(house, &ask, &row);
		struct message message = { .payload = &ask, .serial = 77 };
		failing_go_on();
		assert_int_equal(ticket_redeem(house->broker, house_front(house), &message), 0);
		bool struck = failing_struck();
		failing_end();
		turn_close(house->broker);
		house_run(house);
		struct house_message answer = house_take(house, MSG_TICKET_REDEEMED);
		const struct msg_redeemed *redeemed = (void *)answer.payload;
		assert_int_equal(redeemed->result, struck ? -ERR_SYSTEM : 0);
		assert_int_equal(answer.serial, 77);
		/* Before it was spent or after: a session that nobody is in does not stay open. */
		if (struck && person_row(house, id).state != SESSION_CREATED)
			assert_int_equal(person_row(house, id).end_why, -ERR_SYSTEM);
	}
	person_close(&person);
}

/* Without recorder or vault nothing is spent: the page may ask again. */
static void test_not_now(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	struct channel *recorder = STEAL(broker->recorder);
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_PEER_GONE);
	broker->recorder = recorder;
	struct channel *vault = STEAL(broker->vault);
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_PEER_GONE);
	broker->vault = vault;
	broker->vault_known = true;
	broker->vault_state.sealed = 1;
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_SEALED);
	broker->vault_state.sealed = 0;
	reserve_recorder_full(broker);
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_DISK);
	broker->reserve.recorder_full_at = 0;
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	person_close(&person);
}

/* Nor when the disk is full, the audit's key has no certificate, or a required witness is away. */
static void test_no_room(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	broker->reserve.given = true;
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_STORE_FULL);
	broker->reserve.given = false;
	broker->head.newest.signer.certified = false;
	broker->head.refused = -ERR_SEALED;
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_SEALED);
	broker->head.newest.signer.certified = true;
	struct settings *settings = (struct settings *)broker->settings;
	text_copy(settings->witness_required, sizeof settings->witness_required, "yes");
	assert_int_equal(person_redeem(house, &person, &ask), -ERR_WITNESS_AWAY);
	text_copy(settings->witness_required, sizeof settings->witness_required, "no");
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	person_close(&person);
}

static void test_lengths(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask, wrong;
	struct message message = { .payload = &wrong };

	person_open(house, &person, &ask);
	wrong = ask;
	wrong.value[TICKET_LEN - 1] = 0;
	assert_int_equal(person_redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	wrong = ask;
	wrong.value[TICKET_LEN] = 'A';
	assert_int_equal(person_redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	wrong = ask;
	wrong.value[0] = 0;
	assert_int_equal(person_redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	/* A front that sends texts without an end is not front. */
	wrong = ask;
	memset(wrong.value, 'A', sizeof wrong.value);
	assert_int_equal(
		ticket_redeem(house->broker, house_front(house), &message), -ERR_MALFORMED);
	wrong = ask;
	memset(wrong.trace, 'A', sizeof wrong.trace);
	assert_int_equal(
		ticket_redeem(house->broker, house_front(house), &message), -ERR_MALFORMED);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	person_close(&person);
}

/* The broker ends: a commit that was under way has nobody to tell. */
static void test_nobody_is_left(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	redeem_uncommitted(house, &person, &ask);
	peers_finish(house->broker);
	turn_close(house->broker);
	assert_int_equal(person_row(house, 1).state, SESSION_REDEEMED); /* it is spent */
	person_close(&person);
}

/* The front that asked is gone: the other one gets no answer it did not ask for. */
static void test_front_goes(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	struct message message = { .payload = &ask, .serial = 77 };

	redeem_uncommitted(house, &person, &ask);
	channel_destroy(house->front);
	house->front = house_introduce(house, PARTY_FRONT);
	house_run(house);
	assert_false(house_got(house, MSG_TICKET_REDEEMED));
	assert_int_equal(person_row(house, 1).state, SESSION_REDEEMED);
	/* Nor when it failed. */
	struct session_row row = person_row(house, 1);
	open_by_hand(house, &ask, &row);
	assert_int_equal(ticket_redeem(house->broker, house_front(house), &message), 0);
	house->broker->turn.poisoned = true;
	channel_destroy(house->front);
	house->front = house_introduce(house, PARTY_FRONT);
	house_run(house);
	assert_false(house_got(house, MSG_TICKET_REDEEMED));
	person_close(&person);
}

static void test_size_of_the_window(void **state)
{
	static const struct {
		uint16_t asked[4], columns, rows, width, height;
	} rows[] = {
		{ { 0, 0, 0, 0 }, 80, 24, 1920, 1080 },
		{ { 1, 1, 1, 1 }, 2, 2, 1, 1 },
		{ { 2, 2, 640, 0 }, 2, 2, 640, 1080 },
		{ { 1000, 1000, 0, 480 }, 1000, 1000, 1920, 480 },
		{ { 1001, 1001, 0, 0 }, 1000, 1000, 1920, 1080 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct session session = { .row = { .width = 1920, .height = 1080 } };
		struct msg_redeem ask = { .columns = rows[i].asked[0],
			.rows = rows[i].asked[1],
			.width = rows[i].asked[2],
			.height = rows[i].asked[3] };
		size_take(&session, &ask);
		assert_int_equal(session.columns, rows[i].columns);
		assert_int_equal(session.rows, rows[i].rows);
		assert_int_equal(session.width, rows[i].width);
		assert_int_equal(session.height, rows[i].height);
	}
}

/* Refusals of one address are audited so many times, then counted. */
static void test_many_refusals(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct person person;
	struct msg_redeem ask, wrong;
	unsigned omitted;

	person_open(house, &person, &ask);
	wrong = ask;
	wrong.value[20] = wrong.value[20] == 'A' ? 'B' : 'A';
	/* Sixty of them, a quarter of an hour ago. */
	uint64_t before = clock_monotonic_ms() - THROTTLE_WINDOW_MS;
	for (int i = 0; i < THROTTLE_REFUSALS + 10; i++)
		throttle_audited(broker->throttle, &wrong.peer, before, &omitted);
	assert_int_equal(person_redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	assert_non_null(
		strstr(house_audit(house, "ticket.refused").detail, "\"omitted_before\":10"));
	for (int i = 1; i < THROTTLE_REFUSALS + 5; i++)
		assert_int_equal(person_redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	assert_int_equal(house_audit_count(house, "ticket.refused"), THROTTLE_REFUSALS);
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_form),
		TEST(test_safe_in_a_query),
		TEST(test_opens_once),
		TEST(test_redeem_refusals),
		TEST(test_rights_withdrawn_before_opening),
		TEST(test_pinned_address),
		TEST(test_expired),
		TEST(test_dropped_before_it_was_opened),
		TEST(test_too_many_live),
		cmocka_unit_test(test_each_right_withdrawn),
		TEST(test_store_fails),
		TEST(test_front_gone),
		TEST(test_without_memory),
		TEST(test_not_now),
		TEST(test_no_room),
		TEST(test_lengths),
		TEST(test_nobody_is_left),
		TEST(test_front_goes),
		cmocka_unit_test(test_size_of_the_window),
		TEST(test_many_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
