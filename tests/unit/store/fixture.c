/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <libpq-fe.h>

#include "base/mem.h"

void fixture_hash(uint8_t out[HASH_LEN], unsigned number)
{
	memset(out, 0x5a, HASH_LEN);
	memcpy(out, &number, sizeof number);
}

int fixture_fill(struct fixture *fixture)
{
	struct store *store = fixture->store;
	struct device_row device = { .hostname = "DB1", .ip = "192.0.2.7", .created_at = NOW };
	assert_int_equal(store_user_add(store, "ana", "Ana Sousa", NOW, &fixture->user), 0);
	assert_int_equal(store_device_add(store, &device, &fixture->device), 0);
	assert_int_equal(store_connectivity_add(store, fixture->device, "ssh", 22), 0);
	struct credential_row credential = { .device_id = fixture->device,
		.identifier = "first",
		.username = "root",
		.kind = 1,
		.created_at = NOW };
	assert_int_equal(store_credential_add(store, &credential, &fixture->credential), 0);
	assert_int_equal(
		store_application_add(store, "portal", "oauth2", NOW, &fixture->application), 0);
	struct authorization_row authorization = { .application_id = fixture->application,
		.client_id = "c0ffee",
		.reads = RESOURCE_WEB_PROXY_SESSION,
		.writes = RESOURCE_WEB_PROXY_SESSION,
		.created_at = NOW };
	fixture_hash(authorization.client_secret_hash, 1);
	assert_int_equal(
		store_authorization_add(store, &authorization, &fixture->authorization), 0);
	return 0;
}

void fixture_sql(const char *words)
{
	PGconn *connection = PQconnectdb(getenv("SALLYPORT_TEST_STORE"));
	PGresult *result = PQexec(connection, words);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", words, PQerrorMessage(connection));
	PQclear(result);
	PQfinish(connection);
}

bool fixture_is_file(const struct fixture *fixture)
{
	return strcmp(fixture->where, "sqlite") == 0;
}

/* In a PostgreSQL database that was given: each test in a schema of its own, made anew. */
void fixture_clear(struct fixture *fixture)
{
	const char *url = getenv("SALLYPORT_TEST_STORE");

	snprintf(fixture->where, sizeof fixture->where, "sqlite");
	if (url == NULL)
		return;
	fixture_sql("SET client_min_messages = error; DROP SCHEMA IF EXISTS test CASCADE;"
		    " CREATE SCHEMA test");
	snprintf(fixture->where, sizeof fixture->where, "%s&options=-csearch_path%%3Dtest", url);
}

int fixture_open(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	assert_non_null(fixture);
	assert_int_equal(text_copy(fixture->directory, sizeof fixture->directory,
				 "/tmp/sallyport-store-XXXXXX"),
		0);
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->file, sizeof fixture->file, "%s/sallyport.db", fixture->directory);
	fixture_clear(fixture);
	assert_int_equal(store_open(fixture->where, fixture->directory, &fixture->store), 0);
	*state = fixture;
	return fixture_fill(fixture);
}

int fixture_close(void **state)
{
	struct fixture *fixture = *state;
	static const char *const endings[] = { "", "-wal", "-shm" };
	store_close(fixture->store);
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		char path[128];
		snprintf(path, sizeof path, "%s%s", fixture->file, endings[i]);
		unlink(path);
	}
	int r = rmdir(fixture->directory); /* nothing else was written there */
	free(fixture);
	return r;
}

struct session_row fixture_session(const struct fixture *fixture, unsigned number)
{
	struct session_row row = { .state = SESSION_CREATED,
		.authorization_id = fixture->authorization,
		.user_id = fixture->user,
		.device_id = fixture->device,
		.credential_id = fixture->credential,
		.credential_version = 3,
		.user = "ana",
		.application = "portal",
		.device = "DB1",
		.ip = "192.0.2.7",
		.username = "root",
		.protocol = "ssh",
		.port = 22,
		.width = 1920,
		.height = 1080,
		.remote_addr = "198.51.100.1",
		.created_at = NOW };
	snprintf(row.session_id, sizeof row.session_id, "%040u", number);
	fixture_hash(row.token_hash, number);
	return row;
}
