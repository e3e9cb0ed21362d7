/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"

#define CROWD 50

struct fixture {
	struct loop *loop;
	int pipes[CROWD][2];
	struct watch *watches[CROWD];
	struct timer *timers[2 * CROWD];
	int calls, order[2 * CROWD], fired;
};

static int begin(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	return fixture == NULL || loop_create(&fixture->loop) < 0 ? -1 : 0;
}

static int end(void **state)
{
	struct fixture *fixture = *state;

	loop_destroyp(&fixture->loop);
	for (int i = 0; i < CROWD; i++) {
		if (fixture->pipes[i][0] > 0) {
			close(fixture->pipes[i][0]);
			close(fixture->pipes[i][1]);
		}
	}
	free(fixture);
	return 0;
}

static void stop_loop(void *context)
{
	struct fixture *fixture = context;

	loop_stop(fixture->loop);
}

static void open_crowd(struct fixture *fixture, watch_fn *fn, uint32_t events)
{
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(pipe(fixture->pipes[i]), 0);
		assert_int_equal(write(fixture->pipes[i][1], "x", 1), 1);
		assert_int_equal(loop_watch(fixture->loop, fixture->pipes[i][0], events, fn,
					 fixture, &fixture->watches[i]),
			0);
	}
}

/* The first to be called removes everyone, itself included, and closes the descriptors. */
static void remove_everyone(void *context, uint32_t events)
{
	struct fixture *fixture = context;

	fixture->calls++;
	for (int i = 0; i < CROWD; i++) {
		watch_remove(fixture->watches[i]);
		watch_remove(fixture->watches[i]); /* twice is harmless within the turn */
		close(fixture->pipes[i][0]);
		close(fixture->pipes[i][1]);
		fixture->pipes[i][0] = 0;
	}
	loop_after(fixture->loop, 5, stop_loop, fixture, &fixture->timers[0]);
}

static void removing_in_a_callback_is_safe(void **state)
{
	struct fixture *fixture = *state;

	open_crowd(fixture, remove_everyone, EPOLLIN);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 1);
}

static void quieten_everyone(void *context, uint32_t events)
{
	struct fixture *fixture = context;

	fixture->calls++;
	for (int i = 0; i < CROWD; i++)
		watch_set(fixture->watches[i], 0);
	loop_after(fixture->loop, 5, stop_loop, fixture, &fixture->timers[0]);
}

static void no_event_after_it_was_switched_off(void **state)
{
	struct fixture *fixture = *state;

	open_crowd(fixture, quieten_everyone, EPOLLIN);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 1);
	for (int i = 0; i < CROWD; i++)
		watch_remove(fixture->watches[i]);
}

static void count_and_stop(void *context, uint32_t events)
{
	struct fixture *fixture = context;

	fixture->calls = (int)events;
	loop_stop(fixture->loop);
}

static void hang_up_arrives_unasked(void **state)
{
	struct fixture *fixture = *state;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	close(ends[1]);
	assert_int_equal(loop_watch(fixture->loop, ends[0], 0, count_and_stop, fixture,
				 &fixture->watches[0]),
		0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_true(fixture->calls & EPOLLHUP);
	watch_remove(fixture->watches[0]);
	watch_remove(NULL);
	close(ends[0]);
}

static void serves_descriptors_above_1024(void **state)
{
	struct fixture *fixture = *state;
	int ends[2], high;

	assert_int_equal(pipe(ends), 0);
	high = dup2(ends[0], 1500);
	if (high < 0)
		skip();
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(loop_watch(fixture->loop, high, EPOLLIN, count_and_stop, fixture,
				 &fixture->watches[0]),
		0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, EPOLLIN);
	watch_remove(fixture->watches[0]);
	close(high);
	close(ends[0]);
	close(ends[1]);
}

static void refuses_what_cannot_be_watched(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_watch(fixture->loop, 9999, EPOLLIN, count_and_stop, fixture,
				 &fixture->watches[0]),
		-ERR_SYSTEM);
	assert_null(fixture->watches[0]);
}

struct numbered {
	struct fixture *fixture;
	int number;
};

static void note(void *context)
{
	struct numbered *numbered = context;
	struct fixture *fixture = numbered->fixture;

	fixture->order[fixture->fired++] = numbered->number;
}

/* Made in a scrambled order, a third of them cancelled: the rest fire by due time, then by age. */
static void timers_fire_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct numbered numbered[2 * CROWD];

	for (int i = 0; i < 2 * CROWD; i++) {
		int scrambled = (i * 37) % (2 * CROWD);

		numbered[i] = (struct numbered){ fixture, scrambled };
		assert_int_equal(loop_after(fixture->loop, 1 + (uint64_t)scrambled / 4, note,
					 &numbered[i], &fixture->timers[i]),
			0);
	}
	for (int i = 0; i < 2 * CROWD; i += 3)
		timer_cancel(fixture->timers[i]);
	timer_cancel(NULL);
	assert_int_equal(loop_after(fixture->loop, 60, stop_loop, fixture, &fixture->timers[0]), 0);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->fired, 66);
	for (int i = 1; i < fixture->fired; i++)
		assert_true(fixture->order[i] / 4 >= fixture->order[i - 1] / 4);
}

static void timers_never_fire_early(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 10; i++) {
		uint64_t start = clock_monotonic_us();

		assert_int_equal(
			loop_after(fixture->loop, 3, stop_loop, fixture, &fixture->timers[0]), 0);
		assert_int_equal(loop_run(fixture->loop), 0);
		assert_true(clock_monotonic_us() - start >= 3000);
	}
}

static void cancel_itself_and_another(void *context)
{
	struct fixture *fixture = context;

	fixture->fired++;
	timer_cancel(fixture->timers[0]);
	timer_cancel(fixture->timers[1]);
}

static void cancelling_in_a_callback_is_safe(void **state)
{
	struct fixture *fixture = *state;

	loop_after(fixture->loop, 0, cancel_itself_and_another, fixture, &fixture->timers[0]);
	loop_after(fixture->loop, 0, cancel_itself_and_another, fixture, &fixture->timers[1]);
	loop_after(fixture->loop, 5, stop_loop, fixture, &fixture->timers[2]);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->fired, 1);
}

static void again_at_once(void *context)
{
	struct fixture *fixture = context;

	fixture->fired++;
	loop_after(fixture->loop, 0, again_at_once, fixture, &fixture->timers[0]);
}

static void a_timer_of_nothing_starves_nobody(void **state)
{
	struct fixture *fixture = *state;

	open_crowd(fixture, count_and_stop, EPOLLIN);
	again_at_once(fixture);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, EPOLLIN);
	assert_true(fixture->fired < 10);
	for (int i = 0; i < CROWD; i++)
		watch_remove(fixture->watches[i]);
}

static void every_turn(void *context)
{
	struct fixture *fixture = context;

	if (++fixture->calls == 4)
		loop_stop(fixture->loop);
}

static void turns_follow_callbacks(void **state)
{
	struct fixture *fixture = *state;

	loop_every_turn(fixture->loop, every_turn, fixture);
	again_at_once(fixture);
	assert_false(loop_stopping(fixture->loop));
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 4);
	assert_in_range(fixture->fired, 4, 6);
}

static void a_stop_before_the_run_counts_once(void **state)
{
	struct fixture *fixture = *state;

	loop_stop(fixture->loop);
	assert_true(loop_stopping(fixture->loop));
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_false(loop_stopping(fixture->loop));
	loop_after(fixture->loop, 1, stop_loop, fixture, &fixture->timers[0]);
	assert_int_equal(loop_run(fixture->loop), 0);
}

/* What owners left behind is freed with the loop: the leak check sees it. */
static void destroys_what_is_left(void **state)
{
	struct fixture *fixture = *state;

	open_crowd(fixture, remove_everyone, EPOLLIN);
	watch_remove(fixture->watches[CROWD / 2]);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(loop_after(fixture->loop, UINT64_MAX, stop_loop, fixture,
					 &fixture->timers[i]),
			0);
	timer_cancel(fixture->timers[7]);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(removing_in_a_callback_is_safe),
		STORY(no_event_after_it_was_switched_off),
		STORY(hang_up_arrives_unasked),
		STORY(serves_descriptors_above_1024),
		STORY(refuses_what_cannot_be_watched),
		STORY(timers_fire_in_order),
		STORY(timers_never_fire_early),
		STORY(cancelling_in_a_callback_is_safe),
		STORY(a_timer_of_nothing_starves_nobody),
		STORY(turns_follow_callbacks),
		STORY(a_stop_before_the_run_counts_once),
		STORY(destroys_what_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
