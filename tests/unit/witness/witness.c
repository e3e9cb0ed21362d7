/* SPDX-License-Identifier: Apache-2.0 */
int witness_main(int argc, char **argv);
#define main witness_main
#include "witness/witness.c"
#undef main

#include <sys/socket.h>

#include "stand.h"

/* The process without its beginning: a mirror and a file, and the test as broker and recorders. */
struct world {
	struct stand *stand;
	struct witness *witness;
	struct channel *broker, *recorder;
	struct msg_witness_state state;
	struct msg_witness_ask ask;
	unsigned states, asks;
	int64_t have; /* rows of the broker's trail */
};

static int hear(void *context, struct channel *channel, struct message *message)
{
	struct world *world = context;

	if (message->type == MSG_WITNESS_STATE) {
		world->state = *(const struct msg_witness_state *)message->payload;
		world->states++;
	} else {
		world->ask = *(const struct msg_witness_ask *)message->payload;
		world->asks++;
	}
	return 0;
}

static void hear_no_more(void *context, struct channel *channel)
{
}

static struct channel *introduce(struct world *world, enum party party)
{
	struct msg_peer peer = { .party = (uint8_t)party, .generation = 1 };
	struct channel *channel;
	int ends[2];

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(channel_create(world->stand->loop, ends[1], party, PARTY_WITNESS, hear,
				 hear_no_more, world, &channel),
		0);
	meet(world->witness, &peer, ends[0]);
	return channel;
}

static void begin_file(struct world *world, enum outlet_id id, const char *name)
{
	struct witness *witness = world->witness;
	struct outlet *outlet = &witness->outlets[id];
	struct file *file = &witness->files[id];

	file_init(file, dup(world->stand->fd), name);
	outlet->kind = &file_kind;
	outlet->self = file;
	outlet->rows = outlet->whole = id == OUTLET_MIRROR;
	outlet->recordings = id == OUTLET_FILE;
	outlet->most = WITNESS_ROWS_MAX;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	struct witness *witness = calloc(1, sizeof *witness);

	stand_open((void **)&world->stand);
	world->witness = witness;
	witness->process.loop = world->stand->loop;
	witness->host = (struct outlet_host){ world->stand->loop, &witness->newest, on_ask, on_took,
		on_changed, witness };
	assert_int_equal(positions_open(&witness->positions, world->stand->fd), 0);
	begin_file(world, OUTLET_MIRROR, "mirror");
	begin_file(world, OUTLET_FILE, "heads");
	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		witness->outlets[i].id = i;
	outlets_begin(witness);
	world->broker = introduce(world, PARTY_BROKER);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	struct witness *witness = world->witness;

	timer_cancel(witness->tick);
	outlets_end(witness);
	positions_close(&witness->positions);
	channel_destroy(witness->broker);
	for (unsigned i = 0; i < WITNESS_RECORDERS_MAX; i++)
		channel_destroy(witness->recorders[i]);
	channel_destroy(world->broker);
	channel_destroy(world->recorder);
	stand_close((void **)&world->stand);
	free(witness);
	free(world);
	return 0;
}

static void give(struct world *world, int64_t from, int64_t to)
{
	CLEANUP(buf_finish) struct buf rows = BUF(WITNESS_ROWS_MAX);
	struct msg_witness_rows answer = { .newest = stand_position(to) };

	stand_put(&rows, from, to);
	assert_int_equal(channel_send(world->broker, MSG_WITNESS_ROWS, 0, &answer, rows.data,
				 rows.len, NULL, 0),
		0);
}

static void tell_head(struct world *world, int64_t sequence)
{
	struct line head = stand_head(sequence);

	assert_int_equal(channel_tell(world->broker, MSG_WITNESS_HEAD, &head.audit), 0);
}

static unsigned in_file(const struct world *world, const char *name, const char *kind)
{
	CLEANUP(mem_freep) char *text = stand_text(world->stand, name);

	return stand_lines(text, kind);
}

static void test_a_head_and_its_rows(void **state)
{
	struct world *world = *state;

	tell_head(world, 3);
	STAND_UNTIL(world->stand, world->asks == 1);
	assert_int_equal(in_file(world, "heads", "audit.head"), 1);
	give(world, 1, 3);
	STAND_UNTIL(world->stand, in_file(world, "mirror", "audit.row") == 3);
	/* said at once, because that is all there is */
	STAND_UNTIL(world->stand, world->state.outlets[OUTLET_MIRROR].sequence == 3);
	assert_true(world->state.outlets[OUTLET_FILE].up);
	assert_true(world->witness->positions.known[OUTLET_MIRROR]);
}

static void test_recordings(void **state)
{
	struct world *world = *state;
	struct line line = stand_recording('a', 1);

	world->recorder = introduce(world, PARTY_RECORDER);
	assert_int_equal(channel_tell(world->recorder, MSG_RECORDING_HEAD, &line.recording), 0);
	STAND_UNTIL(world->stand, in_file(world, "heads", "recording.head") == 1);
	assert_int_equal(in_file(world, "mirror", "recording.head"), 0);
	/* a text without an end is no head */
	memset(line.recording.session_id, 'a', SESSION_ID_SIZE);
	channel_tell(world->recorder, MSG_RECORDING_HEAD, &line.recording);
	STAND_UNTIL(world->stand, world->witness->recorders[0] == NULL);
}

static void test_several_recorders_and_no_more(void **state)
{
	struct world *world = *state;
	struct channel *channels[WITNESS_RECORDERS_MAX];

	for (unsigned i = 0; i < WITNESS_RECORDERS_MAX; i++)
		channels[i] = introduce(world, PARTY_RECORDER);
	world->recorder = introduce(world, PARTY_RECORDER); /* refused, and nobody else loses */
	for (unsigned i = 0; i < WITNESS_RECORDERS_MAX; i++)
		assert_non_null(world->witness->recorders[i]);
	for (unsigned i = 0; i < WITNESS_RECORDERS_MAX; i++)
		channel_destroy(channels[i]);
	STAND_UNTIL(world->stand, world->witness->recorders[3] == NULL);
	channel_destroy(world->recorder);
	world->recorder = introduce(world, PARTY_FRONT);
	assert_null(world->witness->recorders[0]);
}

static void test_another_broker(void **state)
{
	struct world *world = *state;

	tell_head(world, 2);
	STAND_UNTIL(world->stand, world->asks == 1);
	channel_destroy(world->broker);
	world->broker = NULL;
	STAND_UNTIL(world->stand, world->witness->broker == NULL);
	assert_int_equal(world->witness->newest.sequence, 0);
	world->broker = introduce(world, PARTY_BROKER);
	tell_head(world, 2);
	STAND_UNTIL(world->stand, world->asks == 2);
	give(world, 1, 2);
	STAND_UNTIL(world->stand, in_file(world, "mirror", "audit.row") == 2);
	channel_destroy(world->broker);
	world->broker = introduce(world, PARTY_BROKER); /* before the old one was missed */
	tell_head(world, 2);
	STAND_UNTIL(world->stand, world->ask.check == 1);
}

static void test_a_broker_that_breaks_the_rules(void **state)
{
	struct world *world = *state;
	struct msg_witness_rows answer = { .outlet = OUTLET_COUNT };

	assert_int_equal(channel_tell(world->broker, MSG_WITNESS_ROWS, &answer), 0);
	tell_head(world, 1);
	STAND_UNTIL(world->stand, world->asks == 1); /* passed over */
}

static void test_the_state_once_a_second(void **state)
{
	struct world *world = *state;
	unsigned before = world->states;

	on_tick(world->witness);
	STAND_UNTIL(world->stand, world->states > before);
	assert_true(world->state.outlets[OUTLET_MIRROR].wanted);
	assert_false(world->state.outlets[OUTLET_SYSLOG].wanted);
	assert_non_null(world->witness->tick);
}

static void test_the_end_waits_for_the_last_lines(void **state)
{
	struct world *world = *state;
	struct witness *witness = world->witness;

	tell_head(world, 1);
	STAND_UNTIL(world->stand, world->asks == 1);
	on_stop(witness);
	assert_false(loop_stopping(world->stand->loop));
	give(world, 1, 1);
	/* the loop stops by itself */
	assert_int_equal(loop_run(world->stand->loop), 0);
	assert_int_equal(in_file(world, "mirror", "audit.row"), 1);
}

static void test_the_end_comes_all_the_same(void **state)
{
	struct world *world = *state;

	tell_head(world, 1);
	STAND_UNTIL(world->stand, world->asks == 1);
	on_stop(world->witness);
	world->witness->stop_at = 1;
	on_tick(world->witness);
	assert_true(loop_stopping(world->stand->loop));
}

static void test_names_are_looked_up_again(void **state)
{
	struct world *world = *state;
	struct witness *witness = world->witness;
	struct outlet *outlet = &witness->outlets[OUTLET_SYSLOG];

	outlet->kind = &file_kind; /* whatever it is: it is away */
	outlet->up = false;
	witness->syslog.lookup.literal = true;
	look_for_names(witness);
	assert_int_equal(witness->named_down_at, 0);
	witness->syslog.lookup.literal = false;
	look_for_names(witness);
	assert_true(witness->named_down_at > 0);
	look_for_names(witness);
	assert_false(loop_stopping(world->stand->loop));
	witness->named_down_at = clock_monotonic_ms() - WITNESS_LOOKUP_MS - 1;
	look_for_names(witness);
	assert_true(loop_stopping(world->stand->loop));
	outlet->up = true;
	look_for_names(witness);
	assert_int_equal(witness->named_down_at, 0);
	outlet->kind = NULL;
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_a_head_and_its_rows),
		WORLD(test_recordings),
		WORLD(test_several_recorders_and_no_more),
		WORLD(test_another_broker),
		WORLD(test_a_broker_that_breaks_the_rules),
		WORLD(test_the_state_once_a_second),
		WORLD(test_the_end_waits_for_the_last_lines),
		WORLD(test_the_end_comes_all_the_same),
		WORLD(test_names_are_looked_up_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
