/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/store_private.h"

#define SWEEP_MOST 1000 /* rows of one kind in one call: the batch behind it must not wait */

static int keep_application(void *context, const struct value *values, unsigned count)
{
	struct application_row *row = context;
	struct reader reader = READER(values, count);
	row->id = read_integer(&reader);
	read_text(&reader, row->name);
	read_text(&reader, row->auth);
	row->created_at = read_integer(&reader);
	row->disabled_at = read_integer(&reader);
	return reader.error;
}

struct each_application {
	int (*keep)(void *, const struct application_row *);
	void *context;
	int result;
};

static int keep_each_application(void *context, const struct value *values, unsigned count)
{
	struct each_application *each = context;
	struct application_row row;
	each->result = keep_application(&row, values, count);
	if (each->result == 0)
		each->result = each->keep(each->context, &row);
	return each->result;
}

int store_application_add(
	struct store *store, const char *name, const char *auth, int64_t now, int64_t *ret_id)
{
	return any_rows(RUN(
		store, APPLICATION_ADD, keep_number, ret_id, text(name), text(auth), integer(now)));
}

int store_application_find(
	struct store *store, const char *name, struct application_row *ret_application)
{
	return one_row(RUN(store, APPLICATION_FIND, keep_application, ret_application, text(name)),
		ERR_NOT_FOUND);
}

int store_application_set_disabled(struct store *store, int64_t id, int64_t at)
{
	return one_row(RUN(store, APPLICATION_SET_DISABLED, NULL, NULL, integer(id), integer(at)),
		ERR_NOT_FOUND);
}

int store_application_list(
	struct store *store, int (*keep)(void *, const struct application_row *), void *context)
{
	struct each_application each = { .keep = keep, .context = context };
	int r = any_rows(RUN(store, APPLICATION_LIST, keep_each_application, &each));
	return each.result != 0 ? each.result : r;
}

void store_authorization_finish(struct authorization_row *authorization)
{
	free(authorization->consumer_sealed);
	free(authorization->token_sealed);
	authorization->consumer_sealed = authorization->token_sealed = NULL;
	authorization->consumer_sealed_len = authorization->token_sealed_len = 0;
}

static void read_authorization(struct reader *reader, struct authorization_row *ret_row)
{
	ret_row->id = read_integer(reader);
	ret_row->application_id = read_integer(reader);
	read_text(reader, ret_row->application);
	read_text(reader, ret_row->auth);
	read_text(reader, ret_row->client_id);
	read_bytes(reader, ret_row->client_secret_hash, sizeof ret_row->client_secret_hash);
	read_text(reader, ret_row->consumer_key);
	read_text(reader, ret_row->token_key);
	read_sealed(reader, &ret_row->consumer_sealed, &ret_row->consumer_sealed_len);
	uint32_t consumer_key_version = read_integer(reader);
	read_sealed(reader, &ret_row->token_sealed, &ret_row->token_sealed_len);
	uint32_t token_key_version = read_integer(reader);
	ret_row->key_version = MIN(consumer_key_version, token_key_version);
	ret_row->reads = read_integer(reader);
	ret_row->writes = read_integer(reader);
	read_text(reader, ret_row->ips);
	read_text(reader, ret_row->referers);
	read_text(reader, ret_row->fingerprint);
	ret_row->expires_at = read_integer(reader);
	ret_row->created_at = read_integer(reader);
	ret_row->disabled_at = read_integer(reader);
	ret_row->application_disabled_at = read_integer(reader);
}

static int keep_authorization(void *context, const struct value *values, unsigned count)
{
	struct reader reader = READER(values, count);
	struct authorization_row row = { 0 }, *ret_authorization = context;
	read_authorization(&reader, &row);
	if (reader.error != 0)
		store_authorization_finish(&row);
	else
		*ret_authorization = row;
	return reader.error;
}

struct each_authorization {
	int (*keep)(void *, const struct authorization_row *);
	void *context;
	int result;
};

static int keep_each_authorization(void *context, const struct value *values, unsigned count)
{
	struct each_authorization *each = context;
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	each->result = keep_authorization(&row, values, count);
	if (each->result == 0)
		each->result = each->keep(each->context, &row);
	return each->result;
}

int store_authorization_add(
	struct store *store, const struct authorization_row *row, int64_t *ret_id)
{
	return any_rows(RUN(store, AUTHORIZATION_ADD, keep_number, ret_id,
		integer(row->application_id), text(row->client_id), HASH(row->client_secret_hash),
		text(row->consumer_key), text(row->token_key), integer(row->reads),
		integer(row->writes), text(row->ips), text(row->referers), integer(row->expires_at),
		integer(row->created_at), text(row->fingerprint)));
}

int store_authorization_set_secrets(struct store *store, int64_t id, uint32_t key_version,
	const void *consumer, uint32_t consumer_len, const void *token, uint32_t token_len)
{
	return one_row(
		RUN(store, AUTHORIZATION_SET_SECRETS, NULL, NULL, integer(id), integer(key_version),
			bytes(consumer, consumer_len), bytes(token, token_len)),
		ERR_NOT_FOUND);
}

int store_authorization_cover(struct store *store, int64_t id, int64_t credential_id)
{
	return any_rows(
		RUN(store, AUTHORIZATION_COVER, NULL, NULL, integer(id), integer(credential_id)));
}

int store_authorization_uncover(struct store *store, int64_t id, int64_t credential_id)
{
	return one_row(
		RUN(store, AUTHORIZATION_UNCOVER, NULL, NULL, integer(id), integer(credential_id)),
		ERR_NOT_FOUND);
}

int store_authorization_edit(struct store *store, const struct authorization_row *row)
{
	return one_row(
		RUN(store, AUTHORIZATION_EDIT, NULL, NULL, integer(row->id), integer(row->reads),
			integer(row->writes), text(row->ips), text(row->referers),
			integer(row->expires_at), text(row->fingerprint)),
		ERR_NOT_FOUND);
}

static int keep_expiry(void *context, const struct value *values, unsigned count)
{
	struct expiry_cursor *cursor = context;
	struct reader reader = READER(values, count);
	cursor->id = read_integer(&reader);
	cursor->at = read_integer(&reader);
	return reader.error;
}

int store_authorization_expired(struct store *store, struct expiry_cursor *cursor, int64_t now)
{
	return one_row(RUN(store, AUTHORIZATION_EXPIRED, keep_expiry, cursor, integer(cursor->at),
			       integer(cursor->id), integer(now)),
		ERR_NOT_FOUND);
}

int store_authorization_covers(struct store *store, int64_t id, int64_t credential_id)
{
	int r = RUN(store, AUTHORIZATION_COVERS, NULL, NULL, integer(id), integer(credential_id));
	return r > 0 ? 1 : r;
}

int store_authorization_get(struct store *store, int64_t id, struct authorization_row *ret_row)
{
	return one_row(RUN(store, AUTHORIZATION_GET, keep_authorization, ret_row, integer(id)),
		ERR_NOT_FOUND);
}

int store_authorization_by_client(
	struct store *store, const char *client_id, struct authorization_row *ret_row)
{
	return one_row(
		RUN(store, AUTHORIZATION_BY_CLIENT, keep_authorization, ret_row, text(client_id)),
		ERR_NOT_FOUND);
}

int store_authorization_by_consumer(struct store *store, const char *consumer_key,
	const char *token_key, struct authorization_row *ret_row)
{
	return one_row(RUN(store, AUTHORIZATION_BY_CONSUMER, keep_authorization, ret_row,
			       text(consumer_key), text(token_key)),
		ERR_NOT_FOUND);
}

int store_authorization_set_disabled(struct store *store, int64_t id, int64_t at)
{
	return one_row(RUN(store, AUTHORIZATION_SET_DISABLED, NULL, NULL, integer(id), integer(at)),
		ERR_NOT_FOUND);
}

int store_authorization_list(
	struct store *store, int (*keep)(void *, const struct authorization_row *), void *context)
{
	struct each_authorization each = { .keep = keep, .context = context };
	int r = any_rows(RUN(store, AUTHORIZATION_LIST, keep_each_authorization, &each));
	return each.result != 0 ? each.result : r;
}

int store_token_add(struct store *store, const uint8_t hash[HASH_LEN], int64_t authorization_id,
	int64_t expires_at)
{
	return any_rows(RUN(store, TOKEN_ADD, NULL, NULL, HASH(hash), integer(authorization_id),
		integer(expires_at)));
}

int store_token_find(struct store *store, const uint8_t hash[HASH_LEN], int64_t now,
	struct authorization_row *ret_row)
{
	return one_row(
		RUN(store, TOKEN_FIND, keep_authorization, ret_row, HASH(hash), integer(now)),
		ERR_NOT_FOUND);
}

int store_nonce_spend(struct store *store, int64_t authorization_id, int64_t timestamp,
	const uint8_t hash[HASH_LEN])
{
	return any_rows(RUN(store, NONCE_SPEND, NULL, NULL, integer(timestamp),
		integer(authorization_id), HASH(hash)));
}

int store_sweep(struct store *store, int64_t now, int64_t nonce_before)
{
	int tokens = RUN(store, TOKEN_SWEEP, NULL, NULL, integer(now), integer(SWEEP_MOST));
	if (tokens < 0)
		return tokens;
	int tickets = RUN(store, TICKET_SWEEP, NULL, NULL, integer(now), integer(SWEEP_MOST));
	if (tickets < 0)
		return tickets;
	int nonces =
		RUN(store, NONCE_SWEEP, NULL, NULL, integer(nonce_before), integer(SWEEP_MOST));
	return nonces < 0 ? nonces : tokens + tickets + nonces;
}

int store_lifetimes_cut(struct store *store, int64_t tickets, int64_t tokens)
{
	int r = any_rows(RUN(store, TICKET_CUT, NULL, NULL, integer(tickets)));
	return r < 0 ? r : any_rows(RUN(store, TOKEN_CUT, NULL, NULL, integer(tokens)));
}
