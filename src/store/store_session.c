/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "store/store_private.h"

/* statements.def and the schema say the states in numbers */
_Static_assert(
	SESSION_CREATED == 0 && SESSION_REDEEMED == 1 && SESSION_LIVE == 2 && SESSION_ENDED == 3,
	"the numbers of the states are on disk");

static void read_names(struct reader *reader, struct session_row *ret_session)
{
	read_text(reader, ret_session->user);
	read_text(reader, ret_session->application);
	read_text(reader, ret_session->device);
	read_text(reader, ret_session->ip);
	read_text(reader, ret_session->username);
	read_text(reader, ret_session->protocol);
	ret_session->port = read_integer(reader);
	ret_session->width = read_integer(reader);
	ret_session->height = read_integer(reader);
	read_text(reader, ret_session->remote_addr);
	read_text(reader, ret_session->origin_ip);
}

static void read_life(struct reader *reader, struct session_row *ret_session)
{
	read_bytes(reader, ret_session->cookie_hash, sizeof ret_session->cookie_hash);
	read_bytes(reader, ret_session->public_key, sizeof ret_session->public_key);
	ret_session->created_at = read_integer(reader);
	ret_session->redeemed_at = read_integer(reader);
	ret_session->live_at = read_integer(reader);
	ret_session->ended_at = read_integer(reader);
	ret_session->end_why = read_integer(reader);
	read_text(reader, ret_session->end_reason);
	ret_session->exit_status = read_integer(reader);
	ret_session->output_bytes = read_integer(reader);
	ret_session->input_bytes = read_integer(reader);
	ret_session->file_bytes = read_integer(reader);
	read_bytes(reader, ret_session->head, sizeof ret_session->head);
	ret_session->recorded = read_integer(reader);
	ret_session->inputs = read_integer(reader);
	ret_session->chunks = read_integer(reader);
	ret_session->duration_ms = read_integer(reader);
}

static int keep_session(void *context, const struct value *values, unsigned count)
{
	struct session_row *ret_session = context;
	struct reader reader = READER(values, count);
	ret_session->id = read_integer(&reader);
	read_text(&reader, ret_session->session_id);
	read_bytes(&reader, ret_session->token_hash, sizeof ret_session->token_hash);
	ret_session->state = read_integer(&reader);
	ret_session->authorization_id = read_integer(&reader);
	ret_session->user_id = read_integer(&reader);
	ret_session->device_id = read_integer(&reader);
	ret_session->credential_id = read_integer(&reader);
	ret_session->credential_version = read_integer(&reader);
	read_names(&reader, ret_session);
	read_life(&reader, ret_session);
	return reader.error;
}

struct each_session {
	int (*keep)(void *, const struct session_row *);
	void *context;
	int result;
};

static int keep_each_session(void *context, const struct value *values, unsigned count)
{
	struct each_session *each = context;
	struct session_row session;
	each->result = keep_session(&session, values, count);
	if (each->result == 0)
		each->result = each->keep(each->context, &session);
	return each->result;
}

int store_session_add(struct store *store, const struct session_row *session, int64_t *ret_id)
{
	return any_rows(RUN(store, SESSION_ADD, keep_number, ret_id, text(session->session_id),
		HASH(session->token_hash), integer(session->state),
		integer(session->authorization_id), integer(session->user_id),
		integer(session->device_id), integer(session->credential_id),
		integer(session->credential_version), text(session->user),
		text(session->application), text(session->device), text(session->ip),
		text(session->username), text(session->protocol), integer(session->port),
		integer(session->width), integer(session->height), text(session->remote_addr),
		integer(session->created_at), integer(session->alone)));
}

int store_session_get(struct store *store, int64_t id, struct session_row *ret_session)
{
	return one_row(
		RUN(store, SESSION_GET, keep_session, ret_session, integer(id)), ERR_NOT_FOUND);
}

int store_session_by_session_id(
	struct store *store, const char *session_id, struct session_row *ret_session)
{
	return one_row(
		RUN(store, SESSION_BY_SESSION_ID, keep_session, ret_session, text(session_id)),
		ERR_NOT_FOUND);
}

int store_session_by_token(struct store *store, const uint8_t token_hash[HASH_LEN],
	int64_t authorization_id, struct session_row *ret_session)
{
	return one_row(RUN(store, SESSION_BY_TOKEN, keep_session, ret_session, HASH(token_hash),
			       integer(authorization_id)),
		ERR_NOT_FOUND);
}

int store_session_list(struct store *store, int64_t before, unsigned limit,
	int (*keep)(void *, const struct session_row *), void *context)
{
	struct each_session each = { .keep = keep, .context = context };
	int r = RUN(store, SESSION_LIST, keep_each_session, &each,
		integer(before > 0 ? before : INT64_MAX), integer(limit));
	return each.result != 0 ? each.result : any_rows(r);
}

int store_session_page(struct store *store, int64_t authorization_id, const struct store_page *page,
	int (*keep)(void *, const struct session_row *), void *context)
{
	struct each_session each = { .keep = keep, .context = context };
	int r = RUN(store, SESSION_PAGE, keep_each_session, &each, integer(authorization_id),
		integer(page->after > 0 ? page->after : INT64_MAX), integer(page->since),
		integer(page->limit), integer(page->offset));
	return each.result != 0 ? each.result : any_rows(r);
}

int store_session_list_recorded(struct store *store, int64_t before, unsigned limit,
	int (*keep)(void *, const struct session_row *), void *context)
{
	struct each_session each = { .keep = keep, .context = context };
	int r = RUN(store, SESSION_LIST_RECORDED, keep_each_session, &each,
		integer(before > 0 ? before : INT64_MAX), integer(limit));
	return each.result != 0 ? each.result : any_rows(r);
}

int store_session_unended(
	struct store *store, int (*keep)(void *, const struct session_row *), void *context)
{
	struct each_session each = { .keep = keep, .context = context };
	int r = RUN(store, SESSION_UNENDED, keep_each_session, &each);
	return each.result != 0 ? each.result : any_rows(r);
}

int store_session_open_on(struct store *store, int64_t node,
	int (*keep)(void *, const struct session_row *), void *context)
{
	struct each_session each = { .keep = keep, .context = context };
	int r = RUN(store, SESSION_OPEN_ON, keep_each_session, &each, integer(node));
	return each.result != 0 ? each.result : any_rows(r);
}

int store_session_created_by(struct store *store, int what, int64_t id,
	int (*keep)(void *, const struct session_row *), void *context)
{
	static const enum statement statements[] = {
		[SESSION_OF_ALL] = STMT_SESSION_UNENDED,
		[SESSION_OF_USER] = STMT_SESSION_UNENDED_USER,
		[SESSION_OF_DEVICE] = STMT_SESSION_UNENDED_DEVICE,
		[SESSION_OF_CREDENTIAL] = STMT_SESSION_UNENDED_CREDENTIAL,
		[SESSION_OF_AUTHORIZATION] = STMT_SESSION_UNENDED_AUTHORIZATION,
		[SESSION_UNCOVERED] = STMT_SESSION_UNENDED_UNCOVERED,
	};
	if (what < 0 || (size_t)what >= ARRAY_LEN(statements))
		return -ERR_NOT_FOUND;
	struct each_session each = { .keep = keep, .context = context };
	const struct value params[] = { integer(id) };
	int r = store->backend->run(store->connection, statements[what], params,
		what == SESSION_OF_ALL ? 0 : 1, keep_each_session, &each);
	return each.result != 0 ? each.result : any_rows(r);
}

int store_session_unopened(struct store *store, int64_t now, unsigned limit,
	int (*keep)(void *, const struct session_row *), void *context)
{
	struct each_session each = { .keep = keep, .context = context };
	int r = RUN(
		store, SESSION_UNOPENED, keep_each_session, &each, integer(now), integer(limit));
	return each.result != 0 ? each.result : any_rows(r);
}

int store_session_redeemed(struct store *store, int64_t id, const char *origin_ip,
	const uint8_t cookie_hash[HASH_LEN], const uint8_t public_key[65], int64_t now)
{
	return one_row(RUN(store, SESSION_REDEEMED, NULL, NULL, integer(id), text(origin_ip),
			       HASH(cookie_hash), bytes(public_key, 65), integer(now),
			       integer(store->node)),
		ERR_WRONG_MOMENT);
}

int store_session_live(struct store *store, int64_t id, int64_t now)
{
	return one_row(
		RUN(store, SESSION_LIVE, NULL, NULL, integer(id), integer(now)), ERR_WRONG_MOMENT);
}

int store_session_ended(struct store *store, int64_t id, int32_t why, const char *reason,
	int32_t exit_status, int64_t now)
{
	return one_row(RUN(store, SESSION_ENDED, NULL, NULL, integer(id), integer(why),
			       text(reason), integer(exit_status), integer(now)),
		ERR_WRONG_MOMENT);
}

int store_session_recorded(struct store *store, int64_t id, const struct session_recorded *recorded)
{
	return one_row(RUN(store, SESSION_RECORDED, NULL, NULL, integer(id),
			       integer(recorded->output_bytes), integer(recorded->input_bytes),
			       integer(recorded->file_bytes), HASH(recorded->head),
			       integer(recorded->inputs), integer(recorded->chunks),
			       integer(recorded->duration_ms)),
		ERR_NOT_FOUND);
}

int store_session_count_open(struct store *store, int64_t user_id, int64_t credential_id)
{
	int64_t count = 0;
	int r;
	if (user_id != 0 && credential_id != 0)
		r = RUN(store, SESSION_COUNT_OPEN_BOTH, keep_number, &count, integer(user_id),
			integer(credential_id));
	else if (user_id != 0)
		r = RUN(store, SESSION_COUNT_OPEN_USER, keep_number, &count, integer(user_id));
	else if (credential_id != 0)
		r = RUN(store, SESSION_COUNT_OPEN_CREDENTIAL, keep_number, &count,
			integer(credential_id));
	else
		r = RUN(store, SESSION_COUNT_OPEN, keep_number, &count);
	assert(count <= INT32_MAX); /* of rows */
	return r < 0 ? r : (int)count;
}

int store_ticket_add(struct store *store, const uint8_t hash[HASH_LEN], int64_t session_id,
	const char *remote_addr, int64_t expires_at)
{
	return any_rows(RUN(store, TICKET_ADD, NULL, NULL, HASH(hash), integer(session_id),
		text(remote_addr), integer(expires_at)));
}

static int keep_ticket(void *context, const struct value *values, unsigned count)
{
	struct ticket_row *ret_ticket = context;
	struct reader reader = READER(values, count);
	ret_ticket->session_id = read_integer(&reader);
	read_text(&reader, ret_ticket->remote_addr);
	ret_ticket->expires_at = read_integer(&reader);
	return reader.error;
}

int store_ticket_peek(
	struct store *store, const uint8_t hash[HASH_LEN], struct ticket_row *ret_ticket)
{
	return one_row(RUN(store, TICKET_PEEK, keep_ticket, ret_ticket, HASH(hash)), ERR_NOT_FOUND);
}

int store_ticket_spend(struct store *store, const uint8_t hash[HASH_LEN], const char *address,
	int64_t now, int64_t *ret_session_id)
{
	return one_row(RUN(store, TICKET_SPEND, keep_number, ret_session_id, HASH(hash),
			       text(address), integer(now)),
		ERR_TICKET_REFUSED);
}
