/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/error.h"
#include "store/store.h"

/* A store in a directory of its own, with one of everything a session stands on. */
struct fixture {
	char directory[64], file[96];
	char where[256]; /* "sqlite", or beneath SALLYPORT_TEST_STORE */
	struct store *store;
	int64_t user, device, credential, application, authorization;
};
#define NOW 1700000000000

int fixture_open(void **state);  /* cmocka setup: *state is a struct fixture */
int fixture_close(void **state); /* teardown */
/* Of a PostgreSQL store: nothing is there any more; says in `where` which store it is. */
void fixture_clear(struct fixture *fixture);
bool fixture_is_file(const struct fixture *fixture); /* or a server's */
void fixture_sql(const char *words);                 /* said to that server */
int fixture_fill(struct fixture *fixture);
struct session_row fixture_session(const struct fixture *fixture, unsigned number);
void fixture_hash(uint8_t out[HASH_LEN], unsigned number);

#define CASE(function) cmocka_unit_test_setup_teardown(function, fixture_open, fixture_close)
