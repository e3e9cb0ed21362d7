/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <sys/socket.h>
#include <unistd.h>

void person_open(struct house *house, struct person *person, struct msg_redeem *redeem)
{
	person_open_with(house, person, redeem, "");
}

void person_open_with(
	struct house *house, struct person *person, struct msg_redeem *redeem, const char *more)
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
	snprintf(params, sizeof params,
		"user=ana&credential=root&device=db1&protocol=ssh&port=%u%s",
		ntohs(target.sin_port), more);
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

void person_close(struct person *person)
{
	EVP_PKEY_free(person->key);
	close(person->listener);
}

int person_redeem(struct house *house, struct person *person, const struct msg_redeem *ask)
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
int person_attach(struct house *house, struct person *person, const char *from, int *ret_fd,
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

void person_close_fds(struct house_message *message)
{
	for (unsigned i = 0; i < MESSAGE_FDS_MAX; i++)
		fd_closep(&message->fds[i]);
}

/* From the opened URL to the worker's start. Returns the row id. */
int64_t person_bring_up(struct house *house, struct person *person, const struct msg_redeem *ask)
{
	assert_int_equal(person_redeem(house, person, ask), 0);
	struct house_message start = house_take(house, MSG_RECORDING_START);
	const struct msg_recording_start *recording = (void *)start.payload;
	int64_t id = recording->session;
	assert_string_equal(recording->session_id, person->redeemed.session);
	assert_int_equal(start.fd_count, 1);
	assert_non_null(memmem(start.tail, start.tail_len, "\"user\":\"ana\"", 12));
	assert_false(house_got(house, MSG_WORKER_START)); /* not before the recording */
	person_close_fds(&start);

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
	person_close_fds(&worker);
	house_run(house);
	/* the vault's process asked for its release: it is on record */
	assert_non_null(
		strstr(house_audit(house, "credential.released").detail, "\"username\":\"root\""));
	return id;
}

int64_t person_arrive(struct house *house, struct person *person)
{
	struct msg_redeem ask;

	person_open(house, person, &ask);
	return person_bring_up(house, person, &ask);
}

int64_t person_go_live(struct house *house, struct person *person)
{
	int64_t id = person_arrive(house, person);

	person_moved(house, id, VIEW_LIVE, 0);
	return id;
}

void person_moved(struct house *house, int64_t id, enum view_state state, int why)
{
	struct msg_moved message = {
		.session = id, .state = (uint8_t)state, .why = why, .exit_status = 3
	};

	text_copy(message.reason, sizeof message.reason, state == VIEW_OVER ? "logout" : "");
	house_send(house->recorder, MSG_SESSION_MOVED, &message, -1);
	house_run(house);
}

void person_sealed(struct house *house, int64_t id)
{
	struct msg_recording_done done = { .session = id,
		.output_bytes = 1000,
		.input_bytes = 10,
		.inputs = 4,
		.file_bytes = 500,
		.chunks = 2,
		.duration_ms = 1500,
		.head = { 0xab, 0x01 } };

	house_send(house->recorder, MSG_RECORDING_DONE, &done, -1);
	house_run(house);
}

void person_exited(struct house *house, int64_t id)
{
	struct msg_worker_exited message = { id, 0 };

	house_send(house->supervisor, MSG_WORKER_EXITED, &message, -1);
	house_run(house);
}

struct session_row person_row(struct house *house, int64_t id)
{
	struct session_row row;

	assert_int_equal(store_session_get(house->broker->store, id, &row), 0);
	return row;
}
