/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

#include <assert.h>
#include <stdlib.h>

#include "store/postgres.h"
#include "store/way.h"

static const struct backend *const backends[] = { &sqlite_backend, &postgres_backend };

static const struct backend *choose(const char *where)
{
	for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
		if (strncmp(where, backends[i]->prefix, strlen(backends[i]->prefix)) == 0)
			return backends[i];
	}
	return NULL;
}

static void store_closep(struct store **store)
{
	store_close(*store);
}

static int make(const struct backend *backend, struct store **ret_store)
{
	struct store *store = calloc(1, sizeof *store);
	if (store == NULL)
		return -ERR_SYSTEM;
	store->backend = backend;
	store_node_set(store, 0);
	*ret_store = store;
	return 0;
}

int store_open(const char *where, const char *directory, struct store **ret_store)
{
	CLEANUP(store_closep) struct store *store = NULL;
	const struct backend *backend = choose(where);
	int r = backend != NULL ? make(backend, &store) : -ERR_STORE;
	if (r == 0)
		r = backend->open(where, directory, &store->connection);
	if (r == 0)
		r = schema_apply(store, schema_newest());
	if (r < 0)
		return r;
	*ret_store = STEAL(store);
	return 0;
}

/* Only looks whether this program understands what is there. */
int store_open_read(const char *where, const char *directory, struct store **ret_store)
{
	CLEANUP(store_closep) struct store *store = NULL;
	const struct backend *backend = choose(where);
	int r = backend != NULL ? make(backend, &store) : -ERR_STORE;
	if (r == 0 && backend == &postgres_backend)
		r = postgres_open_read(where, directory, &store->connection);
	else if (r == 0)
		r = backend->open("sqlite-read", directory, &store->connection);
	if (r == 0)
		r = schema_check(store);
	if (r < 0)
		return r;
	*ret_store = STEAL(store);
	return 0;
}

int store_make(const char *directory, unsigned schema)
{
	CLEANUP(store_closep) struct store *store = NULL;
	if (schema == 0 || schema > schema_newest())
		return -ERR_STORE_NEWER;
	int r = make(&sqlite_backend, &store);
	if (r == 0)
		r = store->backend->open("sqlite", directory, &store->connection);
	return r < 0 ? r : schema_apply(store, schema);
}

int store_where_check(const char *where)
{
	const struct backend *backend = choose(where);
	if (backend == NULL)
		return -ERR_STORE;
	return backend == &postgres_backend ? way_check(where) : 0;
}

int store_way_find(const char *where, const char *directory, struct way **ret_way)
{
	*ret_way = NULL;
	return choose(where) == &postgres_backend ? way_find(where, directory, ret_way) : 0;
}

int store_way_root(struct way *way)
{
	return way != NULL ? way_take_root(way) : -1;
}

void store_way_forget(struct way *way)
{
	way_destroy(way);
}

int store_open_by(const struct way *way, struct store **ret_store)
{
	CLEANUP(store_closep) struct store *store = NULL;
	int r = make(&postgres_backend, &store);
	if (r == 0)
		r = postgres_open_by(way, false, &store->connection);
	if (r == 0)
		r = schema_apply(store, schema_newest());
	if (r < 0)
		return r;
	*ret_store = STEAL(store);
	return 0;
}

bool store_shared(const struct store *store)
{
	return store->backend->claim != NULL;
}

int store_claim(struct store *store)
{
	return store_shared(store) ? store->backend->claim(store->connection, store->node) : 0;
}

int store_tell(struct store *store, const char *words)
{
	return store_shared(store) ? store->backend->tell(store->connection, words) : 0;
}

void store_hear(struct store *store, void (*fn)(void *, const char *words), void *context)
{
	if (store_shared(store))
		store->backend->hear(store->connection, fn, context);
}

void store_patience(struct store *store, int wait_ms)
{
	if (store->backend->patience != NULL)
		store->backend->patience(store->connection, wait_ms);
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	if (store->connection != NULL) {
		store->backend->rollback(store->connection);
		store->backend->close(store->connection);
	}
	free(store);
}

const char *store_kind(const struct store *store)
{
	return store->backend->name;
}

int store_begin(struct store *store)
{
	int r = store->backend->begin(store->connection);
	store->begun = r == 0;
	return r;
}

int store_commit(struct store *store)
{
	int r = store->backend->commit(store->connection);
	if (r < 0)
		store->backend->rollback(store->connection);
	store->begun = false;
	return r;
}

int store_commit_later(struct store *store, uint64_t *ret_mark)
{
	if (store->backend->commit_later == NULL) {
		*ret_mark = 0;
		return store_commit(store);
	}
	int r = store->backend->commit_later(store->connection, ret_mark);
	if (r < 0)
		store->backend->rollback(store->connection);
	store->begun = false;
	return r;
}

int store_synced(struct store *store, bool wait, uint64_t *ret_mark)
{
	*ret_mark = UINT64_MAX;
	if (store->backend->synced == NULL)
		return 0;
	return store->backend->synced(store->connection, wait, ret_mark);
}

int store_sync_descriptor(struct store *store)
{
	return store->backend->descriptor != NULL ? store->backend->descriptor(store->connection)
						  : -1;
}

void store_rollback(struct store *store)
{
	store->backend->rollback(store->connection);
	store->begun = false;
}

bool store_take_full(struct store *store)
{
	return store->backend->take_full(store->connection);
}

uint64_t store_changes(struct store *store)
{
	return store->backend->changes(store->connection);
}

int store_savepoint(struct store *store)
{
	return any_rows(RUN(store, SAVEPOINT, NULL, NULL));
}

int store_savepoint_keep(struct store *store)
{
	return any_rows(RUN(store, SAVEPOINT_KEEP, NULL, NULL));
}

/* Undoing leaves the savepoint standing: it is taken away as well. */
int store_savepoint_undo(struct store *store)
{
	int r = any_rows(RUN(store, SAVEPOINT_UNDO, NULL, NULL));
	return r < 0 ? r : store_savepoint_keep(store);
}

int atom_begin(struct store *store)
{
	return store->begun ? store_savepoint(store) : store->backend->begin(store->connection);
}

int atom_end(struct store *store, int r)
{
	if (r < 0) {
		if (store->begun)
			store_savepoint_undo(store);
		else
			store->backend->rollback(store->connection);
		return r;
	}
	if (store->begun)
		return store_savepoint_keep(store);
	int committed = store->backend->commit(store->connection);
	if (committed < 0)
		store->backend->rollback(store->connection);
	return committed;
}

static const struct value *next(struct reader *reader, enum value_type type)
{
	static const struct value nothing = { .type = VALUE_NULL };
	if (reader->next >= reader->count) {
		reader->error = -ERR_STORE;
		return &nothing;
	}
	const struct value *value = &reader->values[reader->next++];
	if (value->type != type && value->type != VALUE_NULL) {
		reader->error = -ERR_STORE;
		return &nothing;
	}
	return value;
}

int64_t read_integer(struct reader *reader)
{
	const struct value *value = next(reader, VALUE_INTEGER);
	return value->type == VALUE_INTEGER ? value->integer : 0;
}

void read_text_sized(struct reader *reader, char *ret_text, size_t size)
{
	const struct value *value = next(reader, VALUE_TEXT);
	if (text_copy_len(ret_text, size, value->len > 0 ? value->bytes : "", value->len) < 0)
		reader->error = -ERR_STORE;
}

void read_bytes(struct reader *reader, void *ret_bytes, size_t len)
{
	const struct value *value = next(reader, VALUE_BYTES);
	memset(ret_bytes, 0, len);
	if (value->type == VALUE_NULL)
		return;
	if (value->len == len)
		memcpy(ret_bytes, value->bytes, len);
	else
		reader->error = -ERR_STORE;
}

void read_sealed(struct reader *reader, uint8_t **ret_sealed, uint32_t *ret_len)
{
	const struct value *value = next(reader, VALUE_BYTES);
	*ret_sealed = NULL;
	*ret_len = 0;
	if (value->type == VALUE_NULL)
		return;
	if (value->len == 0 || value->len > SEALED_MAX) {
		reader->error = -ERR_STORE;
		return;
	}
	*ret_sealed = malloc(value->len);
	if (*ret_sealed == NULL) {
		reader->error = -ERR_SYSTEM;
		return;
	}
	memcpy(*ret_sealed, value->bytes, value->len);
	*ret_len = value->len;
}

int keep_count(void *context, const struct value *values, unsigned count)
{
	struct reader reader = READER(values, count);
	struct store_count *kept = context;
	kept->count = read_integer(&reader);
	kept->last = read_integer(&reader); /* of no row: NULL, which reads as 0 */
	return reader.error;
}

void lower_name(char out[HOSTNAME_SIZE], const char *name)
{
	size_t i = 0;
	for (; name[i] != '\0'; i++) {
		assert(i < HOSTNAME_SIZE - 1);
		out[i] = name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i];
	}
	out[i] = '\0';
}

int keep_number(void *context, const struct value *values, unsigned count)
{
	struct reader reader = READER(values, count);
	int64_t *ret_number = context;
	*ret_number = read_integer(&reader);
	return reader.error;
}

static int keep_fact(void *context, const struct value *values, unsigned count)
{
	const struct value *room = context; /* bytes and len: where the fact goes */
	struct reader reader = READER(values, count);
	read_text_sized(&reader, (char *)room->bytes, room->len);
	return reader.error;
}

int store_fact_get(struct store *store, const char *name, char *out, unsigned size)
{
	struct value room = { .bytes = out, .len = size };
	return one_row(RUN(store, FACT_GET, keep_fact, &room, text(name)), ERR_NOT_FOUND);
}

int store_fact_set(struct store *store, const char *name, const char *value)
{
	return any_rows(RUN(store, FACT_SET, NULL, NULL, text(name), text(value)));
}

static int keep_counts(void *context, const struct value *values, unsigned count)
{
	struct store_counts *ret_counts = context;
	struct reader reader = READER(values, count);
	ret_counts->users = read_integer(&reader);
	ret_counts->devices = read_integer(&reader);
	ret_counts->credentials = read_integer(&reader);
	ret_counts->applications = read_integer(&reader);
	ret_counts->sessions_created = read_integer(&reader);
	return reader.error;
}

int store_count(struct store *store, struct store_counts *ret_counts)
{
	return one_row(RUN(store, COUNT, keep_counts, ret_counts), ERR_STORE);
}
