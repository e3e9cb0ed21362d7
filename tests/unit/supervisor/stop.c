/* SPDX-License-Identifier: Apache-2.0 */
#include "company.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervisor/stop.c"

static void ends_in_order(void **state)
{
	static const char *const told_in[] = { "sallyport-front stops", "sallyport-front ends",
		"sallyport-recorder stops", "sallyport-recorder ends", "sallyport-broker stops",
		"sallyport-broker ends", "sallyport-vault stops", "sallyport-vault ends" };
	struct company *scene = *state;

	start_all(scene);
	services_stop(&scene->supervisor);
	services_stop(&scene->supervisor); /* a second SIGTERM changes nothing */
	run_until(scene, NULL);
	for (unsigned i = 1; i < ARRAY_LEN(told_in); i++)
		assert_true(stage_moment(told_in[i - 1]) < stage_moment(told_in[i]));
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		assert_int_equal(scene->supervisor.services[i]->pid, 0);
		assert_int_equal(scene->reaped[i], i == SERVICE_WITNESS ? 0 : 1); /* nobody asked */
	}
}

/* The front seals nothing, but its time is its own: another's death does not cut it short. */
static void another_death_hurries_nobody(void **state)
{
	struct company *scene = *state;
	struct service **services = scene->supervisor.services;

	stage_plan("sallyport-front", "deaf");
	start_all(scene);
	services_stop(&scene->supervisor);
	run_until(scene, "front stops");
	kill(services[SERVICE_VAULT]->pid, SIGKILL);
	for (int i = 0; i < 1000 && services[SERVICE_VAULT]->pid != 0; i++)
		run_for(scene, 10);
	run_for(scene, 100);
	assert_int_equal(services[SERVICE_VAULT]->pid, 0);
	assert_true(services[SERVICE_FRONT]->pid > 0);
	assert_int_equal(scene->reaped[SERVICE_FRONT], 0);
	assert_true(services[SERVICE_RECORDER]->wanted); /* not asked yet */

	timer_cancel(STEAL(scene->supervisor.stop_timer));
	on_overdue(&scene->supervisor); /* its time is over */
	run_until(scene, NULL);
	assert_true(stage_moment("front stops") < stage_moment("recorder stops"));
	assert_int_equal(services[SERVICE_FRONT]->pid, 0);
	stage_moment("sallyport-broker ends");
}

static void deaf_ones_are_killed_in_time(void **state)
{
	struct company *scene = *state;
	uint64_t start;

	stage_plan("sallyport-vault", "deaf");
	start_all(scene);
	start = clock_monotonic_ms();
	services_stop(&scene->supervisor);
	run_until(scene, NULL);
	assert_true(clock_monotonic_ms() - start >= STOP_MS);
	assert_int_equal(scene->last_status, SIGKILL);
	assert_int_equal(scene->supervisor.services[SERVICE_VAULT]->pid, 0);
}

/* Of whichever generation: the older ones end with those in charge, at the same stage. */
static void older_ones_end_with_them(void **state)
{
	struct company *scene = *state;
	struct supervisor *supervisor = &scene->supervisor;
	struct service *old;

	stage_plan("sallyport-recorder", "stays");
	start_all(scene);
	old = supervisor->services[SERVICE_RECORDER];
	assert_int_equal(service_create(supervisor, SERVICE_RECORDER, 1,
				 &supervisor->services[SERVICE_RECORDER]),
		0);
	assert_int_equal(service_start(supervisor->services[SERVICE_RECORDER]), 0);
	service_go(supervisor->services[SERVICE_RECORDER]);
	services_retire(supervisor, old);
	run_until(scene, "recorder retires");
	run_for(scene, 200);
	assert_int_equal(services_retired(supervisor), 1);
	services_stop(supervisor);
	run_until(scene, NULL);
	assert_int_equal(old->pid, 0);
	assert_true(stage_moment("recorder ends") < stage_moment("broker stops"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(ends_in_order),
		CASE(another_death_hurries_nobody),
		CASE(deaf_ones_are_killed_in_time),
		CASE(older_ones_end_with_them),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
