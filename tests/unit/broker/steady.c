/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

static int64_t wall;
static uint64_t machine;

static int64_t fake_wall(void)
{
	return wall;
}

static uint64_t fake_machine(void)
{
	return machine;
}

static int64_t real_wall(void)
{
	return clock_wall_ms();
}

#define clock_wall_ms fake_wall
#define clock_machine_ms fake_machine
#include "broker/steady.c"

#define HOUR INT64_C(3600000)

/* The newest row, of this event. */
static struct audit_row newest(struct house *house, const char *event)
{
	struct audit_row row;

	turn_close(house->broker);
	assert_int_equal(store_audit_last(house->broker->store, &row), 0);
	assert_string_equal(row.event, event);
	return row;
}

static void begin(struct house *house)
{
	assert_int_equal(steady_begin(house->broker), 0);
	turn_close(house->broker);
}

static int open(void **state)
{
	house_open(state);
	wall = real_wall();
	machine = 5000;
	begin(*state);
	return 0;
}

static void goes_on_by_itself(void **state)
{
	struct house *house = *state;

	assert_int_equal(steady_now(house->broker), wall);
	wall -= HOUR;
	machine += 10;
	assert_int_equal(steady_now(house->broker), wall + HOUR + 10);
}

static void says_jumps_over_a_second(void **state)
{
	struct house *house = *state;
	struct audit_row row;

	machine += 1000;
	wall += 2000;
	steady_look(house->broker); /* exactly one second more: none yet */
	assert_false(house->broker->turn.open);
	wall += 1;
	steady_look(house->broker);
	row = newest(house, "clock.jumped");
	assert_non_null(strstr(row.detail, "\"by_ms\":1001"));
	assert_string_equal(row.object, "clock");
	steady_look(house->broker);
	assert_false(house->broker->turn.open); /* once */
	wall -= HOUR;
	steady_look(house->broker);
	row = newest(house, "clock.jumped");
	assert_non_null(strstr(row.detail, "\"by_ms\":-3600000"));
	assert_non_null(strstr(row.detail, "while running"));
	assert_int_equal(house->broker->steady.jumped_at, machine);
}

/* Of two tickets and two tokens: how many are worth something by then. */
static unsigned alive(struct house *house, int64_t now)
{
	struct authorization_row found = { 0 };
	struct ticket_row ticket;
	unsigned count = 0;

	for (uint8_t i = 1; i <= 2; i++) {
		const uint8_t hash[HASH_LEN] = { i };
		if (store_ticket_peek(house->broker->store, hash, &ticket) == 0)
			count += ticket.expires_at > now;
		if (store_token_find(house->broker->store, hash, now, &found) == 0)
			count++;
		store_authorization_finish(&found);
	}
	return count;
}

static void make(struct house *house, uint8_t which, int64_t expires_at)
{
	const uint8_t hash[HASH_LEN] = { which };

	assert_int_equal(store_ticket_add(house->broker->store, hash, 1, "", expires_at), 0);
	assert_int_equal(
		store_token_add(house->broker->store, hash, house->authorization, expires_at), 0);
}

static void a_start_makes_nothing_live_longer(void **state)
{
	struct house *house = *state;
	struct audit_row row;

	assert_int_equal(house_post(house, "/api/pam/remote/session",
				 "user=ana&credential=root&device=db1&protocol=ssh")
				 ->status,
		200);
	make(house, 1, wall + 20000);
	make(house, 2, wall + 2 * HOUR); /* made when the clock was two hours ahead */
	begin(house);
	assert_int_equal(alive(house, wall), 2);
	/* A clock that is behind what is on record is no clock to trust. */
	turn_close(house->broker);
	assert_int_equal(store_audit_last(house->broker->store, &row), 0);
	wall = row.at - HOUR;
	begin(house);
	assert_int_equal(alive(house, 1), 0);
	assert_non_null(strstr(newest(house, "clock.jumped").detail, "at the start"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(goes_on_by_itself),
		CASE(says_jumps_over_a_second),
		CASE(a_start_makes_nothing_live_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
