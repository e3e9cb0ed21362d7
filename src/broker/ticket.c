/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ticket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/a2a.h"
#include "broker/attach.h"
#include "broker/context.h"
#include "broker/handle.h"
#include "broker/policy.h"
#include "broker/throttle.h"
#include "broker/vault.h"

#define INNER_LEN (4 + BASE64_SIZE(TICKET_RANDOM) - 1)

int ticket_hash(const struct broker *broker, const char *value, uint8_t ret_hash[HASH_LEN])
{
	char inner[INNER_LEN];
	uint8_t random[TICKET_RANDOM];
	int r = base64_decode(inner, sizeof inner, value, strlen(value));

	if (r != sizeof inner || memcmp(inner, "rbs:", 4) != 0 ||
		base64_decode(random, sizeof random, inner + 4, sizeof inner - 4) != TICKET_RANDOM)
		r = -ERR_TICKET_REFUSED;
	if (r < 0) /* what stands in the trail of one that cannot exist */
		hash_token(ret_hash, value, strlen(value));
	else
		handle_hash(broker, random, sizeof random, value, ret_hash);
	mem_wipe(random, sizeof random);
	mem_wipe(inner, sizeof inner);
	return r < 0 ? -ERR_TICKET_REFUSED : 0;
}

void ticket_make(const struct broker *broker, const char *session_id, char value[TICKET_LEN + 1],
	uint8_t ret_hash[HASH_LEN])
{
	uint8_t random[TICKET_RANDOM];
	char inner[INNER_LEN + 1] = "rbs:";

	handle_make(broker, session_id, random, sizeof random);
	base64_encode(inner + 4, random, sizeof random);
	base64_encode(value, inner, INNER_LEN);
	handle_hash(broker, random, sizeof random, value, ret_hash);
	mem_wipe(random, sizeof random);
	mem_wipe(inner, sizeof inner);
}

/* An answer that waits for the commit. */
struct redeeming {
	uint32_t serial;
	uint64_t front; /* peer_number() */
	struct msg_redeemed answer;
};

static void refuse(struct channel *front, uint32_t serial, int r)
{
	struct msg_redeemed refused;

	memset(&refused, 0, sizeof refused);
	refused.result = r;
	channel_send(front, MSG_TICKET_REDEEMED, serial, &refused, NULL, 0, NULL, 0);
}

static void after_redeem(struct broker *broker, void *context, int result)
{
	struct redeeming *redeeming = context;

	struct channel *front = peer_numbered(broker, redeeming->front);

	if (front != NULL && result < 0)
		refuse(front, redeeming->serial, result);
	else if (front != NULL)
		channel_send(front, MSG_TICKET_REDEEMED, redeeming->serial, &redeeming->answer,
			NULL, 0, NULL, 0);
	mem_wipe(redeeming, sizeof *redeeming);
	free(redeeming);
}

/* What its policy says may have changed since, and so may who logs in for it. */
static int still_admitted(struct broker *broker, const struct session_row *row,
	const struct credential_row *credential)
{
	struct login login;
	bool alone;

	int r = login_find(broker, credential, &login);
	if (r == 0)
		r = policy_admits(broker, credential, row, true, clock_wall_ms(), &alone);
	return r == -ERR_CREDENTIAL_INACTIVE || r == -ERR_PROTOCOL_INVALID ? -ERR_RIGHTS_WITHDRAWN
									   : r;
}

/* Client, authorization, person, credential and device must agree again at this moment. */
static int still_allowed(struct broker *broker, const struct session_row *row)
{
	CLEANUP(store_authorization_finish) struct authorization_row authorization = { 0 };
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	struct user_row user;
	struct device_row device;

	int r = store_authorization_get(broker->store, row->authorization_id, &authorization);
	if (r == 0 &&
		(authorization.disabled_at != 0 || authorization.application_disabled_at != 0 ||
			(authorization.expires_at != 0 &&
				authorization.expires_at <= clock_wall_ms())))
		r = -ERR_RIGHTS_WITHDRAWN;
	if (r == 0)
		r = store_user_find(broker->store, row->user, &user);
	if (r == 0 && (user.disabled_at != 0 || user.blocked_at != 0))
		r = -ERR_RIGHTS_WITHDRAWN;
	if (r == 0)
		r = store_device_get(broker->store, row->device_id, &device);
	if (r == 0 && device.disabled_at != 0)
		r = -ERR_RIGHTS_WITHDRAWN;
	if (r == 0)
		r = store_credential_get(broker->store, row->credential_id, &credential);
	if (r == 0)
		r = still_admitted(broker, row, &credential);
	if (r < 0)
		return r;
	int covers = store_authorization_covers(
		broker->store, row->authorization_id, row->credential_id);
	return covers > 0 ? 0 : covers < 0 ? covers : -ERR_RIGHTS_WITHDRAWN;
}

static void audit_refused(
	struct broker *broker, const struct msg_redeem *redeem, const uint8_t hash[HASH_LEN], int r)
{
	CLEANUP(note_finish) struct note note = { 0 };
	struct ticket_row ticket;
	char object[48] = "ticket";
	unsigned omitted;

	if (!throttle_audited(broker->throttle, &redeem->peer, clock_monotonic_ms(), &omitted))
		return;
	note_begin(&note);
	if (omitted > 0)
		json_number(&note.json, "omitted_before", omitted);
	json_hex(&note.json, "hash_prefix", hash + HANDLE_HINT, 8);
	if (store_ticket_peek(broker->store, hash, &ticket) == 0) {
		snprintf(object, sizeof object, "session:%lld", (long long)ticket.session_id);
		if (ticket.remote_addr[0] != 0)
			json_text(&note.json, "pinned_address", ticket.remote_addr);
		json_bool(&note.json, "expired", ticket.expires_at <= steady_now(broker));
	}
	json_text(&note.json, "trace", redeem->trace);
	audit_write(broker, "ticket.refused", "stranger", &redeem->peer, object, r, &note);
}

static void answer_fill(
	struct broker *broker, const struct session *session, struct msg_redeemed *answer)
{
	const struct session_row *row = &session->row;

	memcpy(answer->session, row->session_id, sizeof answer->session);
	memcpy(answer->user, row->user, sizeof answer->user);
	memcpy(answer->application, row->application, sizeof answer->application);
	memcpy(answer->target, row->device, sizeof answer->target);
	memcpy(answer->username, row->username, sizeof answer->username);
	memcpy(answer->protocol, row->protocol, sizeof answer->protocol);
	answer->click = session->click;
	answer->recorded = 1;
}

static uint16_t within(uint16_t value, uint16_t least, uint16_t most, uint16_t otherwise)
{
	return value == 0 ? otherwise : value < least ? least : value > most ? most : value;
}

static void size_take(struct session *session, const struct msg_redeem *redeem)
{
	session->columns = within(redeem->columns, 2, 1000, 80);
	session->rows = within(redeem->rows, 2, 1000, 24);
	session->width = redeem->width != 0 ? redeem->width : session->row.width;
	session->height = redeem->height != 0 ? redeem->height : session->row.height;
}

/* From the spent ticket to a session object in REDEEMED. */
static int open_session(struct broker *broker, const struct msg_redeem *redeem, int64_t id,
	struct redeeming *redeeming)
{
	struct session_row row;
	struct session *session;
	char actor[NAME_SIZE];
	struct moving moving = { .actor = actor, .from = &redeem->peer };

	int r = store_session_get(broker->store, id, &row);
	if (r < 0)
		return r;
	r = still_allowed(broker, &row);
	if (r == 0 && broker->sessions.count >= (unsigned)broker->settings->session_most)
		r = -ERR_SESSION_LIMIT;
	if (r < 0)
		return r;
	random_hex(redeeming->answer.cookie, (TOKEN_SIZE - 1) / 2);
	hash_token(row.cookie_hash, redeeming->answer.cookie, TOKEN_SIZE - 1);
	memcpy(row.public_key, redeem->public_key, sizeof row.public_key);
	address_format(&redeem->peer, row.origin_ip);
	r = session_create(broker, &row, &session);
	if (r < 0)
		return r;
	session->click = strcmp(broker->settings->session_start, "click") == 0;
	session->started = session->last_input = session->nobody_since = clock_monotonic_ms();
	size_take(session, redeem);
	snprintf(actor, sizeof actor, "user:%.*s", NAME_SIZE - 6, row.user);
	answer_fill(broker, session, &redeeming->answer);
	r = session_enter(broker, session, SESSION_REDEEMED, &moving);
	if (r < 0)
		session_destroy(broker, session);
	return r;
}

/* The ticket is spent and stays so; the session it stood for ends with the reason. */
static int end_unopened(struct broker *broker, const struct msg_redeem *redeem, int64_t id, int why)
{
	struct session_row row;
	struct moving moving = { .actor = "gateway",
		.from = &redeem->peer,
		.why = why,
		.reason = error_text(why),
		.exit_status = -1 };

	int r = store_session_get(broker->store, id, &row);
	return r < 0 ? r : session_write(broker, &row, SESSION_ENDED, &moving);
}

/* A session whose URL is spent and cannot be opened ends; without a store it was not spent. */
static int close_spent(
	struct broker *broker, const struct msg_redeem *redeem, int64_t session, int r)
{
	bool store_failed = r == -ERR_STORE || r == -ERR_STORE_FULL;

	if (!store_failed && end_unopened(broker, redeem, session, r) < 0) {
		store_failed = true;
		r = -ERR_STORE;
	}
	if (store_failed) /* half of it is written: a ticket is not spent for nothing */
		broker->turn.poisoned = true;
	return r == -ERR_RIGHTS_WITHDRAWN || r == -ERR_NOT_FOUND ? -ERR_TICKET_REFUSED : r;
}

static int redeem_now(
	struct broker *broker, const struct msg_redeem *redeem, struct redeeming *redeeming)
{
	uint8_t hash[HASH_LEN];
	char address[ADDRESS_SIZE];
	int64_t id;

	/* Nothing is spent that could not be opened now. */
	if (broker->recorder == NULL || broker->vault == NULL)
		return -ERR_PEER_GONE;
	if (vault_sealed(broker))
		return -ERR_SEALED;
	int r = reserve_refuses(broker);
	if (r == 0)
		r = head_ready(broker);
	if (r == 0)
		r = witness_refuses(broker);
	if (r < 0)
		return r;
	r = ticket_hash(broker, redeem->value, hash);
	if (r == 0)
		r = prover_key_check(broker->prover, redeem->public_key) < 0 ? -ERR_TICKET_REFUSED
									     : 0;
	if (r == 0)
		r = store_ticket_spend(broker->store, hash, address_format(&redeem->peer, address),
			steady_now(broker), &id);
	if (r == -ERR_TICKET_REFUSED)
		audit_refused(broker, redeem, hash, r);
	if (r < 0)
		return r;
	r = open_session(broker, redeem, id, redeeming);
	if (r == -ERR_WRONG_MOMENT) { /* dropped before it was opened */
		audit_refused(broker, redeem, hash, r);
		return -ERR_TICKET_REFUSED;
	}
	return r < 0 ? close_spent(broker, redeem, id, r) : 0;
}

int ticket_redeem(struct broker *broker, struct channel *front, struct message *message)
{
	const struct msg_redeem *redeem = message->payload;

	if (!TEXT_VALID(redeem->value) || !TEXT_VALID(redeem->trace))
		return -ERR_MALFORMED;
	struct redeeming *redeeming = calloc(1, sizeof *redeeming);
	int r = redeeming == NULL ? -ERR_SYSTEM : turn_open(broker);
	if (r < 0) {
		free(redeeming);
		refuse(front, message->serial, r);
		return 0;
	}
	redeeming->serial = message->serial;
	redeeming->front = peer_number(broker, front);
	r = redeem_now(broker, redeem, redeeming);
	if (r < 0) {
		memset(&redeeming->answer, 0, sizeof redeeming->answer);
		redeeming->answer.result = r;
	}
	/* A refusal waits too: its audit row is in the same transaction. */
	turn_then(broker, after_redeem, redeeming);
	return 0;
}
