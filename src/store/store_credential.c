/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/store_private.h"

/* Automatic selection takes passwords only: enum secret_kind of wire/messages.h, which may not be
 * included from a floor. tests/unit/broker compares the two. */
#define KIND_PASSWORD 1

void store_credential_finish(struct credential_row *credential)
{
	free(credential->sealed);
	credential->sealed = NULL;
	credential->sealed_len = 0;
}

static void read_credential(struct reader *reader, struct credential_row *ret_row)
{
	ret_row->id = read_integer(reader);
	ret_row->device_id = read_integer(reader);
	read_text(reader, ret_row->identifier);
	read_text(reader, ret_row->username);
	read_text(reader, ret_row->domain);
	ret_row->kind = read_integer(reader);
	ret_row->version = read_integer(reader);
	ret_row->key_version = read_integer(reader);
	read_sealed(reader, &ret_row->sealed, &ret_row->sealed_len);
	ret_row->created_at = read_integer(reader);
	ret_row->changed_at = read_integer(reader);
	ret_row->disabled_at = read_integer(reader);
	ret_row->last_used_at = read_integer(reader);
	ret_row->owner_authorization = read_integer(reader);
	ret_row->policy_id = read_integer(reader);
	ret_row->parent_id = read_integer(reader);
	ret_row->login_id = read_integer(reader);
	read_text(reader, ret_row->protocols);
}

static int keep_credential(void *context, const struct value *values, unsigned count)
{
	struct reader reader = READER(values, count);
	struct credential_row row = { 0 }, *ret_credential = context;
	read_credential(&reader, &row);
	if (reader.error != 0)
		store_credential_finish(&row);
	else
		*ret_credential = row;
	return reader.error;
}

struct each_credential {
	int (*keep)(void *, const struct credential_row *, const struct device_row *);
	void *context;
	int result;
};

static int keep_each_credential(void *context, const struct value *values, unsigned count)
{
	struct each_credential *each = context;
	struct reader reader = READER(values, count);
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	struct device_row device;
	read_credential(&reader, &credential);
	read_device(&reader, &device);
	each->result =
		reader.error != 0 ? reader.error : each->keep(each->context, &credential, &device);
	return each->result;
}

int store_credential_add(
	struct store *store, const struct credential_row *credential, int64_t *ret_id)
{
	return any_rows(RUN(store, CREDENTIAL_ADD, keep_number, ret_id,
		integer(credential->device_id), text(credential->identifier),
		text(credential->username), text(credential->domain), integer(credential->kind),
		integer(credential->created_at), reference(credential->owner_authorization)));
}

int store_credential_set_secret(struct store *store, int64_t id, int64_t version,
	uint32_t key_version, const void *sealed, uint32_t len, int64_t now)
{
	return one_row(RUN(store, CREDENTIAL_SET_SECRET, NULL, NULL, integer(id), integer(version),
			       integer(key_version), bytes(sealed, len), integer(now)),
		ERR_NOT_FOUND);
}

int store_credential_find(struct store *store, int64_t device_id, const char *username,
	struct credential_row *ret_credential)
{
	return one_row(RUN(store, CREDENTIAL_FIND, keep_credential, ret_credential,
			       integer(device_id), text(username)),
		ERR_NOT_FOUND);
}

int store_credential_find_in(struct store *store, int64_t device_id, const char *username,
	const char *domain, struct credential_row *ret_credential)
{
	return one_row(RUN(store, CREDENTIAL_FIND_IN, keep_credential, ret_credential,
			       integer(device_id), text(username), text(domain)),
		ERR_NOT_FOUND);
}

int store_credential_get(struct store *store, int64_t id, struct credential_row *ret_credential)
{
	return one_row(RUN(store, CREDENTIAL_GET, keep_credential, ret_credential, integer(id)),
		ERR_NOT_FOUND);
}

int store_credential_list(struct store *store,
	int (*keep)(void *, const struct credential_row *, const struct device_row *),
	void *context)
{
	struct each_credential each = { .keep = keep, .context = context };
	int r = any_rows(RUN(store, CREDENTIAL_LIST, keep_each_credential, &each));
	return each.result != 0 ? each.result : r;
}

int store_authorization_coverage(struct store *store, int64_t id,
	int (*keep)(void *, const struct credential_row *, const struct device_row *),
	void *context)
{
	struct each_credential each = { .keep = keep, .context = context };
	int r = any_rows(
		RUN(store, AUTHORIZATION_COVERAGE, keep_each_credential, &each, integer(id)));
	return each.result != 0 ? each.result : r;
}

int store_credential_used(struct store *store, int64_t id, int64_t now)
{
	return one_row(
		RUN(store, CREDENTIAL_USED, NULL, NULL, integer(id), integer(now)), ERR_NOT_FOUND);
}

int store_credential_set_disabled(struct store *store, int64_t id, int64_t at)
{
	return one_row(RUN(store, CREDENTIAL_SET_DISABLED, NULL, NULL, integer(id), integer(at)),
		ERR_NOT_FOUND);
}

int store_credential_select(struct store *store, int64_t device_id, int64_t authorization_id,
	const struct credential_row *after, struct credential_row *ret_credential)
{
	int64_t used = after != NULL ? after->last_used_at : -1, id = after != NULL ? after->id : 0;
	return one_row(RUN(store, CREDENTIAL_SELECT, keep_credential, ret_credential,
			       integer(device_id), integer(authorization_id),
			       integer(KIND_PASSWORD), integer(used), integer(id)),
		ERR_NOT_FOUND);
}

int store_credential_set_policy(struct store *store, int64_t id, int64_t policy_id)
{
	return one_row(
		RUN(store, CREDENTIAL_SET_POLICY, NULL, NULL, integer(id), reference(policy_id)),
		ERR_NOT_FOUND);
}

int store_credential_set_protocols(struct store *store, int64_t id, const char *protocols)
{
	return one_row(
		RUN(store, CREDENTIAL_SET_PROTOCOLS, NULL, NULL, integer(id), text(protocols)),
		ERR_NOT_FOUND);
}

int store_credential_set_parent(struct store *store, int64_t id, int64_t parent_id)
{
	return one_row(
		RUN(store, CREDENTIAL_SET_PARENT, NULL, NULL, integer(id), reference(parent_id)),
		ERR_WRONG_MOMENT);
}

int store_credential_set_login(struct store *store, int64_t id, int64_t login_id)
{
	return one_row(
		RUN(store, CREDENTIAL_SET_LOGIN, NULL, NULL, integer(id), reference(login_id)),
		ERR_WRONG_MOMENT);
}

/* Envelopes: what the vault sealed, whichever table it lies in. Their names are the vault's. */
static int read_envelope(struct reader *reader, struct envelope_row *envelope)
{
	CLEANUP(mem_freep) uint8_t *sealed = NULL;
	read_sealed(reader, &sealed, &envelope->sealed_len);
	if (sealed != NULL)
		memcpy(envelope->sealed, sealed, envelope->sealed_len);
	return reader->error;
}

static int keep_credential_envelope(void *context, const struct value *values, unsigned count)
{
	struct envelope_row *envelope = context;
	struct reader reader = READER(values, count);
	envelope->id = read_integer(&reader);
	envelope->version = read_integer(&reader);
	envelope->kind = read_integer(&reader);
	return read_envelope(&reader, envelope);
}

/* The secrets of an authorization are made once and never replaced: version 1. */
static int keep_authorization_envelope(void *context, const struct value *values, unsigned count)
{
	struct envelope_row *envelope = context;
	struct reader reader = READER(values, count);
	envelope->id = read_integer(&reader);
	envelope->version = 1;
	envelope->kind = 0;
	return read_envelope(&reader, envelope);
}

int store_envelope_older(struct store *store, uint32_t key_version, struct envelope_cursor *cursor,
	struct envelope_row *ret_row)
{
	static const struct {
		enum statement statement;
		keep_row_fn *keep;
		const char *object, *field;
	} places[] = {
		{ STMT_ENVELOPE_OLDER_CREDENTIAL, keep_credential_envelope, "credential",
			"content" },
		{ STMT_ENVELOPE_OLDER_CONSUMER, keep_authorization_envelope, "authorization",
			"consumer" },
		{ STMT_ENVELOPE_OLDER_TOKEN, keep_authorization_envelope, "authorization",
			"token" },
	};
	for (; cursor->place < ARRAY_LEN(places); cursor->place++, cursor->after = 0) {
		const struct value values[] = { integer(key_version), integer(cursor->after) };
		int r = store->backend->run(store->connection, places[cursor->place].statement,
			values, ARRAY_LEN(values), places[cursor->place].keep, ret_row);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		cursor->after = ret_row->id;
		text_copy(ret_row->object, sizeof ret_row->object, places[cursor->place].object);
		text_copy(ret_row->field, sizeof ret_row->field, places[cursor->place].field);
		return 0;
	}
	return -ERR_NOT_FOUND;
}

int store_envelope_count_older(struct store *store, uint32_t key_version, int64_t *ret_count)
{
	return one_row(
		RUN(store, ENVELOPE_COUNT_OLDER, keep_number, ret_count, integer(key_version)),
		ERR_NOT_FOUND);
}

int store_envelope_put(struct store *store, const struct envelope_row *row, uint32_t key_version)
{
	struct value sealed = bytes(row->sealed, row->sealed_len);
	int r = -ERR_NOT_FOUND;
	if (strcmp(row->object, "credential") == 0)
		r = RUN(store, ENVELOPE_PUT_CREDENTIAL, NULL, NULL, integer(row->id),
			integer(row->version), sealed, integer(key_version));
	else if (strcmp(row->field, "consumer") == 0)
		r = RUN(store, ENVELOPE_PUT_CONSUMER, NULL, NULL, integer(row->id), sealed,
			integer(key_version));
	else if (strcmp(row->field, "token") == 0)
		r = RUN(store, ENVELOPE_PUT_TOKEN, NULL, NULL, integer(row->id), sealed,
			integer(key_version));
	return one_row(r, ERR_NOT_FOUND);
}
