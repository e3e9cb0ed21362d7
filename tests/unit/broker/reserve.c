/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int allocation_error; /* errno of the next allocations; 0: they succeed */
static bool full;
static uint64_t clock_ms;

static int fake_allocate(int fd, int mode, off_t at, off_t len)
{
	errno = allocation_error;
	return allocation_error != 0 ? -1 : ftruncate(fd, at + len);
}

static bool fake_full(struct store *store)
{
	bool was = full;

	full = false;
	return was;
}

static uint64_t fake_now(void)
{
	return clock_ms;
}

#define fallocate fake_allocate
#define store_take_full fake_full
#define clock_monotonic_ms fake_now
#include "broker/reserve.c"

static off_t size(struct house *house)
{
	struct stat stat;

	assert_int_equal(fstat(house->broker->reserve.fd, &stat), 0);
	return stat.st_size;
}

static int open_house(void **state)
{
	house_open(state);
	struct house *house = *state;
	allocation_error = 0;
	full = false;
	clock_ms = 1000;
	assert_int_equal(chdir(house->directory), 0);
	reserve_open(house->broker);
	return 0;
}

static int close_house(void **state)
{
	reserve_close(((struct house *)*state)->broker);
	assert_int_equal(unlink(RESERVE_NAME), 0);
	assert_int_equal(chdir("/"), 0);
	return house_close(state);
}

static unsigned create(struct house *house)
{
	return house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh")
		->status;
}

static void is_there_when_all_is_well(void **state)
{
	struct house *house = *state;

	assert_int_equal(size(house), RESERVE_BYTES);
	assert_int_equal(reserve_refuses(house->broker), 0);
	reserve_look(house->broker);
	assert_int_equal(size(house), RESERVE_BYTES);
	assert_int_equal(create(house), 200);
}

/* A session that runs, as far as the broker knows. */
static int64_t running(struct house *house)
{
	struct moving moving = { .actor = "user:ana" };
	struct session_row row;
	struct session *session;

	assert_int_equal(create(house), 200);
	assert_int_equal(store_session_get(house->broker->store, 1, &row), 0);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(session_create(house->broker, &row, &session), 0);
	session->start_asked = session->recorder_knows = true;
	assert_int_equal(session_enter(house->broker, session, SESSION_REDEEMED, &moving), 0);
	turn_close(house->broker);
	return row.id;
}

static void is_given_for_the_ends_of_sessions(void **state)
{
	struct house *house = *state;
	struct session_row row;
	int64_t id = running(house);

	full = true;
	allocation_error = ENOSPC;
	reserve_look(house->broker);
	turn_close(house->broker);
	assert_int_equal(size(house), 0);
	assert_int_equal(store_session_get(house->broker->store, id, &row), 0);
	assert_int_equal(row.state, SESSION_ENDED);
	assert_int_equal(row.end_why, -ERR_STORE_FULL);
	assert_int_equal(create(house), 503);
	assert_non_null(strstr(house->reply.body, "disk of the gateway is full"));
	/* Tried again after its time, and not before; refused until it is there again. */
	clock_ms += RESERVE_RETRY_MS;
	reserve_look(house->broker);
	assert_int_equal(create(house), 503);
	allocation_error = 0;
	reserve_look(house->broker);
	assert_int_equal(create(house), 503);
	clock_ms += RESERVE_RETRY_MS;
	reserve_look(house->broker);
	assert_int_equal(size(house), RESERVE_BYTES);
	assert_int_equal(create(house), 200);
}

static void a_full_recorder_is_waited_for(void **state)
{
	struct house *house = *state;

	reserve_recorder_full(house->broker);
	assert_int_equal(create(house), 503);
	assert_non_null(strstr(house->reply.body, "recording cannot be written"));
	clock_ms += RESERVE_RETRY_MS;
	assert_int_equal(create(house), 200);
}

static void a_start_without_room(void **state)
{
	struct house *house = *state;

	reserve_close(house->broker);
	assert_int_equal(unlink("reserve"), 0);
	allocation_error = ENOSPC;
	reserve_open(house->broker);
	assert_int_equal(reserve_refuses(house->broker), -ERR_STORE_FULL);
	/* What the file system cannot do is not missed. */
	reserve_close(house->broker);
	allocation_error = EOPNOTSUPP;
	reserve_open(house->broker);
	assert_int_equal(reserve_refuses(house->broker), 0);
	/* A planted link is not followed, and no room is held then. */
	reserve_close(house->broker);
	assert_int_equal(unlink("reserve"), 0);
	assert_int_equal(symlink("elsewhere", "reserve"), 0);
	reserve_open(house->broker);
	assert_int_equal(house->broker->reserve.fd, -1);
	reserve_give(house->broker);
	assert_int_equal(access("elsewhere", F_OK), -1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(is_there_when_all_is_well),
		CASE(is_given_for_the_ends_of_sessions),
		CASE(a_full_recorder_is_waited_for),
		CASE(a_start_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
