/* SPDX-License-Identifier: Apache-2.0 */
#include "api/endpoints.h"
#include "api/segment.h"
#include "base/error.h"
#include "base/log.h"
#include "broker/call.h"
#include "broker/ending.h"
#include "broker/handle.h"
#include "broker/receipt.h"
#include "broker/session.h"

/*
 * GET and DELETE remote/session/{token}: the caller's handle on the one session it made. The token
 * has no other right, and only together with the authorization it was given to.
 */
static const struct field fields[] = { {} };

static int find(const struct broker *broker, struct call *call, struct session_row *ret_session)
{
	uint8_t hash[HASH_LEN];
	char token[TOKEN_SIZE];
	int r = segment_lower(call_segment(call, 0), token, sizeof token);

	if (r == 0)
		r = handle_token_hash(broker, token, hash);
	if (r == 0)
		r = store_session_by_token(call_store(call), hash,
			call_principal(call)->authorization_id, ret_session);
	bool unknown = r == -ERR_NOT_FOUND || r == -ERR_MALFORMED || r == -ERR_TOO_LARGE;
	return unknown ? -ERR_SESSION_UNKNOWN : r;
}

static int answer_show(struct broker *broker, struct call *call)
{
	struct session_row session;
	struct receipt receipt;
	struct json *json;
	int r = find(broker, call, &session);

	if (r != 0)
		return r;
	int made = receipt_of(broker, &session, &receipt);
	if (made < 0 && made != -ERR_AGAIN) /* its state is what was asked for */
		log_error(
			"receipt.of", "session %lld: %s", (long long)session.id, error_text(made));
	json = call_json(call);
	json_open_object(json, "session");
	json_id(json, "id", session.id);
	json_text(json, "session_id", session.session_id);
	json_text(json, "state", session_state_word(session.state));
	json_time(json, "created", session.created_at);
	json_time(json, "redeemed", session.redeemed_at);
	json_time(json, "live", session.live_at);
	json_time(json, "ended", session.ended_at);
	json_text(json, "reason", session.state == SESSION_ENDED ? session.end_reason : NULL);
	json_text(json, "origin_ip", session.origin_ip[0] != 0 ? session.origin_ip : NULL);
	/* The recording has the session's id: from the moment it was opened there is one. */
	json_text(json, "recording", session.redeemed_at != 0 ? session.session_id : NULL);
	receipt_write(json, made == 0 ? &receipt : NULL);
	json_close_object(json);
	return 0;
}

static int answer_end(struct broker *broker, struct call *call)
{
	struct session_row session;
	int r = find(broker, call, &session);

	if (r != 0)
		return r;
	call_object(call, "session:%lld", (long long)session.id);
	r = ending_of(broker, ENDING_SESSION, session.id, error_text(ERR_SESSION_DROPPED));
	return r < 0 ? r : 0; /* already over: that is what was wanted */
}

const struct endpoint remote_session_show = {
	.door = DOOR_API,
	.method = "GET",
	.path = "remote/session/{}",
	.need = NEED_READ,
	.resource = RESOURCE_WEB_PROXY_SESSION,
	.fields = fields,
	.message = "Session found",
	.answer = answer_show,
};

const struct endpoint remote_session_end = {
	.door = DOOR_API,
	.method = "DELETE",
	.path = "remote/session/{}",
	.need = NEED_WRITE,
	.resource = RESOURCE_WEB_PROXY_SESSION,
	.audit = "session.dropped",
	.fields = fields,
	.message = "Session dropped successfully",
	.mensagem = "Sessão encerrada com sucesso",
	.answer = answer_end,
};
