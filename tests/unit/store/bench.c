/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the statements of a create-session call take: bench-store [CALLS] [BATCH]. Not a test;
 * one line per statement, microseconds, then the whole call and its share of the commit.
 */
#include <time.h>

#include "base/mem.h"
#include "base/random.h"
#include "fixture.h"

enum {
	TOKEN,
	USER,
	DEVICE,
	CONNECTIVITY,
	CREDENTIAL,
	COVERS,
	SESSION,
	TICKET,
	AUDIT,
	COMMIT,
	KINDS
};
static const char *const kinds[KINDS] = { "token find", "user find", "device find",
	"connectivity list", "credential find", "authorization covers", "session add", "ticket add",
	"audit add", "begin and commit" };

static uint64_t nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

struct bench {
	struct fixture *fixture;
	uint64_t spent[KINDS], mark;
	struct audit_row audit;
	uint8_t token[HASH_LEN];
};

static void lap(struct bench *bench, int kind)
{
	uint64_t now = nanoseconds();
	bench->spent[kind] += now - bench->mark;
	bench->mark = now;
}

static int ignore(void *context, const struct connectivity_row *row)
{
	return 0;
}

static void look_up(struct bench *bench)
{
	struct store *store = bench->fixture->store;
	CLEANUP(store_authorization_finish) struct authorization_row authorization = { 0 };
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	struct user_row user;
	struct device_row device;
	assert_int_equal(store_token_find(store, bench->token, NOW, &authorization), 0);
	lap(bench, TOKEN);
	assert_int_equal(store_user_find(store, "ana", &user), 0);
	lap(bench, USER);
	assert_int_equal(store_device_find(store, "db1", &device), 0);
	lap(bench, DEVICE);
	assert_int_equal(store_connectivity_list(store, device.id, ignore, NULL), 0);
	lap(bench, CONNECTIVITY);
	assert_int_equal(store_credential_find(store, device.id, "root", &credential), 0);
	lap(bench, CREDENTIAL);
	assert_int_equal(store_authorization_covers(store, authorization.id, credential.id), 1);
	lap(bench, COVERS);
}

static void create(struct bench *bench, unsigned number)
{
	struct store *store = bench->fixture->store;
	struct session_row session = fixture_session(bench->fixture, number);
	uint8_t hash[HASH_LEN];
	int64_t id;
	bench->mark = nanoseconds();
	look_up(bench);
	random_hex(session.session_id, 20);
	random_bytes(session.token_hash, HASH_LEN);
	random_bytes(hash, HASH_LEN);
	bench->mark = nanoseconds();
	assert_int_equal(store_session_add(store, &session, &id), 0);
	lap(bench, SESSION);
	assert_int_equal(store_ticket_add(store, hash, id, "", NOW + 30000), 0);
	lap(bench, TICKET);
	bench->audit.sequence++;
	assert_int_equal(store_audit_add(store, &bench->audit), 0);
	lap(bench, AUDIT);
	/* opened and ended at once, so that the figures are those of a gateway in use */
	assert_int_equal(store_session_ended(store, id, 0, "", 0, NOW), 0);
}

static void run(struct bench *bench, unsigned calls, unsigned batch)
{
	for (unsigned done = 0; done < calls;) {
		bench->mark = nanoseconds();
		assert_int_equal(store_begin(bench->fixture->store), 0);
		for (unsigned i = 0; i < batch && done < calls; i++)
			create(bench, done++);
		bench->mark = nanoseconds();
		assert_int_equal(store_commit(bench->fixture->store), 0);
		lap(bench, COMMIT);
	}
}

static void report(const struct bench *bench, unsigned calls)
{
	uint64_t all = 0;
	for (int i = 0; i < KINDS; i++) {
		printf("%-22s %8.2f us\n", kinds[i], (double)bench->spent[i] / calls / 1000);
		all += bench->spent[i];
	}
	printf("%-22s %8.2f us\n", "the whole call", (double)all / calls / 1000);
}

int main(int argc, char **argv)
{
	unsigned calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
	unsigned batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 16;
	void *state;
	assert_int_equal(fixture_open(&state), 0);
	struct bench bench = { .fixture = state };
	snprintf(bench.audit.event, sizeof bench.audit.event, "session.created");
	snprintf(bench.audit.detail, sizeof bench.audit.detail,
		"{\"user\":\"ana\",\"device\":\"db1\"}");
	struct store *store = bench.fixture->store;
	assert_int_equal(
		store_token_add(store, bench.token, bench.fixture->authorization, NOW * 2), 0);
	assert_int_equal(store_authorization_cover(
				 store, bench.fixture->authorization, bench.fixture->credential),
		0);
	run(&bench, calls, MAX(batch, 1));
	report(&bench, calls);
	return fixture_close(&state);
}
