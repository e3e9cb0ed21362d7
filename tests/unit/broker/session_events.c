/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"

/* The life of a session, from the opened URL to its end, with the test as every other process. */
struct person {
	EVP_PKEY *key;
	struct msg_redeemed redeemed;
	int listener; /* the target */
};

static void person_open(struct house *house, struct person *person, struct msg_redeem *redeem)
{
	struct sockaddr_in target = { .sin_family = AF_INET,
		.sin_port = htons(2222),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof target;
	size_t point_len;
	int yes = 1;

	memset(person, 0, sizeof *person);
	person->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(person->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	target.sin_port = 0;
	assert_int_equal(bind(person->listener, (struct sockaddr *)&target, len), 0);
	assert_int_equal(listen(person->listener, 4), 0);
	assert_int_equal(getsockname(person->listener, (struct sockaddr *)&target, &len), 0);
	assert_int_equal(store_connectivity_add(house->broker->store, house->device, "ssh",
				 ntohs(target.sin_port)),
		0);

	char params[160];
	snprintf(params, sizeof params, "user=ana&credential=root&device=db1&protocol=ssh&port=%u",
		ntohs(target.sin_port));
	const struct house_reply *reply = house_post(house, "/api/pam/remote/session", params);
	assert_int_equal(reply->status, 200);
	const char *value = strstr(reply->body, "_sr=");
	assert_non_null(value);
	memset(redeem, 0, sizeof *redeem);
	memcpy(redeem->value, value + 4, 176);
	address_parse(&redeem->peer, "203.0.113.9");
	text_copy(redeem->trace, sizeof redeem->trace, "fedcba9876543210");
	redeem->columns = 120;
	redeem->rows = 40;
	person->key = EVP_EC_gen("P-256");
	assert_non_null(person->key);
	assert_int_equal(EVP_PKEY_get_octet_string_param(person->key, OSSL_PKEY_PARAM_PUB_KEY,
				 redeem->public_key, sizeof redeem->public_key, &point_len),
		1);
	assert_int_equal(point_len, 65);
}

static void person_close(struct person *person)
{
	EVP_PKEY_free(person->key);
	close(person->listener);
}

static int redeem(struct house *house, struct person *person, const struct msg_redeem *ask)
{
	house_send(house->front, MSG_TICKET_REDEEM, ask, -1);
	house_run(house);
	struct house_message answer = house_take(house, MSG_TICKET_REDEEMED);
	memcpy(&person->redeemed, answer.payload, sizeof person->redeemed);
	return person->redeemed.result;
}

static void sign(struct person *person, struct msg_prove *prove)
{
	uint8_t text[sizeof(VIEW_PROOF_CONTEXT) + 40 + 32], der[128];
	const uint8_t *at = der;
	size_t len = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	memcpy(text, VIEW_PROOF_CONTEXT, sizeof(VIEW_PROOF_CONTEXT));
	memcpy(text + sizeof(VIEW_PROOF_CONTEXT), prove->session, 40);
	memcpy(text + sizeof(VIEW_PROOF_CONTEXT) + 40, prove->challenge, 32);
	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, person->key), 1);
	assert_int_equal(EVP_DigestSign(context, der, &len, text, sizeof text), 1);
	EVP_MD_CTX_free(context);
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), prove->signature, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), prove->signature + 32, 32), 32);
	ECDSA_SIG_free(pair);
}

/* Asks for a challenge and answers it; the result, the granted descriptor in *ret_fd. */
static int attach(struct house *house, struct person *person, const char *from, int *ret_fd,
	void (*spoil)(struct msg_prove *))
{
	struct msg_attach_ask ask;
	struct msg_prove prove;

	memset(&ask, 0, sizeof ask);
	memset(&prove, 0, sizeof prove);
	memcpy(ask.session, person->redeemed.session, sizeof ask.session);
	memcpy(ask.cookie, person->redeemed.cookie, sizeof ask.cookie);
	address_parse(&ask.peer, from);
	house_send(house->front, MSG_ATTACH_ASK, &ask, -1);
	house_run(house);
	if (house_got(house, MSG_ATTACH_REFUSED))
		return ((struct msg_result *)house_take(house, MSG_ATTACH_REFUSED).payload)->result;
	struct house_message challenge = house_take(house, MSG_ATTACH_CHALLENGE);
	memcpy(prove.session, ask.session, sizeof prove.session);
	memcpy(prove.cookie, ask.cookie, sizeof prove.cookie);
	prove.peer = ask.peer;
	prove.offset = UINT64_MAX;
	memcpy(prove.challenge, challenge.payload, 32);
	sign(person, &prove);
	if (spoil != NULL)
		spoil(&prove);
	house_send(house->front, MSG_ATTACH_PROVE, &prove, -1);
	house_run(house);
	if (house_got(house, MSG_ATTACH_REFUSED))
		return ((struct msg_result *)house_take(house, MSG_ATTACH_REFUSED).payload)->result;
	if (!house_got(house, MSG_ATTACH_GRANTED))
		return 1; /* waits for the recording */
	*ret_fd = house_take(house, MSG_ATTACH_GRANTED).fds[0];
	return 0;
}

static void close_fds(struct house_message *message)
{
	for (unsigned i = 0; i < MESSAGE_FDS_MAX; i++)
		fd_closep(&message->fds[i]);
}

/* From the opened URL to the worker's start. Returns the row id. */
static int64_t bring_up(struct house *house, struct person *person, const struct msg_redeem *ask)
{
	assert_int_equal(redeem(house, person, ask), 0);
	struct house_message start = house_take(house, MSG_RECORDING_START);
	const struct msg_recording_start *recording = (void *)start.payload;
	int64_t id = recording->session;
	assert_string_equal(recording->session_id, person->redeemed.session);
	assert_int_equal(start.fd_count, 1);
	assert_non_null(memmem(start.tail, start.tail_len, "\"user\":\"ana\"", 12));
	assert_false(house_got(house, MSG_WORKER_START)); /* not before the recording */
	close_fds(&start);

	struct msg_recording_started started = { id, 0 };
	house_send(house->recorder, MSG_RECORDING_STARTED, &started, -1);
	house_run(house);
	struct house_message worker = house_take(house, MSG_WORKER_START);
	const struct msg_worker_start *worker_start = (void *)worker.payload;
	assert_int_equal(worker.fd_count, 4);
	assert_string_equal(worker_start->driver, "ssh");
	struct worker_birth birth;
	assert_int_equal(read(worker.fds[3], &birth, sizeof birth), sizeof birth);
	assert_int_equal(birth.session, id);
	assert_int_equal(birth.columns, 120);
	assert_int_equal(birth.pin_count, 1);
	assert_string_equal(birth.pin_algorithms[0], "ssh-ed25519");
	assert_int_equal(write(worker.fds[3], "x", 1), -1); /* sealed */
	close_fds(&worker);
	house_run(house);
	/* the vault's process asked for its release: it is on record */
	assert_non_null(
		strstr(house_audit(house, "credential.released").detail, "\"username\":\"root\""));
	return id;
}

static void moved(struct house *house, int64_t id, enum view_state state, int why)
{
	struct msg_moved message = {
		.session = id, .state = (uint8_t)state, .why = why, .exit_status = 3
	};

	text_copy(message.reason, sizeof message.reason, state == VIEW_OVER ? "logout" : "");
	house_send(house->recorder, MSG_SESSION_MOVED, &message, -1);
	house_run(house);
}

static void sealed(struct house *house, int64_t id)
{
	struct msg_recording_done done = { .session = id,
		.output_bytes = 1000,
		.input_bytes = 10,
		.file_bytes = 500,
		.chunks = 2 };

	house_send(house->recorder, MSG_RECORDING_DONE, &done, -1);
	house_run(house);
}

static void exited(struct house *house, int64_t id)
{
	struct msg_worker_exited message = { id, 0 };

	house_send(house->supervisor, MSG_WORKER_EXITED, &message, -1);
	house_run(house);
}

static struct session_row row_of(struct house *house, int64_t id)
{
	struct session_row row;

	assert_int_equal(store_session_get(house->broker->store, id, &row), 0);
	return row;
}

static void test_whole_life(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	person_open(house, &person, &ask);
	int64_t id = bring_up(house, &person, &ask);
	assert_string_equal(person.redeemed.user, "ana");
	assert_string_equal(person.redeemed.application, "portal");
	assert_int_equal(row_of(house, id).state, SESSION_REDEEMED);

	assert_int_equal(attach(house, &person, "203.0.113.9", &fd, NULL), 0);
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
	close_fds(&join);

	moved(house, id, VIEW_LIVE, 0);
	assert_int_equal(row_of(house, id).state, SESSION_LIVE);
	moved(house, id, VIEW_OVER, 0);
	struct session_row row = row_of(house, id);
	assert_int_equal(row.state, SESSION_ENDED);
	assert_string_equal(row.end_reason, "logout");
	assert_int_equal(row.exit_status, 3);
	sealed(house, id);
	exited(house, id);
	assert_int_equal(row_of(house, id).recorded, 1);
	assert_int_equal(house->broker->sessions.count, 0);
	assert_int_equal(house_audit_count(house, "session.redeemed"), 1);
	assert_int_equal(house_audit_count(house, "session.live"), 1);
	assert_int_equal(house_audit_count(house, "recording.sealed"), 1);
	/* who had a right to it is told how it ended */
	assert_int_equal(attach(house, &person, "203.0.113.9", &fd, NULL), -ERR_SESSION_OVER);
	house_audit_verify(house);
	close(fd);
	person_close(&person);
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
	assert_int_equal(redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	wrong = ask;
	wrong.public_key[40] ^= 1; /* a point that is not on the curve */
	assert_int_equal(redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	wrong = ask;
	wrong.public_key[0] = 2;
	assert_int_equal(redeem(house, &person, &wrong), -ERR_TICKET_REFUSED);
	/* none of it spent the URL */
	assert_int_equal(redeem(house, &person, &ask), 0);
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
	assert_int_equal(redeem(house, &person, &ask), -ERR_TICKET_REFUSED);
	assert_int_equal(row_of(house, 1).state, SESSION_ENDED);
	assert_int_equal(row_of(house, 1).end_why, -ERR_RIGHTS_WITHDRAWN);
	assert_false(house_got(house, MSG_RECORDING_START));
	person_close(&person);
}

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
	struct msg_redeem ask;
	int fd = -1;

	person_open(house, &person, &ask);
	bring_up(house, &person, &ask);
	assert_int_equal(
		attach(house, &person, "203.0.113.9", &fd, spoil_signature), -ERR_ATTACH_REFUSED);
	assert_int_equal(
		attach(house, &person, "203.0.113.9", &fd, spoil_challenge), -ERR_ATTACH_REFUSED);
	thief = person; /* has the cookie, not the key */
	thief.key = EVP_EC_gen("P-256");
	assert_int_equal(attach(house, &thief, "203.0.113.9", &fd, NULL), -ERR_ATTACH_REFUSED);
	EVP_PKEY_free(thief.key);
	thief = person; /* has the key, not the cookie */
	thief.redeemed.cookie[3] ^= 1;
	assert_int_equal(attach(house, &thief, "203.0.113.9", &fd, NULL), -ERR_ATTACH_REFUSED);
	thief = person;
	thief.redeemed.session[3] ^= 1;
	assert_int_equal(attach(house, &thief, "203.0.113.9", &fd, NULL), -ERR_ATTACH_REFUSED);
	assert_true(house_audit_count(house, "attach.refused") >= 5);
	assert_false(house_got(house, MSG_VIEWER_JOIN));
	assert_int_equal(
		attach(house, &person, "198.51.100.1", &fd, NULL), 0); /* moved: not pinned */
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
	assert_int_equal(redeem(house, &person, &ask), 0);
	assert_int_equal(attach(house, &person, "203.0.113.9", &fd, NULL), 1);
	assert_false(house_got(house, MSG_VIEWER_JOIN));
	struct msg_recording_started started = { 1, 0 };
	house_send(house->recorder, MSG_RECORDING_STARTED, &started, -1);
	house_run(house);
	assert_true(house_got(house, MSG_VIEWER_JOIN));
	assert_true(house_got(house, MSG_ATTACH_GRANTED));
	person_close(&person);
}

static void test_click_starts_with_the_attach(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	text_copy(house->broker->process.settings.session_start, 16, "click");
	person_open(house, &person, &ask);
	assert_int_equal(redeem(house, &person, &ask), 0);
	assert_int_equal(person.redeemed.click, 1);
	assert_false(house_got(house, MSG_RECORDING_START));
	assert_int_equal(attach(house, &person, "203.0.113.9", &fd, NULL), 1);
	assert_true(house_got(house, MSG_RECORDING_START));
	person_close(&person);
}

static void test_target_closed(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	person_open(house, &person, &ask);
	close(person.listener);
	assert_int_equal(redeem(house, &person, &ask), 0);
	house_run(house);
	assert_int_equal(row_of(house, 1).end_why, -ERR_TARGET_UNREACHABLE);
	struct house_message stop = house_take(house, MSG_SESSION_STOP);
	assert_string_equal(
		((struct msg_notice *)stop.payload)->text, "The target cannot be reached");
	assert_int_equal(attach(house, &person, "203.0.113.9", &fd, NULL), -ERR_TARGET_UNREACHABLE);
	person.listener = -1;
	person_close(&person);
}

static void test_not_pinned(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	/* another device than the one with a pin */
	assert_int_equal(redeem(house, &person, &ask), 0);
	struct session *session = session_by_id(house->broker, 1);
	assert_non_null(session);
	session->row.device_id = house->sibling;
	struct msg_recording_started started = { 1, 0 };
	house_send(house->recorder, MSG_RECORDING_STARTED, &started, -1);
	house_run(house);
	assert_int_equal(row_of(house, 1).end_why, -ERR_HOST_KEY_UNKNOWN);
	assert_false(house_got(house, MSG_WORKER_START));
	assert_int_equal(house_audit_count(house, "credential.released"), 0);
	person_close(&person);
}

static void test_dropped(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	struct house_call drop = { .method = "DELETE",
		.path = "/api/pam/session/drop/1",
		.authorization = "Bearer " HOUSE_TOKEN };

	person_open(house, &person, &ask);
	int64_t id = bring_up(house, &person, &ask);
	moved(house, id, VIEW_LIVE, 0);
	assert_int_equal(house_call(house, &drop)->status, 200);
	assert_int_equal(row_of(house, id).state, SESSION_ENDED);
	assert_true(house_got(house, MSG_SESSION_STOP));
	moved(house, id, VIEW_OVER, 0); /* the recorder's word on top changes nothing */
	assert_string_equal(row_of(house, id).end_reason, "You have been disconnected");
	sealed(house, id);
	assert_int_equal(house->broker->sessions.count, 1);
	exited(house, id);
	assert_int_equal(house->broker->sessions.count, 0);
	person_close(&person);
}

static void test_recorder_dies(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	int64_t id = bring_up(house, &person, &ask);
	moved(house, id, VIEW_LIVE, 0);
	channel_destroy(STEAL(house->recorder));
	house_run(house);
	assert_int_equal(row_of(house, id).end_why, -ERR_RECORDER_DIED);
	assert_int_equal(
		redeem(house, &person, &ask), -ERR_PEER_GONE); /* nothing is spent without one */
	person_close(&person);
}

/* A new broker finds what the old one left: what the recorder still has goes on, the rest is over.
 */
static void test_restart(void **state)
{
	struct house *house = *state;
	struct person person, other;
	struct msg_redeem ask, second;

	person_open(house, &person, &ask);
	int64_t id = bring_up(house, &person, &ask);
	moved(house, id, VIEW_LIVE, 0);
	person_open(house, &other, &second);
	assert_int_equal(redeem(house, &other, &second), 0);
	sessions_finish(house->broker);
	assert_int_equal(sessions_load(house->broker), 0);
	assert_int_equal(house->broker->sessions.count, 2);
	sessions_recorder_came(house->broker);
	house_run(house);
	assert_true(house_got(house, MSG_RECORDER_LIST));

	struct msg_moved listed = { .session = id, .state = VIEW_LIVE, .exit_status = 1 };
	house_send(house->recorder, MSG_RECORDER_SESSION, &listed, -1);
	listed = (struct msg_moved){ .session = 4711, .state = VIEW_LIVE };
	house_send(house->recorder, MSG_RECORDER_SESSION, &listed, -1);
	listed = (struct msg_moved){ 0 };
	house_send(house->recorder, MSG_RECORDER_SESSION, &listed, -1);
	house_run(house);
	assert_int_equal(row_of(house, id).state, SESSION_LIVE);
	assert_int_equal(session_by_id(house->broker, id)->viewers, 1);
	assert_int_equal(row_of(house, 2).end_why, -ERR_GATEWAY_RESTARTED);
	struct house_message stop = house_take(house, MSG_SESSION_STOP); /* one that nobody knows */
	assert_int_equal(((struct msg_notice *)stop.payload)->session, 4711);
	/* and the person's key still opens it */
	int fd = -1;
	assert_int_equal(attach(house, &person, "203.0.113.9", &fd, NULL), 0);
	close(fd);
	person_close(&person);
	person_close(&other);
}

static void test_worker_exits_silently(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	int64_t id = bring_up(house, &person, &ask);
	moved(house, id, VIEW_LIVE, 0);
	exited(house, id);
	assert_int_equal(
		row_of(house, id).state, SESSION_LIVE); /* the recorder may still say why */
	session_by_id(house->broker, id)->orphaned_at -= STOP_GRACE_MS;
	sessions_tick(house->broker);
	house_run(house);
	assert_int_equal(row_of(house, id).end_why, -ERR_WORKER_DIED);
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole_life),
		TEST(test_opens_once),
		TEST(test_redeem_refusals),
		TEST(test_rights_withdrawn_before_opening),
		TEST(test_attach_refusals),
		TEST(test_attach_before_the_recording),
		TEST(test_click_starts_with_the_attach),
		TEST(test_target_closed),
		TEST(test_not_pinned),
		TEST(test_dropped),
		TEST(test_recorder_dies),
		TEST(test_restart),
		TEST(test_worker_exits_silently),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
