/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor as the one who is told what it should not be: its dispatch, with nothing behind
 * it. */
#include "stage.h"

#include "supervisor/services.c"

#include "packets.h"

#define COUNT 10000

struct scene {
	struct supervisor supervisor;
	struct stage stage;
	struct packets packets;
	int peer; /* the service's end */
	struct timer *late;
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	stage_open(&scene->stage);
	assert_int_equal(loop_create(&scene->supervisor.loop), 0);
	text_copy(scene->supervisor.program_directory, sizeof scene->supervisor.program_directory,
		"/nonexistent");
	log_open("test", LOG_LEVEL_ERROR + 1);
	services_init(&scene->supervisor);
	scene->peer = -1;
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	fd_closep(&scene->peer);
	services_finish(&scene->supervisor);
	loop_destroy(scene->supervisor.loop);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

static void on_gone_stop(void *context, struct channel *channel)
{
	struct service *service = context;

	on_gone(context, channel);
	loop_stop(service->supervisor->loop);
}

static void meet(struct scene *scene, struct service *service)
{
	int ends[2];

	fd_closep(&scene->peer);
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(
		channel_create(scene->supervisor.loop, ends[0], PARTY_SUPERVISOR, service->party,
			on_message, on_gone_stop, service, &service->channel),
		0);
	scene->peer = ends[1];
}

static void on_late(void *context)
{
	struct scene *scene = context;

	scene->late = NULL;
	loop_stop(scene->supervisor.loop);
}

/* Until the channel is closed; or for a moment, when what was said need not do that. */
static void turn(struct scene *scene, bool permitted)
{
	loop_after(scene->supervisor.loop, permitted ? 1 : 30000, on_late, scene, &scene->late);
	assert_int_equal(loop_run(scene->supervisor.loop), 0);
	timer_cancel(STEAL(scene->late));
}

/* Whatever a service says: what is no message of its own closes its channel, and nothing else. */
static void told_by(struct scene *scene, struct service *service)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < COUNT / SERVICE_COUNT; i++) {
		if (service->channel == NULL)
			meet(scene, service);
		bool permitted = packets_make(&scene->packets, service->party, PARTY_SUPERVISOR);
		assert_true(packets_say(&scene->packets, scene->peer));
		turn(scene, permitted);
		if (!permitted)
			assert_null(service->channel);
		scene->supervisor.stopping = 0; /* should it have been a true STOP_ASK */
		refused += !permitted;
	}
	assert_true(refused > COUNT / SERVICE_COUNT / 2);
	assert_null(scene->supervisor.workers);
	channel_destroy(STEAL(service->channel));
}

static void one_strike_ends_the_sender(void **state)
{
	struct scene *scene = *state;

	packets_seed(&scene->packets, (uint64_t)getpid());
	print_message("seed %d\n", getpid());
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		told_by(scene, scene->supervisor.services[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			one_strike_ends_the_sender, open_scene, close_scene),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
