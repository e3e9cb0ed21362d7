/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_credential.c"

#include "failing.h"
#include "failing_store.h"
#include "fixture.h"

#include "store/policy.h"

static int64_t add(struct fixture *fixture, const char *username, const char *domain, int kind)
{
	struct credential_row row = {
		.device_id = fixture->device, .kind = kind, .created_at = NOW
	};
	int64_t id = 0;
	snprintf(row.identifier, sizeof row.identifier, "%s-%s", username, domain);
	assert_int_equal(text_copy(row.username, sizeof row.username, username), 0);
	assert_int_equal(text_copy(row.domain, sizeof row.domain, domain), 0);
	assert_int_equal(store_credential_add(fixture->store, &row, &id), 0);
	assert_int_equal(
		store_credential_set_secret(fixture->store, id, 1, 1, "sealed", 6, NOW), 0);
	return id;
}

static void a_credential_comes_back_as_it_was_given(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	CLEANUP(store_credential_finish) struct credential_row before = { 0 };
	CLEANUP(store_credential_finish) struct credential_row after = { 0 };
	assert_int_equal(store_credential_get(store, fixture->credential, &before), 0);
	assert_null(before.sealed);
	assert_int_equal(before.version, 0);
	assert_int_equal(store_credential_set_secret(
				 store, fixture->credential, 4, 2, "\0envelope", 9, NOW + 9),
		0);
	assert_int_equal(store_credential_find(store, fixture->device, "root", &after), 0);
	assert_int_equal(after.id, fixture->credential);
	assert_string_equal(after.identifier, "first");
	assert_int_equal(after.version, 4);
	assert_int_equal(after.key_version, 2);
	assert_int_equal(after.sealed_len, 9);
	assert_memory_equal(after.sealed, "\0envelope", 9);
	assert_int_equal(after.changed_at, NOW + 9);
	assert_int_equal(after.owner_authorization, 0);
	struct credential_row none = { 0 };
	assert_int_equal(store_credential_get(store, 99, &none), -ERR_NOT_FOUND);
	assert_int_equal(
		store_credential_find(store, fixture->device, "Root", &none), -ERR_NOT_FOUND);
	assert_int_equal(store_credential_set_secret(store, 99, 1, 1, "x", 1, NOW), -ERR_NOT_FOUND);
}

static void an_account_has_one_credential(void **state)
{
	struct fixture *fixture = *state;
	struct credential_row row = {
		.device_id = fixture->device, .identifier = "second", .username = "root", .kind = 2
	};
	int64_t id;
	assert_int_equal(store_credential_add(fixture->store, &row, &id), -ERR_EXISTS);
	assert_int_equal(text_copy(row.domain, sizeof row.domain, "corp"), 0);
	assert_int_equal(store_credential_add(fixture->store, &row, &id), 0);
	struct credential_row found = { 0 };
	assert_int_equal(store_credential_find(fixture->store, fixture->device, "root", &found), 0);
	assert_int_equal(found.id, fixture->credential); /* the local one first */
	assert_int_equal(
		store_credential_find_in(fixture->store, fixture->device, "root", "corp", &found),
		0);
	assert_int_equal(found.id, id);
	assert_int_equal(
		store_credential_find_in(fixture->store, fixture->device, "root", "other", &found),
		-ERR_NOT_FOUND);
	assert_int_equal(text_copy(row.username, sizeof row.username, "other"), 0);
	assert_int_equal(
		store_credential_add(fixture->store, &row, &id), -ERR_EXISTS); /* identifier */
	row.device_id = 99;
	assert_int_equal(text_copy(row.identifier, sizeof row.identifier, "third"), 0);
	assert_int_equal(store_credential_add(fixture->store, &row, &id), -ERR_NOT_FOUND);
}

static int count_one(
	void *context, const struct credential_row *credential, const struct device_row *device)
{
	int *count = context;
	assert_int_equal(credential->device_id, device->id);
	assert_string_equal(device->hostname, "DB1");
	(*count)++;
	return 0;
}

static void lists_carry_the_device(void **state)
{
	struct fixture *fixture = *state;
	int count = 0, covered = 0;
	int64_t id = add(fixture, "web", "", 1);
	assert_int_equal(store_credential_list(fixture->store, count_one, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(store_authorization_cover(fixture->store, fixture->authorization, id), 0);
	assert_int_equal(store_authorization_coverage(
				 fixture->store, fixture->authorization, count_one, &covered),
		0);
	assert_int_equal(covered, 1);
}

static int64_t selected(struct fixture *fixture)
{
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	int r = store_credential_select(
		fixture->store, fixture->device, fixture->authorization, NULL, &row);
	return r < 0 ? r : row.id;
}

/* The five rules, one after the other, then the least recently used, then the lowest id. */
static void automatic_selection(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	assert_int_equal(
		store_authorization_cover(store, fixture->authorization, fixture->credential), 0);
	assert_int_equal(selected(fixture), -ERR_NOT_FOUND); /* no secret yet */
	int64_t key = add(fixture, "key", "", 2);
	assert_int_equal(store_authorization_cover(store, fixture->authorization, key), 0);
	assert_int_equal(selected(fixture), -ERR_NOT_FOUND); /* an SSH key */
	int64_t a = add(fixture, "a", "", 1), b = add(fixture, "b", "", 1);
	assert_int_equal(selected(fixture), -ERR_NOT_FOUND); /* not covered */
	assert_int_equal(store_authorization_cover(store, fixture->authorization, a), 0);
	assert_int_equal(store_authorization_cover(store, fixture->authorization, b), 0);
	assert_int_equal(selected(fixture), a);
	assert_int_equal(store_credential_used(store, a, NOW), 0);
	assert_int_equal(selected(fixture), b);
	assert_int_equal(store_credential_used(store, b, NOW + 1), 0);
	assert_int_equal(selected(fixture), a);
	struct session_row session = fixture_session(fixture, 1);
	int64_t id;
	session.credential_id = a;
	assert_int_equal(store_session_add(store, &session, &id), 0);
	assert_int_equal(selected(fixture), b); /* a is in use there */
	assert_int_equal(store_credential_set_disabled(store, b, NOW), 0);
	assert_int_equal(selected(fixture), -ERR_NOT_FOUND);
	assert_int_equal(store_session_ended(store, id, 0, "", 0, NOW), 0);
	assert_int_equal(selected(fixture), a);
	assert_int_equal(store_credential_used(store, 99, NOW), -ERR_NOT_FOUND);
	assert_int_equal(store_credential_set_disabled(store, 99, NOW), -ERR_NOT_FOUND);
}

static int64_t selected_behind(struct fixture *fixture, int64_t id)
{
	CLEANUP(store_credential_finish) struct credential_row after = { 0 };
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	assert_int_equal(store_credential_get(fixture->store, id, &after), 0);
	int r = store_credential_select(
		fixture->store, fixture->device, fixture->authorization, &after, &row);
	return r < 0 ? r : row.id;
}

static void selection_goes_on_behind_one(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t a = add(fixture, "a", "", 1), b = add(fixture, "b", "", 1);
	int64_t c = add(fixture, "c", "", 1);
	const int64_t all[] = { a, b, c };
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			store_authorization_cover(store, fixture->authorization, all[i]), 0);
	assert_int_equal(store_credential_used(store, a, NOW), 0);
	assert_int_equal(selected(fixture), b);
	assert_int_equal(selected_behind(fixture, b), c);
	assert_int_equal(selected_behind(fixture, c), a);
	assert_int_equal(selected_behind(fixture, a), -ERR_NOT_FOUND);
}

static struct credential_row got(struct fixture *fixture, int64_t id)
{
	struct credential_row row = { 0 };
	assert_int_equal(store_credential_get(fixture->store, id, &row), 0);
	store_credential_finish(&row);
	return row;
}

/* A child is as good as its parent: without its secret, or with a key's, it is not selected. */
static void children_are_selected_by_their_parents_secret(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t parent = add(fixture, "parent", "", 1), child = fixture->credential;
	assert_int_equal(store_authorization_cover(store, fixture->authorization, child), 0);
	assert_int_equal(selected(fixture), -ERR_NOT_FOUND); /* it has no secret */
	assert_int_equal(store_credential_set_parent(store, child, parent), 0);
	assert_int_equal(selected(fixture), child);
	assert_int_equal(store_credential_set_disabled(store, parent, NOW), 0);
	assert_int_equal(selected(fixture), -ERR_NOT_FOUND);
	int64_t key = add(fixture, "key", "", 2);
	assert_int_equal(store_credential_set_parent(store, child, key), 0);
	assert_int_equal(selected(fixture), -ERR_NOT_FOUND);
}

/* One step and no further, whichever end the second one comes from. */
static void there_are_no_grandparents(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t a = add(fixture, "a", "", 1), b = add(fixture, "b", "", 1);
	int64_t c = add(fixture, "c", "", 1);
	static int (*const sets[])(struct store *, int64_t,
		int64_t) = { store_credential_set_parent, store_credential_set_login };
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sets[i](store, a, b), 0);
		assert_int_equal(sets[i](store, a, c), 0); /* another one in its place */
		assert_int_equal(sets[i](store, b, a), -ERR_WRONG_MOMENT);
		assert_int_equal(sets[i](store, c, b), -ERR_WRONG_MOMENT); /* c is one */
		assert_int_equal(sets[i](store, b, b), -ERR_WRONG_MOMENT);
		assert_int_equal(sets[i](store, b, 99), -ERR_WRONG_MOMENT);
		assert_int_equal(sets[i](store, 99, b), -ERR_WRONG_MOMENT);
		assert_int_equal(i == 0 ? got(fixture, a).parent_id : got(fixture, a).login_id, c);
		assert_int_equal(sets[i](store, a, 0), 0);
		assert_int_equal(i == 0 ? got(fixture, a).parent_id : got(fixture, a).login_id, 0);
		assert_int_equal(sets[i](store, c, b), 0);
		assert_int_equal(sets[i](store, c, 0), 0);
	}
}

static void settings_of_a_credential(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct policy_row policy = { .name = "one" };
	int64_t id = fixture->credential;
	assert_int_equal(store_policy_add(store, &policy, &policy.id), 0);
	assert_int_equal(got(fixture, id).policy_id, 0);
	assert_int_equal(store_credential_set_policy(store, id, policy.id), 0);
	assert_int_equal(got(fixture, id).policy_id, policy.id);
	assert_int_equal(store_credential_set_policy(store, id, 99), -ERR_NOT_FOUND);
	assert_int_equal(store_credential_set_policy(store, 99, policy.id), -ERR_NOT_FOUND);
	assert_string_equal(got(fixture, id).protocols, "");
	assert_int_equal(store_credential_set_protocols(store, id, "ssh"), 0);
	assert_string_equal(got(fixture, id).protocols, "ssh");
	assert_int_equal(store_credential_set_protocols(store, 99, "ssh"), -ERR_NOT_FOUND);
}

static void rewrap_all(struct fixture *fixture, uint32_t key_version, char *ret_order, size_t size)
{
	struct envelope_cursor cursor = { 0 };
	struct envelope_row row;
	int64_t count;
	int r;
	ret_order[0] = '\0';
	while ((r = store_envelope_older(fixture->store, key_version, &cursor, &row)) == 0) {
		size_t len = strlen(ret_order);
		assert_true(len + 40 < size);
		snprintf(ret_order + len, size - len, "%s/%s/%d/%d/%d ", row.object, row.field,
			(int)row.id, (int)row.version, row.kind);
		row.sealed[row.sealed_len++] = '+';
		assert_int_equal(store_envelope_put(fixture->store, &row, key_version), 0);
	}
	assert_int_equal(r, -ERR_NOT_FOUND);
	assert_int_equal(store_envelope_count_older(fixture->store, key_version, &count), 0);
	assert_int_equal(count, 0);
}

static void rotation_visits_every_envelope_once(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	char order[256], expected[256];
	int64_t a = add(fixture, "a", "", 1);
	assert_int_equal(store_authorization_set_secrets(
				 store, fixture->authorization, 1, "con", 3, "tok", 3),
		0);
	int64_t count;
	assert_int_equal(store_envelope_count_older(store, 1, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(store_envelope_count_older(store, 2, &count), 0);
	assert_int_equal(count, 3);
	rewrap_all(fixture, 2, order, sizeof order);
	snprintf(expected, sizeof expected,
		"credential/content/%d/1/1 authorization/consumer/%d/1/0 "
		"authorization/token/%d/1/0 ",
		(int)a, (int)fixture->authorization, (int)fixture->authorization);
	assert_string_equal(order, expected);
	rewrap_all(fixture, 2, order, sizeof order);
	assert_string_equal(order, "");
	struct authorization_row row = { 0 };
	assert_int_equal(store_authorization_get(store, fixture->authorization, &row), 0);
	assert_int_equal(row.key_version, 2);
	assert_memory_equal(row.token_sealed, "tok+", 4);
	assert_memory_equal(row.consumer_sealed, "con+", 4);
	store_authorization_finish(&row);
}

/* A password that was replaced while its old envelope was with the vault stays replaced. */
static void rotation_does_not_bring_back_an_old_secret(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct envelope_row row;
	int64_t a = add(fixture, "a", "", 1);
	struct envelope_cursor cursor = { 0 };
	assert_int_equal(store_envelope_older(store, 2, &cursor, &row), 0);
	assert_int_equal(store_credential_set_secret(store, a, 2, 2, "newer", 5, NOW), 0);
	assert_int_equal(store_envelope_put(store, &row, 2), -ERR_NOT_FOUND);
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	assert_int_equal(store_credential_get(store, a, &credential), 0);
	assert_memory_equal(credential.sealed, "newer", 5);
	assert_int_equal(text_copy(row.object, sizeof row.object, "other"), 0);
	assert_int_equal(text_copy(row.field, sizeof row.field, "field"), 0);
	assert_int_equal(store_envelope_put(store, &row, 2), -ERR_NOT_FOUND);
}

static int stop(
	void *context, const struct credential_row *credential, const struct device_row *device)
{
	(void)context;
	(void)credential;
	(void)device;
	return 42;
}

static void lists_can_be_stopped(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = add(fixture, "a", "", 1);
	assert_int_equal(store_authorization_cover(fixture->store, fixture->authorization, id), 0);
	assert_int_equal(store_credential_list(fixture->store, stop, NULL), 42);
	assert_int_equal(
		store_authorization_coverage(fixture->store, fixture->authorization, stop, NULL),
		42);
}

static void a_store_that_fails(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct envelope_row row;
	int64_t count;
	add(fixture, "a", "", 1);
	assert_int_equal(store_authorization_set_secrets(
				 store, fixture->authorization, 5, "con", 3, "tok", 3),
		0);
	failing_store(store);
	/* The credential's envelope, then none: each of the three questions fails in turn. */
	FAILING(FAILING_STORE) {
		struct envelope_cursor cursor = { 0 };
		int r = store_envelope_older(store, 2, &cursor, &row);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		struct envelope_cursor cursor = { 0 };
		int r = store_envelope_older(store, 1, &cursor, &row);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : -ERR_NOT_FOUND);
	}
	FAILING(FAILING_STORE) {
		int r = store_envelope_count_older(store, 1, &count);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		int r = store_credential_list(store, stop, NULL);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 42);
	}
}

static void damage_is_no_row(void **state)
{
	struct each_credential each = { .keep = stop };
	struct credential_row credential = { .id = 7 };
	struct envelope_row envelope = { .id = 0 };
	assert_int_equal(keep_each_credential(&each, NULL, 0), -ERR_STORE);
	assert_int_equal(each.result, -ERR_STORE);
	assert_int_equal(keep_credential(&credential, NULL, 0), -ERR_STORE);
	assert_int_equal(credential.id, 7);
	/* What was read of it before the damage is let go of. */
	struct value values[9] = { { .type = VALUE_NULL } };
	values[8] = (struct value){ .type = VALUE_BYTES, .bytes = "sealed", .len = 6 };
	assert_int_equal(keep_credential(&credential, values, 9), -ERR_STORE);
	assert_int_equal(keep_each_credential(&each, values, 9), -ERR_STORE);
	assert_int_equal(credential.id, 7);
	assert_int_equal(keep_credential_envelope(&envelope, NULL, 0), -ERR_STORE);
	assert_int_equal(keep_authorization_envelope(&envelope, NULL, 0), -ERR_STORE);
}

static void without_memory(void **state)
{
	struct fixture *fixture = *state;
	struct envelope_row row;
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	int64_t id = add(fixture, "a", "", 1);
	FAILING(FAILING_MEMORY) {
		struct envelope_cursor cursor = { 0 };
		int r = store_envelope_older(fixture->store, 2, &cursor, &row);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
	}
	FAILING(FAILING_MEMORY) {
		int r = store_credential_get(fixture->store, id, &credential);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		store_credential_finish(&credential);
	}
}

/* One that stays as it is does not hold up the others. */
static void rotation_goes_on_behind_one_that_stays(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct envelope_cursor cursor = { 0 };
	struct envelope_row row;
	int64_t ids[3], count;
	for (unsigned i = 0; i < 3; i++)
		ids[i] = add(fixture, (const char *[]){ "a", "b", "c" }[i], "", 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(store_envelope_older(store, 2, &cursor, &row), 0);
		assert_int_equal(row.id, ids[i]);
		if (i != 1)
			assert_int_equal(store_envelope_put(store, &row, 2), 0);
	}
	assert_int_equal(store_envelope_older(store, 2, &cursor, &row), -ERR_NOT_FOUND);
	assert_int_equal(store_envelope_older(store, 2, &cursor, &row), -ERR_NOT_FOUND);
	assert_int_equal(store_envelope_count_older(store, 2, &count), 0);
	assert_int_equal(count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_credential_comes_back_as_it_was_given),
		CASE(an_account_has_one_credential),
		CASE(lists_carry_the_device),
		CASE(automatic_selection),
		CASE(selection_goes_on_behind_one),
		CASE(children_are_selected_by_their_parents_secret),
		CASE(there_are_no_grandparents),
		CASE(settings_of_a_credential),
		CASE(rotation_visits_every_envelope_once),
		CASE(rotation_does_not_bring_back_an_old_secret),
		CASE(lists_can_be_stopped),
		CASE(a_store_that_fails),
		CASE(damage_is_no_row),
		CASE(without_memory),
		CASE(rotation_goes_on_behind_one_that_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
