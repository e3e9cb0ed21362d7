/* SPDX-License-Identifier: Apache-2.0 */
#include "store/link.c"

#include <sys/socket.h>
#include <sys/un.h>

#include "fixture.h"

/* A server that takes connections and never says a word, or says them and goes. */
struct server {
	char directory[64];
	int listener;
	struct way *way;
};

static int server_open(void **state)
{
	struct server *server = calloc(1, sizeof *server);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char where[160];

	assert_non_null(server);
	snprintf(server->directory, sizeof server->directory, "/tmp/sallyport-link-XXXXXX");
	assert_non_null(mkdtemp(server->directory));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", server->directory);
	server->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(server->listener, 4), 0);
	snprintf(where, sizeof where, "postgresql://gate@/facts?host=%s", server->directory);
	assert_int_equal(way_find(where, ".", &server->way), 0);
	*state = server;
	return 0;
}

static int server_close(void **state)
{
	struct server *server = *state;
	char path[96];

	way_destroy(server->way);
	close(server->listener);
	snprintf(path, sizeof path, "%s/.s.PGSQL.5432", server->directory);
	unlink(path);
	int r = rmdir(server->directory);
	free(server);
	return r;
}

static void a_silent_server_is_not_waited_for(void **state)
{
	struct server *server = *state;
	struct link link;
	uint64_t start = clock_monotonic_ms();

	assert_int_equal(link_open(server->way, &link), -ERR_STORE_LOST);
	assert_true(clock_monotonic_ms() - start >= LINK_WAIT_MS);
}

static void nobody_there_is_said_at_once(void **state)
{
	struct server *server = *state;
	struct link link;

	assert_int_equal(shutdown(server->listener, SHUT_RDWR), 0);
	assert_int_equal(link_open(server->way, &link), -ERR_STORE_LOST);
}

static void a_lost_link_stays_lost(void **state)
{
	struct server *server = *state;
	struct link link = { .connection = way_begin(server->way), .wait_ms = 1 };
	PGresult *result = NULL;

	assert_int_equal(link_script(&link, "SELECT 1"), -ERR_STORE_LOST); /* not connected yet */
	assert_true(link.lost);
	assert_int_equal(link_result(&link, &result), -ERR_STORE_LOST);
	assert_null(result);
	link_close(&link);
	assert_null(link.connection);
}

static void results_stand_for_errors(void **state)
{
	static const struct {
		ExecStatusType status;
		int error;
	} rows[] = {
		{ PGRES_COMMAND_OK, 0 }, { PGRES_TUPLES_OK, 0 }, { PGRES_EMPTY_QUERY, 0 },
		{ PGRES_PIPELINE_SYNC, 0 }, { PGRES_PIPELINE_ABORTED, -ERR_STORE },
		{ PGRES_FATAL_ERROR, -ERR_STORE }, /* with nothing said about it */
	};

	(void)state;
	assert_int_equal(pq_load(), 0);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		PGresult *result = PQmakeEmptyPGresult(NULL, rows[i].status);
		assert_int_equal(result_error(result), rows[i].error);
		PQclear(result);
	}
}

#define SERVED(function) cmocka_unit_test_setup_teardown(function, server_open, server_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(a_silent_server_is_not_waited_for),
		SERVED(nobody_there_is_said_at_once),
		SERVED(a_lost_link_stays_lost),
		cmocka_unit_test(results_stand_for_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
