/* SPDX-License-Identifier: Apache-2.0 */
int broker_main(int argc, char **argv);
#define main broker_main
#include "broker/broker.c"
#undef main

#include "house.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <assert.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/encode.h"
#include "base/hash.h"
#include "broker/dispatch.h"
#include "store/chain.h"
#include "wire/certificate.h"

#define PATIENCE 200 /* rounds of house_run(), 15 ms each, for what another process does */

/* ---- the vault's process */

static int vault_signature(struct channel *channel, struct message *message)
{
	const struct msg_signature *ask = message->payload;
	const char *key = HOUSE_CONSUMER_SECRET "&" HOUSE_TOKEN_SECRET;
	const uint8_t *base = message->tail + ask->consumer_len + ask->token_len;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	char text[BASE64_SIZE(EVP_MAX_MD_SIZE)];

	HMAC(ask->sha256 ? EVP_sha256() : EVP_sha1(), key, (int)strlen(key), base, ask->base_len,
		digest, &len);
	base64_encode(text, digest, len);
	struct msg_result result = { strcmp(text, ask->signature) == 0 ? 0
								       : -ERR_SIGNATURE_INVALID };
	return channel_send(
		channel, MSG_SIGNATURE_CHECKED, message->serial, &result, NULL, 0, NULL, 0);
}

static struct msg_vault_state vault_now = { .key_version = 7, .oldest_version = 7 };

/* "Seals" by turning every byte over; a secret that begins with '!' cannot be read as one. */
static int vault_seals(struct channel *channel, struct message *message)
{
	uint8_t bytes[256];
	struct msg_sealed sealed = { .key_version = vault_now.key_version };
	ssize_t len = 4;

	text_copy(sealed.detail, sizeof sealed.detail, "ssh-ed25519 SHA256:x");
	memcpy(bytes, "new.", 4);
	if (message->type == MSG_SEAL)
		len = read(message->fds[0], bytes, sizeof bytes);
	else if (message->type == MSG_SEAL_NEW)
		len = write(message->fds[0], "new.", 4);
	else
		memcpy(bytes, message->tail, (size_t)(len = (ssize_t)message->tail_len));
	if (len < 0 || bytes[0] == '!')
		sealed.result = message->type == MSG_REWRAP ? -ERR_CRYPTO : -ERR_KEY_UNREADABLE;
	for (ssize_t i = 0; i < len; i++)
		bytes[i] ^= 0xff;
	return channel_send(channel, MSG_SEALED, message->serial, &sealed, bytes,
		sealed.result == 0 ? (size_t)len : 0, NULL, 0);
}

/* The passphrase is "right"; after "never" it says nothing. */
static int vault_unseals(struct message *message)
{
	char text[16] = "";

	if (message->fd_count == 0)
		return -ERR_PASSPHRASE_WANTED;
	if (read(message->fds[0], text, sizeof text - 1) < 0)
		return -ERR_SYSTEM;
	if (strcmp(text, "never") == 0)
		return 1;
	if (strcmp(text, "right") != 0)
		return strcmp(text, "again") == 0 ? -ERR_THROTTLED : -ERR_PASSPHRASE_WRONG;
	vault_now.sealed = 0;
	vault_now.key_version = vault_now.oldest_version = 7;
	return 0;
}

/* The old keys are held once by a login that is under way. */
static int vault_retires(void)
{
	static unsigned asked;

	if (asked++ == 0)
		return -ERR_AGAIN;
	vault_now.oldest_version = vault_now.key_version;
	return 0;
}

static int vault_states(struct channel *channel, struct message *message)
{
	int r = 0;

	if (message->type == MSG_UNSEAL)
		r = vault_unseals(message);
	else if (message->type == MSG_RETIRE)
		r = vault_retires();
	else if (message->type == MSG_ROTATE)
		vault_now.key_version++;
	else if (message->type == MSG_VAULT_SEAL)
		vault_now = (struct msg_vault_state){ .sealed = 1, .wait_ms = 1500 };
	if (r > 0)
		return 0;
	vault_now.result = r;
	return channel_send(
		channel, MSG_VAULT_STATE, message->serial, &vault_now, NULL, 0, NULL, 0);
}

/* Certifies as the installation with the key pair of HOUSE_SEED. */
static int vault_certifies(struct channel *channel, struct message *message)
{
	const struct msg_broker_certify *ask = message->payload;
	struct certificate certificate = { .purpose = CERTIFICATE_BROKER };
	struct msg_broker_certified answer = { 0 };
	uint8_t layout[CERTIFICATE_LEN], public[32], secret[64];

	house_installation(public, secret);
	memcpy(certificate.public_key, ask->public_key, 32);
	memcpy(certificate.subject, ask->trail, HASH_LEN);
	memcpy(answer.public_key, ask->public_key, 32);
	assert(certificate_layout(&certificate, layout) == 0);
	crypto_sign_detached(answer.certificate, NULL, layout, sizeof layout, secret);
	return channel_send(
		channel, MSG_BROKER_CERTIFIED, message->serial, &answer, NULL, 0, NULL, 0);
}

void house_installation(uint8_t ret_public[32], uint8_t ret_secret[64])
{
	uint8_t seed[32];

	memset(seed, 0x5e, sizeof seed);
	crypto_sign_seed_keypair(ret_public, ret_secret, seed);
}

static int vault_message(void *context, struct channel *channel, struct message *message)
{
	struct msg_result opened = { 0 };
	struct msg_session wanted = { 0 };

	(void)context;
	switch (message->type) {
	case MSG_SIGNATURE_CHECK:
		return vault_signature(channel, message);
	case MSG_SEAL:
	case MSG_SEAL_NEW:
	case MSG_REWRAP:
		return vault_seals(channel, message);
	case MSG_VAULT_STATUS:
	case MSG_UNSEAL:
	case MSG_VAULT_SEAL:
	case MSG_RETIRE:
	case MSG_ROTATE:
		return vault_states(channel, message);
	case MSG_BROKER_CERTIFY:
		return vault_certifies(channel, message);
	case MSG_RECORDING_OPEN:
		return channel_send(
			channel, MSG_RECORDING_OPENED, message->serial, &opened, NULL, 0, NULL, 0);
	case MSG_SECRET_GRANT:
		wanted.session = ((const struct msg_grant *)message->payload)->session;
		return channel_tell(channel, MSG_SECRET_WANTED, &wanted);
	default:
		return 0;
	}
}

static void vault_gone_away(void *context, struct channel *channel)
{
	(void)channel;
	loop_stop(context);
}

static void vault_live(int fd)
{
	struct loop *loop;
	struct channel *channel;

	if (loop_create(&loop) < 0 || channel_create(loop, fd, PARTY_VAULT, PARTY_BROKER,
					      vault_message, vault_gone_away, loop, &channel) < 0)
		_exit(1);
	loop_run(loop);
	_exit(0);
}

/* ---- the other ends */

static int keep_reply(struct house *house, struct message *message)
{
	const struct msg_api_reply *reply = message->payload;

	if (house->replied) { /* the first part of a new one */
		house->reply.body_len = 0;
		house->replied = false;
	}
	house->reply.status = reply->status;
	memcpy(house->reply.header, reply->header, sizeof house->reply.header);
	assert_true(house->reply.body_len + message->tail_len < sizeof house->reply.body);
	memcpy(house->reply.body + house->reply.body_len, message->tail, message->tail_len);
	house->reply.body_len += message->tail_len;
	house->reply.body[house->reply.body_len] = 0;
	house->reply.more = reply->more;
	house->reply.serial = message->serial;
	if (reply->more != REPLY_MORE) {
		house->replied = true;
		house->replies++;
	}
	return 0;
}

static int on_peer(void *context, struct channel *channel, struct message *message)
{
	struct house *house = context;

	if (message->type == MSG_RECORDER_LIST && !house->recorder_thinks)
		house_list(channel, NULL);
	if (message->type == MSG_API_REPLY || message->type == MSG_CONTROL_REPLY)
		return keep_reply(house, message);
	assert_true(house->message_count < ARRAY_LEN(house->messages));
	struct house_message *kept = &house->messages[house->message_count++];
	kept->type = message->type;
	kept->serial = message->serial;
	assert_true(message_size(message->type) <= sizeof kept->payload);
	memcpy(kept->payload, message->payload, message_size(message->type));
	kept->tail_len = message->tail_len;
	assert_true(message->tail_len <= sizeof kept->tail);
	memcpy(kept->tail, message->tail, message->tail_len);
	kept->fd_count = message->fd_count;
	for (unsigned i = 0; i < MESSAGE_FDS_MAX; i++)
		kept->fds[i] = STEAL_FD(message->fds[i]);
	return 0;
}

static void on_peer_gone(void *context, struct channel *channel)
{
	(void)context;
	(void)channel;
}

void house_list(struct channel *recorder, const struct msg_listed *listed)
{
	static const struct msg_listed end;

	house_send(recorder, MSG_RECORDER_SESSION, listed != NULL ? listed : &end, -1);
}

void house_recorder_has(struct house *house, const struct msg_listed *session)
{
	if (session != NULL)
		house_list(house->recorder, session);
	house_list(house->recorder, NULL);
	house_run(house);
}

struct channel *house_introduce_as(
	struct house *house, enum party party, bool retired, uint32_t generation)
{
	struct msg_peer peer = { (uint8_t)party, retired, generation };
	int ends[2];
	struct channel *channel;

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(channel_create(house->broker->loop, ends[1], party, PARTY_BROKER, on_peer,
				 on_peer_gone, house, &channel),
		0);
	peers_meet(house->broker, &peer, ends[0]);
	return channel;
}

struct channel *house_introduce(struct house *house, enum party party)
{
	return house_introduce_as(house, party, false, 1);
}

void house_stop(struct house *house)
{
	on_stop(house->broker);
}

/* A command line as control.c accepts it, by the administrator 0. */
static int on_control(void *context, struct channel *channel, struct message *message)
{
	return dispatch_message(context, channel, DOOR_CONTROL, 0, message);
}

static void introduce_control(struct house *house)
{
	int ends[2];

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(channel_create(house->broker->loop, ends[1], PARTY_CONTROL, PARTY_BROKER,
				 on_peer, on_peer_gone, house, &house->control),
		0);
	assert_int_equal(channel_create(house->broker->loop, ends[0], PARTY_BROKER, PARTY_CONTROL,
				 on_control, on_peer_gone, house->broker, &house->control_inside),
		0);
}

static void introduce_supervisor(struct house *house)
{
	int ends[2];

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(channel_create(house->broker->loop, ends[1], PARTY_SUPERVISOR,
				 PARTY_BROKER, on_peer, on_peer_gone, house, &house->supervisor),
		0);
	assert_int_equal(channel_create(house->broker->loop, ends[0], PARTY_BROKER,
				 PARTY_SUPERVISOR, on_supervisor, on_peer_gone, house->broker,
				 &house->broker->process.supervisor),
		0);
}

static void introduce_vault(struct house *house)
{
	int ends[2];

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	house->vault_pid = fork();
	assert_true(house->vault_pid >= 0);
	if (house->vault_pid == 0) {
		close(ends[0]);
		vault_live(ends[1]);
	}
	close(ends[1]);
	peers_meet(house->broker, &(struct msg_peer){ PARTY_VAULT, 0, 1 }, ends[0]);
}

/* ---- what is registered */

static int64_t add_credential(struct house *house, int64_t device, const char *username,
	const char *domain, enum secret_kind kind)
{
	struct store *store = house->broker->store;
	struct credential_row row = { .device_id = device, .kind = (uint8_t)kind, .created_at = 1 };
	int64_t id;

	snprintf(row.identifier, sizeof row.identifier, "%lld-%s", (long long)device, username);
	text_copy(row.username, sizeof row.username, username);
	text_copy(row.domain, sizeof row.domain, domain);
	assert_int_equal(store_credential_add(store, &row, &id), 0);
	assert_int_equal(store_credential_set_secret(store, id, 1, 1, "sealed", 6, 1), 0);
	return id;
}

static int64_t add_device(
	struct house *house, const char *hostname, const char *ip, const char *domain)
{
	struct store *store = house->broker->store;
	struct device_row row = { .created_at = 1 };
	int64_t id;

	text_copy(row.hostname, sizeof row.hostname, hostname);
	text_copy(row.ip, sizeof row.ip, ip);
	text_copy(row.domain, sizeof row.domain, domain);
	assert_int_equal(store_device_add(store, &row, &id), 0);
	assert_int_equal(store_connectivity_add(store, id, "ssh", 22), 0);
	assert_int_equal(store_connectivity_add(store, id, "ssh", 2222), 0);
	return id;
}

static void add_pin(struct house *house, int64_t device)
{
	struct pin_row pin = { .device_id = device, .pinned_at = 1 };

	text_copy(pin.protocol, sizeof pin.protocol, "ssh");
	text_copy(pin.algorithm, sizeof pin.algorithm, "ssh-ed25519");
	memset(pin.fingerprint, 7, sizeof pin.fingerprint);
	assert_int_equal(store_pin_replace(house->broker->store, &pin), 0);
}

static int64_t add_authorization(
	struct house *house, const char *client_id, uint32_t reads, uint32_t writes)
{
	struct authorization_row row = { .application_id = house->application,
		.reads = reads,
		.writes = writes,
		.created_at = 1 };
	int64_t id;

	text_copy(row.client_id, sizeof row.client_id, client_id);
	hash_sha256(row.client_secret_hash, HOUSE_SECRET, strlen(HOUSE_SECRET));
	assert_int_equal(store_authorization_add(house->broker->store, &row, &id), 0);
	return id;
}

static void add_token(struct house *house, const char *token, int64_t authorization)
{
	uint8_t hash[HASH_LEN];

	hash_token(hash, token, strlen(token));
	assert_int_equal(store_token_add(house->broker->store, hash, authorization,
				 clock_wall_ms() + 3600000),
		0);
}

static void add_oauth1(struct house *house)
{
	struct store *store = house->broker->store;
	struct authorization_row row = { .reads = RESOURCE_WEB_PROXY_SESSION, .created_at = 1 };
	int64_t id;

	assert_int_equal(
		store_application_add(store, "legacy", "oauth1", 1, &row.application_id), 0);
	text_copy(row.consumer_key, sizeof row.consumer_key, "dpf43f3p2l4k3l03");
	text_copy(row.token_key, sizeof row.token_key, "nnch734d00sl2jdk");
	assert_int_equal(store_authorization_add(store, &row, &id), 0);
	assert_int_equal(
		store_authorization_set_secrets(store, id, 1, "consumer", 8, "token", 5), 0);
}

static void fill(struct house *house)
{
	struct store *store = house->broker->store;

	assert_int_equal(store_user_add(store, "ana", "Ana Sousa", 1, &house->user), 0);
	house->device = add_device(house, "db1", "127.0.0.1", "");
	house->sibling = add_device(house, "fs1", "127.0.0.2", "corp");
	int64_t fs2 = add_device(house, "fs2", "127.0.0.3", "corp");
	assert_int_equal(store_connectivity_add(store, house->device, "rdp", 3389), 0);
	add_pin(house, house->device);
	house->credential = add_credential(house, house->device, "root", "", SECRET_PASSWORD);
	add_credential(house, house->device, "foreign", "", SECRET_PASSWORD);
	house->domain_credential =
		add_credential(house, house->sibling, "svc", "corp", SECRET_PASSWORD);
	(void)fs2;
	assert_int_equal(
		store_application_add(store, "portal", "oauth2", 1, &house->application), 0);
	house->authorization = add_authorization(
		house, "c0ffee", RESOURCE_WEB_PROXY_SESSION, RESOURCE_WEB_PROXY_SESSION);
	house->reader = add_authorization(house, "beef", RESOURCE_WEB_PROXY_SESSION, 0);
	assert_int_equal(
		store_authorization_cover(store, house->authorization, house->credential), 0);
	assert_int_equal(
		store_authorization_cover(store, house->authorization, house->domain_credential),
		0);
	add_token(house, HOUSE_TOKEN, house->authorization);
	add_token(house, "reader", house->reader);
	add_oauth1(house);
}

static void open_broker(struct house *house)
{
	struct broker *broker = house->broker;

	assert_int_equal(loop_create(&broker->process.loop), 0);
	broker->loop = broker->process.loop;
	settings_defaults(&broker->process.settings);
	broker->settings = &broker->process.settings;
	text_copy(broker->process.settings.gateway_tenant, NAME_SIZE, "Acme");
	text_copy(broker->process.settings.gateway_public_url, URL_SIZE, "https://gw.example");
	broker->reserve.fd = -1; /* this house keeps none */
	assert_int_equal(create(broker), 0);
	assert_int_equal(store_open("sqlite", house->directory, &broker->store), 0);
	assert_int_equal(audit_load(broker), 0);
	assert_int_equal(steady_begin(broker), 0);
	assert_int_equal(handle_begin(broker), 0);
	assert_int_equal(sessions_load(broker), 0);
	assert_int_equal(turn_watch(broker), 0);
	loop_every_turn(broker->loop, on_turn, broker);
	wire_on_strike(on_strike, broker); /* as process_begin() does, by way of the supervisor */
}

int house_open(void **state)
{
	struct house *house = calloc(1, sizeof *house);

	assert_non_null(house);
	log_open("test", LOG_LEVEL_ERROR + 1);
	text_copy(house->directory, sizeof house->directory, "/tmp/sallyport-broker-XXXXXX");
	assert_non_null(mkdtemp(house->directory));
	house->broker = calloc(1, sizeof *house->broker);
	assert_non_null(house->broker);
	open_broker(house);
	fill(house);
	introduce_supervisor(house);
	introduce_control(house);
	introduce_vault(house);
	house->front = house_introduce(house, PARTY_FRONT);
	house->recorder = house_introduce(house, PARTY_RECORDER);
	assert_int_equal(audit_self(house->broker, "gateway.started"), 0);
	turn_close(house->broker);
	head_ask(house->broker);
	for (int i = 0; i < PATIENCE && head_ready(house->broker) < 0; i++)
		house_run(house);
	house_run(house);
	*state = house;
	return 0;
}

static void drop_messages(struct house *house)
{
	for (unsigned i = 0; i < house->message_count; i++)
		for (unsigned fd = 0; fd < MESSAGE_FDS_MAX; fd++)
			fd_closep(&house->messages[i].fds[fd]);
	house->message_count = 0;
}

struct channel *house_front(const struct house *house)
{
	struct peer *peer = house->broker->peers;

	while (peer != NULL && peer->party != PARTY_FRONT)
		peer = peer->next;
	return peer != NULL ? peer->channel : NULL;
}

int house_close(void **state)
{
	static const char *const endings[] = { "", "-wal", "-shm" };
	struct house *house = *state;
	char path[128];

	wire_on_strike(NULL, NULL);
	drop_messages(house);
	channel_destroy(house->front);
	channel_destroy(house->recorder);
	channel_destroy(house->supervisor);
	channel_destroy(house->control);
	finish(house->broker);
	channel_destroy(house->control_inside);
	channel_destroy(house->broker->process.supervisor);
	loop_destroy(house->broker->loop);
	free(house->broker);
	waitpid(house->vault_pid, NULL, 0);
	for (unsigned i = 0; i < ARRAY_LEN(endings); i++) {
		snprintf(path, sizeof path, "%s/sallyport.db%s", house->directory, endings[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(house->directory), 0);
	free(house);
	return 0;
}

/* ---- asking */

static void stop_soon(void *context)
{
	loop_stop(context);
}

void house_run(struct house *house)
{
	/* Two quiet stretches: what one round left to the next is done too. */
	for (int i = 0; i < 3; i++) {
		struct timer *timer;
		assert_int_equal(
			loop_after(house->broker->loop, 5, stop_soon, house->broker->loop, &timer),
			0);
		assert_int_equal(loop_run(house->broker->loop), 0);
	}
}

static void params_of(const struct house_call *call, struct buf *out)
{
	char text[4096];
	char *save = NULL;

	text_copy(text, sizeof text, call->params != NULL ? call->params : "");
	for (char *pair = strtok_r(text, "&", &save); pair != NULL;
		pair = strtok_r(NULL, "&", &save)) {
		char *value = strchr(pair, '=');
		assert_non_null(value);
		*value++ = 0;
		struct param param = { call->place != 0 ? call->place : PLACE_JSON, PARAM_TEXT,
			pair, (uint16_t)strlen(pair), value, (uint32_t)strlen(value) };
		assert_int_equal(params_write(out, &param), 0);
	}
}

void house_send_call(struct house *house, const struct house_call *call)
{
	CLEANUP(buf_finish) struct buf tail = BUF(65536);
	struct msg_api_call head;

	memset(&head, 0, sizeof head);
	text_copy(head.method, sizeof head.method, call->method);
	text_copy(head.path, sizeof head.path, call->path);
	text_copy(head.raw_path, sizeof head.raw_path, call->path);
	text_copy(head.host, sizeof head.host, "gw.example");
	text_copy(head.scheme, sizeof head.scheme, "https");
	text_copy(head.authorization, sizeof head.authorization,
		call->authorization != NULL ? call->authorization : "");
	text_copy(head.referer, sizeof head.referer, call->referer != NULL ? call->referer : "");
	if (call->certificate != NULL)
		memcpy(head.certificate, call->certificate, sizeof head.certificate);
	text_copy(head.trace, sizeof head.trace, "0123456789abcdef");
	head.body_is_form = call->place == PLACE_FORM;
	assert_int_equal(
		address_parse(&head.peer, call->from != NULL ? call->from : "192.0.2.10"), 0);
	params_of(call, &tail);
	bool control = call->door == DOOR_CONTROL;
	struct channel *channel = control ? house->control : house->front;
	assert_int_equal(channel_send(channel, control ? MSG_CONTROL_CALL : MSG_API_CALL,
				 channel_serial(channel), &head, tail.data, tail.len, &call->fd,
				 control && call->fd > 0),
		0);
}

const struct house_reply *house_await(struct house *house)
{
	for (int i = 0; i < PATIENCE && !house->replied; i++)
		house_run(house);
	assert_true(house->replied);
	return &house->reply;
}

const struct house_reply *house_call(struct house *house, const struct house_call *call)
{
	house->replied = false;
	house->reply.body_len = 0;
	house_send_call(house, call);
	return house_await(house);
}

const struct house_reply *house_post(struct house *house, const char *path, const char *params)
{
	struct house_call call = { .method = "POST",
		.path = path,
		.authorization = "Bearer " HOUSE_TOKEN,
		.params = params };
	return house_call(house, &call);
}

const struct house_reply *house_get(struct house *house, const char *path)
{
	struct house_call call = {
		.method = "GET", .path = path, .authorization = "Bearer " HOUSE_TOKEN
	};
	return house_call(house, &call);
}

void house_session(struct house *house)
{
	assert_int_equal(house_post(house, "/api/pam/remote/session",
				 "user=ana&credential=root&device=db1&protocol=ssh")
				 ->status,
		200);
}

int house_end_of(struct house *house, enum ending_of what, int64_t id)
{
	assert_int_equal(turn_open(house->broker), 0);
	int r = ending_of(house->broker, what, id, "because");
	turn_close(house->broker);
	return r;
}

unsigned house_burst(
	struct house *house, const struct house_call *call, unsigned count, unsigned status)
{
	unsigned right = 0;

	for (unsigned i = 0; i < count; i++)
		house_send_call(house, call);
	house->replies = 0;
	for (int i = 0; i < PATIENCE && house->replies < count; i++)
		house_run(house);
	assert_int_equal(house->replies, count);
	right += house->reply.status == status;
	return right;
}

void house_send(struct channel *channel, enum msg_type type, const void *payload, int fd)
{
	assert_int_equal(channel_send(channel, type, channel_serial(channel), payload, NULL, 0,
				 fd >= 0 ? &fd : NULL, fd >= 0),
		0);
}

bool house_got(const struct house *house, enum msg_type type)
{
	for (unsigned i = 0; i < house->message_count; i++)
		if (house->messages[i].type == type)
			return true;
	return false;
}

/* The vault is a process of its own: on a busy machine its answer takes a while. */
static void wait_for(struct house *house, enum msg_type type)
{
	for (int i = 0; i < PATIENCE && !house_got(house, type); i++)
		house_run(house);
}

struct house_message house_take(struct house *house, enum msg_type type)
{
	wait_for(house, type);
	for (unsigned i = 0; i < house->message_count; i++) {
		if (house->messages[i].type != type)
			continue;
		struct house_message found = house->messages[i];
		house->message_count--;
		memmove(&house->messages[i], &house->messages[i + 1],
			(house->message_count - i) * sizeof house->messages[0]);
		return found;
	}
	fail_msg("nobody got %s", message_name(type));
	abort();
}

/* ---- the audit */

struct search {
	const char *event;
	struct audit_row found, last;
	unsigned count, rows;
};

static int look_at(void *context, const struct audit_row *row)
{
	struct search *search = context;

	assert_int_equal(chain_follows(search->rows > 0 ? &search->last : NULL, row), 0);
	search->last = *row;
	search->rows++;
	if (search->event != NULL && strcmp(row->event, search->event) == 0) {
		search->found = *row;
		search->count++;
	}
	return 0;
}

struct audit_row house_audit(struct house *house, const char *event)
{
	struct search search = { .count = 0 };

	for (int i = 0; i < PATIENCE && search.count == 0; i++) {
		if (i > 0)
			house_run(house);
		search = (struct search){ .event = event };
		assert_int_equal(
			store_audit_list(house->broker->store, 0, 100000, look_at, &search), 0);
	}
	if (search.count == 0)
		fail_msg("no audit row %s", event);
	return search.found;
}

unsigned house_audit_count(struct house *house, const char *event)
{
	struct search search = { .event = event };

	assert_int_equal(store_audit_list(house->broker->store, 0, 100000, look_at, &search), 0);
	return search.count;
}

void house_audit_verify(struct house *house)
{
	house_audit_count(house, NULL);
}

void house_write_rows(struct house *house, unsigned count)
{
	assert_int_equal(turn_open(house->broker), 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(
			audit_write(house->broker, "test.row", "test", NULL, NULL, 0, NULL), 0);
	turn_close(house->broker);
}

void house_tamper(const struct house *house, const char *statement)
{
	char path[96];
	sqlite3 *database;

	snprintf(path, sizeof path, "%s/sallyport.db", house->directory);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, statement, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
}
