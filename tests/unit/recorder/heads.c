/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/heads.c"

#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

/* A witness of this test, and recordings that are a chain and no more. */
struct world {
	struct loop *loop;
	struct heads heads;
	struct corridor *corridors;
	struct channel *witness;
	struct recording_head got[600];
	unsigned count;
};

static int hear(void *context, struct channel *channel, struct message *message)
{
	struct world *world = context;

	assert_int_equal(message->type, MSG_RECORDING_HEAD);
	assert_true(world->count < ARRAY_LEN(world->got));
	world->got[world->count++] = *(const struct recording_head *)message->payload;
	return 0;
}

static void hear_no_more(void *context, struct channel *channel)
{
}

static void stop(void *context)
{
	loop_stop(context);
}

static void pump(struct world *world)
{
	struct timer *timer;

	assert_int_equal(loop_after(world->loop, 5, stop, world->loop, &timer), 0);
	assert_int_equal(loop_run(world->loop), 0);
}

/* Between the recorder and the witness a channel; hears: somebody reads at its other end. */
static void meet(struct world *world, bool hears, int *ret_end)
{
	int ends[2];

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	heads_meet(&world->heads, ends[0]);
	if (hears)
		assert_int_equal(channel_create(world->loop, ends[1], PARTY_WITNESS, PARTY_RECORDER,
					 hear, hear_no_more, world, &world->witness),
			0);
	else
		*ret_end = ends[1];
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct settings settings;

	assert_true(sodium_init() >= 0);
	settings_defaults(&settings);
	text_copy(settings.witness_file, sizeof(settings.witness_file), "/somewhere");
	assert_int_equal(loop_create(&world->loop), 0);
	heads_init(&world->heads, world->loop, &settings, &world->corridors);
	*state = world;
	return 0;
}

static void forget(struct world *world, struct corridor *corridor)
{
	struct corridor **link = &world->corridors;

	while (*link != corridor)
		link = &(*link)->next;
	*link = corridor->next;
	chain_finish(&corridor->tape.chain);
	free(corridor);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	while (world->corridors != NULL)
		forget(world, world->corridors);
	heads_finish(&world->heads);
	channel_destroy(world->witness);
	loop_destroy(world->loop);
	free(world);
	return 0;
}

static struct corridor *begin(struct world *world, char session)
{
	struct corridor *corridor = calloc(1, sizeof(*corridor));

	memset(corridor->session_id, session, SESSION_ID_SIZE - 1);
	chain_init(&corridor->tape.chain, corridor->session_id, corridor->public_key);
	corridor->tape.open = true;
	corridor->key_version = 7;
	memset(corridor->facts_hash, 5, HASH_LEN);
	memset(corridor->certificate, 6, sizeof(corridor->certificate));
	corridor->next = world->corridors;
	world->corridors = corridor;
	return corridor;
}

static void sign(struct world *world, struct corridor *corridor, bool last)
{
	corridor->tape.open = !last;
	corridor->tape.chain.chunks++;
	assert_int_equal(chain_sign(&corridor->tape.chain), 0);
	size_t len;
	free(chain_take(&corridor->tape.chain, &len)); /* to the writer */
	heads_signed(&world->heads, corridor);
}

static void each_signature_is_said(void **state)
{
	struct world *world = *state;
	struct corridor *corridor = begin(world, 'a');

	meet(world, true, NULL);
	sign(world, corridor, false);
	sign(world, corridor, false);
	sign(world, corridor, true);
	pump(world);
	assert_int_equal(world->count, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct recording_head *head = &world->got[i];
		assert_string_equal(head->session_id, corridor->session_id);
		assert_int_equal(head->number, i + 1);
		assert_int_equal(head->chunks, i + 1);
		assert_int_equal(head->last, i == 2);
		assert_int_equal(head->key_version, 7);
		assert_memory_equal(head->facts_hash, corridor->facts_hash, HASH_LEN);
		assert_memory_equal(head->certificate, corridor->certificate, 64);
		/* it stands alone: the signature is of what it says */
		uint8_t body[RECORDING_SIGNATURE_LEN] = { (uint8_t)head->chunks };
		struct recording_record record = { RECORDING_SIGNATURE, sizeof(body), body };
		memcpy(body + 16, head->signature, 64);
		assert_int_equal(recording_signature_check(&record, head->public_key,
					 head->session_id, head->chunks, head->ms, head->head),
			0);
	}
}

static void nobody_who_wants_to_know(void **state)
{
	struct world *world = *state;
	struct settings settings;

	settings_defaults(&settings);
	heads_init(&world->heads, world->loop, &settings, &world->corridors);
	meet(world, true, NULL);
	sign(world, begin(world, 'a'), true);
	pump(world);
	assert_int_equal(world->count, 0);
	assert_null(world->heads.ended);
}

/* A new witness hears how each recording is, and how those ended that it did not see end. */
static void a_new_witness_hears_the_newest(void **state)
{
	struct world *world = *state;
	struct corridor *live = begin(world, 'a'), *ended = begin(world, 'b');

	begin(world, 'c'); /* has no signature yet */
	sign(world, live, false);
	sign(world, live, false);
	sign(world, ended, false);
	sign(world, ended, true);
	forget(world, ended);
	meet(world, true, NULL);
	pump(world);
	assert_int_equal(world->count, 2);
	assert_int_equal(world->got[0].session_id[0], 'b');
	assert_true(world->got[0].last && world->got[0].number == 2);
	assert_int_equal(world->got[1].session_id[0], 'a');
	assert_int_equal(world->got[1].number, 2);
}

static void the_ended_are_kept_to_a_number(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < HEADS_ENDED_MAX + 3; i++) {
		struct corridor *corridor = begin(world, 'a');
		corridor->tape.chain.chunks = i;
		sign(world, corridor, true);
		forget(world, corridor);
	}
	meet(world, true, NULL);
	for (int i = 0; i < 1000 && world->count < HEADS_ENDED_MAX; i++)
		pump(world);
	pump(world); /* and no more */
	assert_int_equal(world->count, HEADS_ENDED_MAX);
	for (unsigned i = 0; i < HEADS_ENDED_MAX; i++)
		assert_int_equal(world->got[i].chunks, i + 4); /* the oldest are gone */
}

/* Who does not read is not waited for, and hears the newest when he does. */
static void a_witness_that_does_not_read(void **state)
{
	struct world *world = *state;
	struct corridor *corridor = begin(world, 'a');
	int end;

	meet(world, false, &end);
	for (unsigned i = 0; i < 50000 && !world->heads.owes; i++)
		sign(world, corridor, false);
	assert_true(world->heads.owes);
	assert_non_null(world->heads.retry);
	sign(world, corridor, false);
	close(end);
	meet(world, true, NULL); /* another witness */
	pump(world);
	assert_int_equal(world->count, 1);
	assert_int_equal(world->got[0].number, corridor->tape.chain.signatures);
	assert_false(world->heads.owes);
}

static void what_it_owes_it_says_later(void **state)
{
	struct world *world = *state;
	struct corridor *corridor = begin(world, 'a');

	meet(world, true, NULL);
	sign(world, corridor, false);
	pump(world);
	world->heads.owes = true; /* as after a full channel */
	sign(world, corridor, false);
	pump(world);
	assert_int_equal(world->count, 1);
	on_retry(&world->heads);
	pump(world);
	assert_int_equal(world->count, 2);
	assert_int_equal(world->got[1].number, 2);
}

static void a_witness_has_nothing_to_say(void **state)
{
	struct world *world = *state;

	assert_int_equal(on_message(&world->heads, NULL, NULL), -ERR_MALFORMED);
	meet(world, true, NULL);
	channel_destroy(STEAL(world->witness));
	pump(world);
	assert_null(world->heads.channel);
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(each_signature_is_said),
		WORLD(nobody_who_wants_to_know),
		WORLD(a_new_witness_hears_the_newest),
		WORLD(the_ended_are_kept_to_a_number),
		WORLD(a_witness_that_does_not_read),
		WORLD(what_it_owes_it_says_later),
		WORLD(a_witness_has_nothing_to_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
