/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_node.c"

#include "fixture.h"

struct seen {
	unsigned count;
	struct node_row last;
};

static int see(void *context, const struct node_row *node)
{
	struct seen *seen = context;
	seen->count++;
	seen->last = *node;
	return 0;
}

static void a_name_is_one_node(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct seen seen = { 0 };
	int64_t alpha, beta, again;

	assert_int_equal(store_node_enter(store, "alpha", NOW, &alpha), 0);
	assert_int_equal(store_node_enter(store, "beta", NOW, &beta), 0);
	assert_int_equal(store_node_enter(store, "alpha", NOW + 5, &again), 0);
	assert_int_equal(again, alpha);
	assert_true(beta != alpha);
	assert_int_equal(store_node_list(store, see, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.last.name, "beta");
}

/* Whose lease is over is gone once; he hears it when he renews it, and comes back by entering. */
static void a_lease_runs_out_once(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct seen seen = { 0 };
	int64_t alpha, beta;

	assert_int_equal(store_node_enter(store, "alpha", NOW, &alpha), 0);
	assert_int_equal(store_node_enter(store, "beta", NOW, &beta), 0);
	store_node_set(store, alpha);
	assert_int_equal(store_node_seen(store, NOW + 60), 0);
	assert_int_equal(store_node_lost(store, NOW + 60, NOW, see, &seen), 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(store_node_lost(store, NOW + 60, NOW + 1, see, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.last.id, beta);
	assert_int_equal(store_node_lost(store, NOW + 60, NOW + 1, see, &seen), 0);
	assert_int_equal(seen.count, 1);
	store_node_set(store, beta);
	assert_int_equal(store_node_seen(store, NOW + 61), -ERR_NOT_FOUND);
	assert_int_equal(store_node_enter(store, "beta", NOW + 62, &beta), 0);
	assert_int_equal(store_node_seen(store, NOW + 63), 0);
	assert_int_equal(store_node_leave(store, NOW + 64), 0);
	assert_int_equal(store_node_seen(store, NOW + 65), -ERR_NOT_FOUND);
}

static struct audit_row row_of(int64_t sequence, uint8_t fill)
{
	struct audit_row row = { .sequence = sequence, .at = NOW };
	snprintf(row.event, sizeof row.event, "event");
	memset(row.hash, fill, sizeof row.hash);
	return row;
}

static int count_rows(void *context, const struct audit_row *row)
{
	int64_t *last = context;
	assert_int_equal(row->sequence, *last + 1);
	*last = row->sequence;
	return 0;
}

/* Each from 1, without a hole, and none sees the others'. */
static void each_has_a_trail_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct audit_row row;

	for (int64_t node = 0; node < 4; node++) {
		int64_t last = 0;
		if (node == 1)
			continue; /* of a shared store, what 0 is of one that is not */
		store_node_set(store, node);
		assert_int_equal(store_audit_last(store, &row), -ERR_NOT_FOUND);
		for (int64_t i = 1; i <= 3; i++) {
			row = row_of(i, (uint8_t)node);
			assert_int_equal(store_audit_add(store, &row), 0);
		}
		assert_int_equal(store_audit_last(store, &row), 0);
		assert_int_equal(row.sequence, 3);
		assert_int_equal(row.hash[0], node);
		assert_int_equal(store_audit_list(store, 0, 100, count_rows, &last), 0);
		assert_int_equal(last, 3);
		last = 2;
		assert_int_equal(store_audit_list(store, 2, 100, count_rows, &last), 0);
		assert_int_equal(last, 3);
	}
}

static int keep_first(void *context, const struct ending_row *ending)
{
	struct ending_row *first = context;
	if (first->session == 0)
		*first = *ending;
	return 0;
}

static void an_end_is_asked_once_until_it_is_done(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct session_row session = fixture_session(fixture, 1);
	struct ending_row first = { 0 }, none = { 0 };
	int64_t id, node = 0;
	uint8_t zero[65] = { 0 };

	assert_int_equal(store_session_add(store, &session, &id), 0);
	assert_int_equal(store_session_hold(store, id), 0);
	store_node_set(store, 7);
	assert_int_equal(store_session_redeemed(store, id, "192.0.2.1", zero, zero, NOW), 0);
	assert_int_equal(store_session_hold(store, id), -ERR_WRONG_MOMENT);
	assert_int_equal(store_session_node(store, id, &node), 0);
	assert_int_equal(node, 7);
	assert_int_equal(store_session_node(store, id + 1, &node), -ERR_NOT_FOUND);
	struct ending_row ending = { .session = id, .node = 7, .why = -ERR_SESSION_DROPPED };
	snprintf(ending.reason, sizeof ending.reason, "because");
	snprintf(ending.actor, sizeof ending.actor, "administrator:0");
	assert_int_equal(store_ending_asked(store, id), 0);
	assert_int_equal(store_ending_ask(store, &ending, NOW), 0);
	snprintf(ending.reason, sizeof ending.reason, "again");
	assert_int_equal(store_ending_ask(store, &ending, NOW), 0);
	assert_int_equal(store_ending_asked(store, id), 1);
	store_node_set(store, 8);
	assert_int_equal(store_ending_list(store, 10, keep_first, &none), 0);
	assert_int_equal(none.session, 0);
	store_node_set(store, 7);
	assert_int_equal(store_ending_list(store, 10, keep_first, &first), 0);
	assert_int_equal(first.session, id);
	assert_int_equal(first.why, -ERR_SESSION_DROPPED);
	assert_string_equal(first.reason, "because");
	assert_string_equal(first.actor, "administrator:0");
	assert_int_equal(store_ending_done(store, id), 0);
	assert_int_equal(store_ending_asked(store, id), 0);
}

static void its_name_is_the_setting_or_the_hosts(void **state)
{
	char name[HOSTNAME_SIZE], host[HOSTNAME_SIZE] = "";
	(void)state;
	store_node_name("alpha", name);
	assert_string_equal(name, "alpha");
	assert_int_equal(gethostname(host, sizeof host - 1), 0);
	store_node_name("", name);
	assert_string_equal(name, host[0] != '\0' ? host : "gateway");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_name_is_one_node),
		CASE(its_name_is_the_setting_or_the_hosts),
		CASE(a_lease_runs_out_once),
		CASE(each_has_a_trail_of_its_own),
		CASE(an_end_is_asked_once_until_it_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
