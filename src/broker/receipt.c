/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"
#include "wire/head.h"

static void put_number_if(struct json *json, const char *name, bool known, uint64_t number)
{
	if (known)
		json_number(json, name, (int64_t)number);
	else
		json_put_null(json, name);
}

/* One that recordings sealed by an older gateway do not have. */
static void put_figure(struct json *json, const char *name, bool sealed, int64_t figure)
{
	put_number_if(json, name, sealed && figure >= 0, (uint64_t)figure);
}

static void put_whom(struct json *json, const struct session_row *session)
{
	json_id(json, "session", session->id);
	json_text(json, "session_id", session->session_id);
	json_text(json, "user", session->user);
	json_text(json, "application", session->application);
	json_id(json, "authorization", session->authorization_id);
	json_text(json, "device", session->device);
	json_text(json, "address", session->ip);
	json_number(json, "port", session->port);
	json_text(json, "protocol", session->protocol);
	json_text(json, "username", session->username);
	json_id(json, "credential", session->credential_id);
	json_number(json, "credential_version", session->credential_version);
	json_text(json, "from", session->origin_ip[0] != '\0' ? session->origin_ip : NULL);
}

static void put_when(struct json *json, const struct session_row *session)
{
	json_time(json, "created", session->created_at);
	json_time(json, "opened", session->redeemed_at);
	json_time(json, "live", session->live_at);
	json_time(json, "ended", session->ended_at);
	json_text(json, "why", session->end_why == 0 ? "ordinary" : error_name(session->end_why));
	json_text(json, "reason", session->end_reason);
	put_number_if(
		json, "exit_status", session->exit_status >= 0, (uint64_t)session->exit_status);
}

static void put_recording(struct json *json, const struct session_row *session)
{
	bool sealed = session->recorded != 0;

	put_number_if(json, "output_bytes", sealed, session->output_bytes);
	put_number_if(json, "input_bytes", sealed, session->input_bytes);
	put_figure(json, "inputs", sealed, session->inputs);
	if (session->redeemed_at == 0) { /* nobody was there to be recorded */
		json_put_null(json, "recording");
		return;
	}
	json_open_object(json, "recording");
	json_text(json, "id", session->session_id);
	json_bool(json, "sealed", sealed);
	if (sealed)
		json_hex(json, "head", session->head, HASH_LEN);
	else
		json_put_null(json, "head");
	put_figure(json, "chunks", sealed, session->chunks);
	put_number_if(json, "file_bytes", sealed, session->file_bytes);
	put_figure(json, "duration_ms", sealed, session->duration_ms);
	json_close_object(json);
}

/* The newest row when it was made: the end, or the sealing. */
static void put_audit(struct json *json, const struct audit *audit)
{
	json_open_object(json, "audit");
	json_number(json, "row", audit->sequence);
	json_hex(json, "hash", audit->hash, HASH_LEN);
	json_close_object(json);
}

/* One form only: names in this order, no blanks, every name always there. */
static int text_write(struct broker *broker, const struct session_row *session, int64_t now,
	char text[RECEIPT_MAX + 1])
{
	CLEANUP(buf_finish) struct buf out = BUF(RECEIPT_MAX);
	struct json json = json_begin(&out);

	json_open_object(&json, NULL);
	json_number(&json, "receipt", 1);
	json_text(&json, "tenant", broker->settings->gateway_tenant);
	put_whom(&json, session);
	put_when(&json, session);
	put_recording(&json, session);
	put_audit(&json, &broker->audit);
	json_time(&json, "made", now);
	json_close_object(&json);
	int r = json_finish(&json);
	return r < 0 ? r : text_copy_len(text, RECEIPT_MAX + 1, (const char *)out.data, out.len);
}

/* Will anybody say more of it? Of what ended just now the recorder may. */
static bool is_complete(struct broker *broker, const struct session_row *row)
{
	if (row->redeemed_at == 0 || row->recorded != 0)
		return true;
	return session_by_id(broker, row->id) == NULL &&
	       llabs(clock_wall_ms() - row->ended_at) > FORGET_MS;
}

static int make(struct broker *broker, const struct session_row *session, struct receipt *receipt)
{
	const struct head *head = &broker->head;
	int64_t now = clock_wall_ms();

	if (!head->stored) /* the first commit of this broker has its key */
		return -ERR_AGAIN;
	int r = text_write(broker, session, now, receipt->text);
	if (r < 0)
		return r;
	receipt->signer = head->newest.signer;
	r = receipt_sign(
		receipt->text, strlen(receipt->text), head->secret_key, receipt->signature);
	return r < 0 ? r
		     : store_receipt_add(broker->store, session->id, receipt, head->signer, now);
}

int receipt_of(
	struct broker *broker, const struct session_row *session, struct receipt *ret_receipt)
{
	if (session->state != SESSION_ENDED)
		return -ERR_AGAIN;
	int r = store_receipt_get(broker->store, session->id, ret_receipt);
	if (r != -ERR_NOT_FOUND)
		return r;
	return is_complete(broker, session) ? make(broker, session, ret_receipt) : -ERR_AGAIN;
}

static int make_once(struct broker *broker, int64_t id)
{
	struct session_row session;
	struct receipt receipt;
	int r = turn_open(broker);

	if (r != 0)
		return r;
	r = store_session_get(broker->store, id, &session);
	if (r != 0 || session.state != SESSION_ENDED)
		return r;
	r = store_receipt_get(broker->store, id, &receipt);
	return r == -ERR_NOT_FOUND ? make(broker, &session, &receipt) : r;
}

void receipt_make(struct broker *broker, int64_t session)
{
	int r = make_once(broker, session);

	if (r < 0)
		log_error("receipt.make", "session %lld: %s", (long long)session, error_text(r));
}

void receipt_write(struct json *json, const struct receipt *receipt)
{
	if (receipt == NULL) {
		json_put_null(json, "receipt");
		return;
	}
	json_open_object(json, "receipt");
	json_text(json, "text", receipt->text);
	json_hex(json, "signature", receipt->signature, sizeof receipt->signature);
	json_hex(json, "key", receipt->signer.public_key, sizeof receipt->signer.public_key);
	json_hex(json, "trail", receipt->signer.trail, HASH_LEN);
	if (receipt->signer.certified)
		json_hex(json, "certificate", receipt->signer.certificate,
			sizeof receipt->signer.certificate);
	else
		json_put_null(json, "certificate");
	json_close_object(json);
}
