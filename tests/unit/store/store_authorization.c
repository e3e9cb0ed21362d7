/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_authorization.c"

#include "failing.h"
#include "failing_store.h"
#include "fixture.h"

static int count_application(void *context, const struct application_row *row)
{
	int *count = context;
	assert_string_equal(row->name, "portal");
	return ++*count < 0;
}

static void applications(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct application_row row;
	int64_t id;
	int count = 0;
	assert_int_equal(store_application_find(store, "portal", &row), 0);
	assert_int_equal(row.id, fixture->application);
	assert_string_equal(row.auth, "oauth2");
	assert_int_equal(store_application_find(store, "nothing", &row), -ERR_NOT_FOUND);
	assert_int_equal(store_application_add(store, "portal", "oauth1", NOW, &id), -ERR_EXISTS);
	assert_int_equal(store_application_add(store, "b", "oauth9", NOW, &id), -ERR_STORE);
	assert_int_equal(store_application_list(store, count_application, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(store_application_set_disabled(store, fixture->application, NOW), 0);
	assert_int_equal(store_application_find(store, "portal", &row), 0);
	assert_int_equal(row.disabled_at, NOW);
	assert_int_equal(store_application_set_disabled(store, 99, NOW), -ERR_NOT_FOUND);
}

static void an_authorization_is_found_by_its_client(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	uint8_t hash[HASH_LEN];
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	assert_int_equal(store_authorization_by_client(store, "c0ffee", &row), 0);
	fixture_hash(hash, 1);
	assert_int_equal(row.id, fixture->authorization);
	assert_string_equal(row.application, "portal");
	assert_string_equal(row.auth, "oauth2");
	assert_memory_equal(row.client_secret_hash, hash, HASH_LEN);
	assert_int_equal(row.writes, RESOURCE_WEB_PROXY_SESSION);
	assert_null(row.consumer_sealed);
	struct authorization_row none = { 0 };
	assert_int_equal(store_authorization_by_client(store, "", &none), -ERR_NOT_FOUND);
	assert_int_equal(store_authorization_by_client(store, "c0ffe", &none), -ERR_NOT_FOUND);
	assert_int_equal(store_authorization_by_consumer(store, "", "", &none), -ERR_NOT_FOUND);
	assert_int_equal(store_authorization_get(store, 99, &none), -ERR_NOT_FOUND);
	assert_int_equal(store_authorization_add(store, &row, &row.id), -ERR_EXISTS);
}

static void an_authorization_is_edited(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 }, found = { 0 };
	assert_int_equal(store_authorization_get(store, fixture->authorization, &row), 0);
	row.reads = row.writes = RESOURCE_USERS;
	row.expires_at = NOW + 5;
	assert_int_equal(text_copy(row.ips, sizeof row.ips, "::1"), 0);
	assert_int_equal(text_copy(row.referers, sizeof row.referers, "https://x.example"), 0);
	assert_int_equal(text_copy(row.fingerprint, sizeof row.fingerprint, "ab12"), 0);
	assert_int_equal(store_authorization_edit(store, &row), 0);
	assert_int_equal(store_authorization_get(store, fixture->authorization, &found), 0);
	assert_memory_equal(&found, &row, sizeof row);
	row.id = 99;
	assert_int_equal(store_authorization_edit(store, &row), -ERR_NOT_FOUND);
}

static void they_expire_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct expiry_cursor cursor = { 0 };
	static const int64_t at[] = { NOW + 9, 0, NOW + 5, NOW + 9 }; /* the first is row 2 */
	assert_int_equal(store_authorization_expired(store, &cursor, NOW), -ERR_NOT_FOUND);
	for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
		struct authorization_row row = { .application_id = fixture->application,
			.expires_at = at[i],
			.consumer_key = "k",
			.token_key = { (char)('a' + i) } };
		assert_int_equal(store_authorization_add(store, &row, &row.id), 0);
	}
	assert_int_equal(store_authorization_expired(store, &cursor, NOW + 4), -ERR_NOT_FOUND);
	assert_int_equal(store_authorization_expired(store, &cursor, NOW + 5), 0);
	assert_int_equal(cursor.id, 4);
	assert_int_equal(store_authorization_expired(store, &cursor, NOW + 8), -ERR_NOT_FOUND);
	assert_int_equal(store_authorization_expired(store, &cursor, NOW + 90), 0);
	assert_int_equal(cursor.id, 2);
	assert_int_equal(store_authorization_expired(store, &cursor, NOW + 90), 0);
	assert_int_equal(cursor.id, 5);
	assert_int_equal(cursor.at, NOW + 9);
	assert_int_equal(store_authorization_expired(store, &cursor, NOW + 90), -ERR_NOT_FOUND);
}

static int count_session(void *context, const struct session_row *row)
{
	++*(unsigned *)context;
	return 0;
}

static unsigned uncovered(struct fixture *fixture)
{
	unsigned count = 0;
	assert_true(store_session_created_by(fixture->store, SESSION_UNCOVERED,
			    fixture->authorization, count_session, &count) >= 0);
	return count;
}

static void sessions_out_of_reach_are_found(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct session_row session = fixture_session(fixture, 1);
	assert_int_equal(store_session_add(store, &session, &session.id), 0);
	assert_int_equal(uncovered(fixture), 1);
	assert_int_equal(
		store_authorization_cover(store, fixture->authorization, fixture->credential), 0);
	assert_int_equal(uncovered(fixture), 0);
	assert_int_equal(
		store_authorization_uncover(store, fixture->authorization, fixture->credential), 0);
	assert_int_equal(uncovered(fixture), 1);
	assert_int_equal(
		store_authorization_uncover(store, fixture->authorization, fixture->credential),
		-ERR_NOT_FOUND);
}

static void oauth1_keys_are_found_together(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct authorization_row row = { .application_id = fixture->application,
		.consumer_key = "ck",
		.token_key = "tk",
		.ips = "192.0.2.0/24",
		.referers = "https://portal.example/",
		.fingerprint = "cd34",
		.expires_at = NOW + 1000 };
	struct authorization_row second = row, found = { 0 };
	int64_t id, other;
	assert_int_equal(store_authorization_add(store, &row, &id), 0);
	assert_int_equal(store_authorization_add(store, &second, &other), -ERR_EXISTS);
	assert_int_equal(store_authorization_set_secrets(store, id, 7, "cc", 2, "ttt", 3), 0);
	assert_int_equal(
		store_authorization_set_secrets(store, 99, 7, "c", 1, "t", 1), -ERR_NOT_FOUND);
	assert_int_equal(
		store_authorization_by_consumer(store, "ck", "other", &found), -ERR_NOT_FOUND);
	assert_int_equal(store_authorization_by_consumer(store, "ck", "tk", &found), 0);
	assert_int_equal(found.id, id);
	assert_int_equal(found.key_version, 7);
	assert_int_equal(found.consumer_sealed_len, 2);
	assert_int_equal(found.token_sealed_len, 3);
	assert_memory_equal(found.token_sealed, "ttt", 3);
	assert_string_equal(found.ips, "192.0.2.0/24");
	assert_string_equal(found.referers, "https://portal.example/");
	assert_string_equal(found.fingerprint, "cd34");
	assert_int_equal(found.expires_at, NOW + 1000);
	store_authorization_finish(&found);
	row.application_id = 99;
	assert_int_equal(text_copy(row.token_key, sizeof row.token_key, "tk2"), 0);
	assert_int_equal(store_authorization_add(store, &row, &id), -ERR_NOT_FOUND);
}

static void coverage_is_exact(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t id = fixture->authorization, own;
	assert_int_equal(store_authorization_covers(store, id, fixture->credential), 0);
	assert_int_equal(store_authorization_cover(store, id, fixture->credential), 0);
	assert_int_equal(store_authorization_cover(store, id, fixture->credential), 0);
	assert_int_equal(store_authorization_covers(store, id, fixture->credential), 1);
	assert_int_equal(store_authorization_covers(store, 99, fixture->credential), 0);
	assert_int_equal(store_authorization_cover(store, id, 99), -ERR_NOT_FOUND);
	struct credential_row row = { .device_id = fixture->device,
		.identifier = "own",
		.username = "own",
		.kind = 1,
		.owner_authorization = id };
	assert_int_equal(store_credential_add(store, &row, &own), 0);
	assert_int_equal(store_authorization_covers(store, id, own), 1);
}

static int count_authorization(void *context, const struct authorization_row *row)
{
	int *count = context;
	*count += row->disabled_at == NOW && row->application_disabled_at == NOW + 1;
	return 0;
}

static void tokens_carry_the_authorization(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	uint8_t hash[HASH_LEN], other[HASH_LEN];
	int count = 0;
	fixture_hash(hash, 5);
	fixture_hash(other, 6);
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	assert_int_equal(store_token_add(store, hash, fixture->authorization, NOW + 100), 0);
	assert_int_equal(store_token_add(store, hash, fixture->authorization, NOW), -ERR_EXISTS);
	assert_int_equal(store_token_add(store, other, 99, NOW), -ERR_NOT_FOUND);
	assert_int_equal(store_token_find(store, hash, NOW + 99, &row), 0);
	assert_int_equal(row.id, fixture->authorization);
	assert_string_equal(row.application, "portal");
	assert_int_equal(store_token_find(store, hash, NOW + 100, &row), -ERR_NOT_FOUND);
	assert_int_equal(store_token_find(store, other, NOW, &row), -ERR_NOT_FOUND);
	assert_int_equal(store_authorization_set_disabled(store, fixture->authorization, NOW), 0);
	assert_int_equal(store_application_set_disabled(store, fixture->application, NOW + 1), 0);
	assert_int_equal(store_token_find(store, hash, NOW, &row), 0);
	assert_int_equal(row.disabled_at, NOW);
	assert_int_equal(row.application_disabled_at, NOW + 1);
	assert_int_equal(store_authorization_list(store, count_authorization, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(store_authorization_set_disabled(store, 99, NOW), -ERR_NOT_FOUND);
}

static void a_nonce_is_spent_once(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	uint8_t hash[HASH_LEN];
	fixture_hash(hash, 1);
	int64_t id = fixture->authorization;
	assert_int_equal(store_nonce_spend(store, id, NOW, hash), 0);
	assert_int_equal(store_nonce_spend(store, id, NOW, hash), -ERR_EXISTS);
	assert_int_equal(store_nonce_spend(store, id, NOW + 1, hash), 0);
	fixture_hash(hash, 2);
	assert_int_equal(store_nonce_spend(store, id, NOW, hash), 0);
	assert_int_equal(store_nonce_spend(store, 99, NOW, hash), -ERR_NOT_FOUND);
}

/* A nonce stays spent when the gateway starts again. */
static void a_nonce_is_spent_after_a_restart(void **state)
{
	struct fixture *fixture = *state;
	uint8_t hash[HASH_LEN];
	fixture_hash(hash, 1);
	assert_int_equal(store_nonce_spend(fixture->store, fixture->authorization, NOW, hash), 0);
	store_close(fixture->store);
	assert_int_equal(store_open(fixture->where, fixture->directory, &fixture->store), 0);
	assert_int_equal(
		store_nonce_spend(fixture->store, fixture->authorization, NOW, hash), -ERR_EXISTS);
}

static void the_sweep_takes_what_is_past_its_time(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct authorization_row row = { 0 };
	assert_int_equal(store_begin(store), 0);
	for (unsigned i = 0; i < SWEEP_MOST + 10; i++) {
		uint8_t hash[HASH_LEN];
		fixture_hash(hash, i);
		assert_int_equal(store_token_add(store, hash, fixture->authorization, NOW), 0);
	}
	uint8_t hash[HASH_LEN];
	fixture_hash(hash, 1u << 30);
	assert_int_equal(store_token_add(store, hash, fixture->authorization, NOW + 1), 0);
	assert_int_equal(store_nonce_spend(store, fixture->authorization, NOW - 1, hash), 0);
	assert_int_equal(store_nonce_spend(store, fixture->authorization, NOW, hash), 0);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_sweep(store, NOW, NOW), SWEEP_MOST + 1);
	assert_int_equal(store_sweep(store, NOW, NOW), 10);
	assert_int_equal(store_sweep(store, NOW, NOW), 0);
	assert_int_equal(store_token_find(store, hash, NOW, &row), 0);
	store_authorization_finish(&row);
	assert_int_equal(store_nonce_spend(store, fixture->authorization, NOW, hash), -ERR_EXISTS);
}

static int stop(void *context, const struct authorization_row *row)
{
	(void)context;
	(void)row;
	return 42;
}

static int stop_application(void *context, const struct application_row *row)
{
	(void)context;
	(void)row;
	return 42;
}

static void lists_can_be_stopped(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(store_authorization_list(fixture->store, stop, NULL), 42);
	assert_int_equal(store_application_list(fixture->store, stop_application, NULL), 42);
}

static void a_store_that_fails(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	uint8_t hash[HASH_LEN];
	fixture_hash(hash, 1);
	failing_store(store);
	assert_int_equal(store_token_add(store, hash, fixture->authorization, NOW), 0);
	FAILING(FAILING_STORE) {
		int r = store_sweep(store, NOW, NOW);
		/* Whatever an earlier run took is taken. */
		assert_true(failing_struck() ? r == -ERR_STORE : r >= 0);
	}
	FAILING(FAILING_STORE) {
		int r = store_lifetimes_cut(store, NOW, NOW);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		int r = store_authorization_list(store, stop, NULL);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 42);
	}
	FAILING(FAILING_STORE) {
		int r = store_authorization_covers(store, fixture->authorization, 99);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
}

/* What would live longer is worth nothing, what would not is left alone. */
static void lifetimes_are_cut(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct authorization_row row = { 0 };
	uint8_t hash[HASH_LEN];
	for (unsigned i = 0; i < 3; i++) {
		fixture_hash(hash, i);
		assert_int_equal(
			store_token_add(store, hash, fixture->authorization, NOW - 1 + i), 0);
	}
	assert_int_equal(store_lifetimes_cut(store, NOW, NOW), 0);
	for (unsigned i = 0; i < 3; i++) {
		fixture_hash(hash, i);
		int r = store_token_find(store, hash, NOW - 2, &row);
		assert_int_equal(r, i < 2 ? 0 : -ERR_NOT_FOUND);
		store_authorization_finish(&row);
	}
	/* Tickets, by a moment of their own. */
	struct session_row session = fixture_session(fixture, 1);
	int64_t id, found;
	assert_int_equal(store_session_add(store, &session, &id), 0);
	for (unsigned i = 0; i < 2; i++) {
		fixture_hash(hash, 10 + i);
		assert_int_equal(store_ticket_add(store, hash, id, "", NOW + 5 + i), 0);
	}
	assert_int_equal(store_lifetimes_cut(store, NOW + 5, NOW), 0);
	for (unsigned i = 0; i < 2; i++) {
		fixture_hash(hash, 10 + i);
		int r = store_ticket_spend(store, hash, "", NOW, &found);
		assert_int_equal(r, i == 0 ? 0 : -ERR_TICKET_REFUSED);
	}
}

static void damage_is_no_row(void **state)
{
	struct each_authorization each = { .keep = stop };
	struct each_application application = { .keep = stop_application };
	struct authorization_row row = { .id = 7 };
	assert_int_equal(keep_each_authorization(&each, NULL, 0), -ERR_STORE);
	assert_int_equal(each.result, -ERR_STORE);
	assert_int_equal(keep_each_application(&application, NULL, 0), -ERR_STORE);
	assert_int_equal(application.result, -ERR_STORE);
	assert_int_equal(keep_authorization(&row, NULL, 0), -ERR_STORE);
	assert_int_equal(row.id, 7); /* nothing of it arrives */
	/* What was read of it before the damage is let go of. */
	struct value values[11] = { { .type = VALUE_NULL } };
	values[8] = values[10] = (struct value){ .type = VALUE_BYTES, .bytes = "sealed", .len = 6 };
	assert_int_equal(keep_authorization(&row, values, 11), -ERR_STORE);
	assert_int_equal(keep_each_authorization(&each, values, 11), -ERR_STORE);
	assert_int_equal(row.id, 7);
}

/* What is missing of a secret is not left behind half. */
static void without_memory(void **state)
{
	struct fixture *fixture = *state;
	struct authorization_row row = { 0 };
	assert_int_equal(store_authorization_set_secrets(
				 fixture->store, fixture->authorization, 1, "con", 3, "tok", 3),
		0);
	FAILING(FAILING_MEMORY) {
		int r = store_authorization_get(fixture->store, fixture->authorization, &row);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		assert_true(r == 0 || row.consumer_sealed == NULL);
		store_authorization_finish(&row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(applications),
		CASE(an_authorization_is_found_by_its_client),
		CASE(an_authorization_is_edited),
		CASE(they_expire_in_order),
		CASE(sessions_out_of_reach_are_found),
		CASE(oauth1_keys_are_found_together),
		CASE(coverage_is_exact),
		CASE(tokens_carry_the_authorization),
		CASE(a_nonce_is_spent_once),
		CASE(a_nonce_is_spent_after_a_restart),
		CASE(the_sweep_takes_what_is_past_its_time),
		CASE(lists_can_be_stopped),
		CASE(a_store_that_fails),
		CASE(lifetimes_are_cut),
		CASE(damage_is_no_row),
		CASE(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
