/* SPDX-License-Identifier: Apache-2.0 */
int recorder_main(int argc, char **argv);
#define main recorder_main
#include "recorder/recorder.c"
#undef main

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/reader.h"
#include "fixture.h"

/* The broker and the vault of this test. */
struct peer {
	struct channel *channel;
	enum msg_type seen[64];
	unsigned count;
	struct msg_recording_started started;
	struct msg_moved moved;
	struct msg_recording_done done;
	struct msg_certify certify;
	struct msg_listed listing;
	uint32_t serial;
	unsigned sessions; /* of the list */
	bool listed;
};

struct world {
	struct fixture fixture;
	struct recorder *recorder;
	struct peer broker, vault;
	char path[64];
	int dir;
	int worker;
	struct timer *timer;
	uint8_t input; /* enum recording_input, as the broker asks for it */
};

static void hear_listed(struct peer *peer, const struct msg_listed *listed)
{
	peer->listed = listed->moved.session == 0;
	if (peer->listed)
		return;
	peer->sessions++;
	peer->listing = *listed;
}

static int hear(void *context, struct channel *channel, struct message *message)
{
	struct peer *peer = context;

	assert_true(peer->count < 64);
	peer->seen[peer->count++] = message->type;
	peer->serial = message->serial;
	if (message->type == MSG_RECORDING_STARTED)
		peer->started = *(const struct msg_recording_started *)message->payload;
	if (message->type == MSG_SESSION_MOVED)
		peer->moved = *(const struct msg_moved *)message->payload;
	if (message->type == MSG_RECORDER_SESSION)
		hear_listed(peer, message->payload);
	if (message->type == MSG_RECORDING_DONE)
		peer->done = *(const struct msg_recording_done *)message->payload;
	if (message->type == MSG_RECORDING_CERTIFY)
		peer->certify = *(const struct msg_certify *)message->payload;
	return 0;
}

static void hear_no_more(void *context, struct channel *channel)
{
}

static void attach(struct world *world, struct peer *peer, enum party party)
{
	int ends[2];

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(channel_create(world->recorder->process.loop, ends[0], party,
				 PARTY_RECORDER, hear, hear_no_more, peer, &peer->channel),
		0);
	meet(world->recorder, &(struct msg_peer){ .party = (uint8_t)party }, ends[1]);
}

static void on_pump_timer(void *context)
{
	struct world *world = context;

	world->timer = NULL;
	loop_stop(world->recorder->process.loop);
}

static void pump(struct world *world, unsigned ms)
{
	loop_after(world->recorder->process.loop, ms, on_pump_timer, world, &world->timer);
	assert_int_equal(loop_run(world->recorder->process.loop), 0);
	timer_cancel(STEAL(world->timer));
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	fixture_init(&world->fixture);
	world->recorder = calloc(1, sizeof(*world->recorder));
	world->dir = fixture_directory(world->path);
	world->worker = -1;
	assert_int_equal(loop_create(&world->recorder->process.loop), 0);
	assert_int_equal(open_room(world->recorder, world->dir), 0);
	attach(world, &world->broker, PARTY_BROKER);
	attach(world, &world->vault, PARTY_VAULT);
	world->input = INPUT_APART;
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	struct recorder *recorder = world->recorder;

	while (recorder->starting != NULL)
		drop_starting(recorder, recorder->starting);
	finish(recorder);
	channel_destroy(recorder->broker);
	channel_destroy(recorder->vault);
	channel_destroy(world->broker.channel);
	channel_destroy(world->vault.channel);
	free(recorder->host.scratch);
	loop_destroy(recorder->process.loop);
	free(recorder);
	fd_closep(&world->worker);
	close(world->dir);
	fixture_remove(world->path);
	free(world);
	return 0;
}

static void ask_start(struct world *world, const char *session_id, const char *facts, size_t len)
{
	struct msg_recording_start start;
	int ends[2];

	memset(&start, 0, sizeof(start));
	start.session = 4711;
	start.record_input = world->input;
	memcpy(start.session_id, session_id, strlen(session_id));
	fd_closep(&world->worker);
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	world->worker = ends[0];
	assert_int_equal(channel_send(world->broker.channel, MSG_RECORDING_START, 77, &start, facts,
				 len, &ends[1], 1),
		0);
	close(ends[1]);
	pump(world, 20);
}

/* The vault's part: certifies what it was asked for. */
static void certify(struct world *world)
{
	struct msg_certified certified;
	uint8_t key[32] = { 0 };

	memset(&certified, 0, sizeof(certified));
	assert_string_equal(world->vault.certify.session_id, FIXTURE_SESSION);
	fixture_certify(&world->fixture, world->vault.certify.public_key, key);
	certified.session = world->vault.certify.session;
	certified.key_version = world->fixture.header.key_version;
	memcpy(certified.signature, world->fixture.header.certificate, 64);
	memcpy(certified.recording_public, world->fixture.vault_public, 32);
	channel_tell(world->vault.channel, MSG_RECORDING_CERTIFIED, &certified);
	for (int i = 0; i < 100 && world->broker.started.session == 0; i++)
		pump(world, 10);
}

static void begin(struct world *world)
{
	ask_start(world, FIXTURE_SESSION, FIXTURE_FACTS, sizeof(FIXTURE_FACTS) - 1);
	certify(world);
	assert_int_equal(world->broker.started.session, 4711);
	assert_int_equal(world->broker.started.result, 0);
	assert_int_equal(world->broker.serial, 77);
}

static void wait_done(struct world *world)
{
	for (int i = 0; i < 200 && world->broker.done.session == 0; i++)
		pump(world, 10);
	assert_int_equal(world->broker.done.session, 4711);
}

static void worker_is_live(struct world *world)
{
	static const uint8_t live[] = { VIEW_STATE, 0, 0, 0, 1, 0, 0, 0, VIEW_LIVE };

	assert_int_equal(send(world->worker, live, sizeof(live), 0), sizeof(live));
	for (int i = 0; i < 100 && world->broker.moved.state != VIEW_LIVE; i++)
		pump(world, 10);
	assert_int_equal(world->broker.moved.state, VIEW_LIVE);
}

static void whole_life(void **state)
{
	struct world *world = *state;
	struct recording_report *report = malloc(sizeof(*report));
	struct msg_viewer join;
	struct msg_notice stop;
	int ends[2];

	begin(world);
	memset(&join, 0, sizeof(join));
	join.session = 4711;
	join.viewer = 1;
	join.offset = UINT64_MAX;
	memcpy(join.who, "ana", 4);
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	channel_send(world->broker.channel, MSG_VIEWER_JOIN, 0, &join, NULL, 0, &ends[1], 1);
	close(ends[1]);
	pump(world, 20);
	assert_int_equal(world->recorder->corridors->viewer_count, 1);
	memset(&stop, 0, sizeof(stop));
	stop.session = 4711;
	memcpy(stop.text, "hello", 6);
	channel_tell(world->broker.channel, MSG_NOTICE, &stop);
	memcpy(stop.text, "enough", 7);
	channel_tell(world->broker.channel, MSG_SESSION_STOP, &stop);
	wait_done(world);
	assert_int_equal(world->broker.done.result, 0);
	assert_int_equal(world->broker.moved.state, VIEW_OVER);
	pump(world, 50);
	assert_int_equal(world->recorder->count, 0);
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY);
	assert_int_equal(recording_verify(fd, world->fixture.installation_public, report), 0);
	assert_int_equal(report->verdict, RECORDING_INTACT);
	assert_string_equal(report->end.reason, "enough");
	assert_int_equal(report->header.facts_len, sizeof(FIXTURE_FACTS) - 1);
	/* Only the vault opens the data key again. */
	uint8_t key[32];
	assert_int_equal(recording_key_unwrap(FIXTURE_SESSION, report->header.wrapped,
				 world->fixture.vault_public, world->fixture.vault_secret, key),
		0);
	/* And the second one, which is another. */
	uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN], second[32];
	assert_int_equal(recording_secrets_key(fd, wrapped), 0);
	assert_int_equal(recording_secrets_unwrap(FIXTURE_SESSION, wrapped,
				 world->fixture.vault_public, world->fixture.vault_secret, second),
		0);
	assert_memory_not_equal(key, second, 32);
	assert_int_equal(report->header.input, 1);
	struct reader *reader;
	struct reader_event event;
	assert_int_equal(reader_open(fd, key, &reader), 0);
	assert_int_equal(reader_next(reader, &event), 1);
	assert_int_equal(event.frame.type, VIEW_JOIN);
	reader_close(reader);
	close(fd);
	close(ends[0]);
	free(report);
}

static void starts_that_are_refused(void **state)
{
	struct world *world = *state;
	static const char *const ids[] = { "", "../../../../etc/passwd", "0123",
		"0123456789ABCDEF0123456789abcdef01234567",
		"0123456789abcdef0123456789abcdef0123456/" };

	for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
		world->broker.started.result = 0;
		ask_start(world, ids[i], "{}", 2);
		assert_int_equal(world->broker.started.result, -ERR_MALFORMED);
	}
	world->broker.started.result = 0;
	ask_start(world, FIXTURE_SESSION, "{\0}", 3);
	assert_int_equal(world->broker.started.result, -ERR_MALFORMED);
	world->broker.started.result = 0;
	ask_start(world, FIXTURE_SESSION, "{\377}", 3);
	assert_int_equal(world->broker.started.result, -ERR_MALFORMED);
	world->broker.started.result = 0;
	world->input = INPUT_APART + 1;
	ask_start(world, FIXTURE_SESSION, "{}", 2);
	assert_int_equal(world->broker.started.result, -ERR_MALFORMED);
	world->input = INPUT_YES;
	assert_int_equal(world->recorder->count, 0);
	memset(&world->broker.started, 0, sizeof(world->broker.started));
	begin(world);
	/* The same session twice: the first lives on. */
	worker_is_live(world);
	int first = STEAL_FD(world->worker);
	ask_start(world, FIXTURE_SESSION, "{}", 2);
	assert_int_equal(world->broker.started.result, -ERR_WRONG_MOMENT);
	assert_int_equal(world->recorder->count, 1);
	close(first);
}

static void vault_refuses(void **state)
{
	struct world *world = *state;
	struct msg_certified certified;

	ask_start(world, FIXTURE_SESSION, "{}", 2);
	memset(&certified, 0, sizeof(certified));
	certified.session = 4711;
	certified.result = -ERR_SEALED;
	channel_tell(world->vault.channel, MSG_RECORDING_CERTIFIED, &certified);
	pump(world, 50);
	assert_int_equal(world->broker.started.result, -ERR_SEALED);
	assert_int_equal(world->recorder->count, 0);
	assert_null(world->recorder->starting);
	/* Late and foreign certificates are nobody's. */
	certified.result = 0;
	channel_tell(world->vault.channel, MSG_RECORDING_CERTIFIED, &certified);
	pump(world, 20);
	assert_non_null(world->recorder->vault);
}

/* A vault that was restarted between question and answer is asked again. */
static void vault_restarts(void **state)
{
	struct world *world = *state;

	ask_start(world, FIXTURE_SESSION, FIXTURE_FACTS, sizeof(FIXTURE_FACTS) - 1);
	channel_destroy(STEAL(world->vault.channel));
	pump(world, 20);
	assert_null(world->recorder->vault);
	memset(&world->vault, 0, sizeof(world->vault));
	attach(world, &world->vault, PARTY_VAULT);
	pump(world, 20);
	assert_int_equal(world->vault.certify.session, 4711);
	certify(world);
	assert_int_equal(world->broker.started.result, 0);
}

static void note(struct world *world)
{
	struct msg_session which = { 4711 };

	channel_tell(world->broker.channel, MSG_RECORDING_KEPT, &which);
	pump(world, 20);
}

static void ask_list(struct world *world)
{
	static const struct msg_nothing nothing;

	world->broker.listed = false;
	channel_send(world->broker.channel, MSG_RECORDER_LIST, 5, &nothing, NULL, 0, NULL, 0);
}

static void hear_list(struct world *world)
{
	ask_list(world);
	for (int i = 0; i < 100 && !world->broker.listed; i++)
		pump(world, 10);
	assert_true(world->broker.listed);
}

/* A worker was there and has died; its recording is done. */
static void begin_and_end(struct world *world)
{
	begin(world);
	fd_closep(&world->worker);
	world->recorder->corridors->heard = true;
	wait_done(world);
}

/* An end is told until a broker has it on disk, and then no more. */
static void ends_are_told_until_noted(void **state)
{
	struct world *world = *state;

	begin_and_end(world);
	assert_non_null(world->recorder->unkept);
	memset(&world->broker.done, 0, sizeof(world->broker.done));
	timer_cancel(STEAL(world->recorder->tell_timer));
	on_tell_timer(world->recorder); /* the broker's commit failed, say */
	pump(world, 20);
	assert_int_equal(world->broker.done.session, 4711);
	hear_list(world); /* and a new broker hears it too */
	assert_int_equal(world->broker.seen[world->broker.count - 2], MSG_RECORDING_DONE);
	note(world);
	assert_null(world->recorder->unkept);
	world->broker.count = 0;
	hear_list(world);
	assert_int_equal(world->broker.count, 1);
	note(world); /* twice is no harm */
}

/* A broker died between recording and worker: the next one goes on with the same recording. */
static void an_unused_stream_is_replaced(void **state)
{
	struct world *world = *state;

	begin(world);
	fd_closep(&world->worker); /* the dead broker held the worker's end */
	pump(world, 300);
	assert_int_equal(world->recorder->count, 1);
	hear_list(world);
	assert_int_equal(world->broker.sessions, 1);
	assert_int_equal(world->broker.listing.worker, 0);
	memset(&world->broker.started, 0, sizeof(world->broker.started));
	ask_start(world, FIXTURE_SESSION, FIXTURE_FACTS, sizeof(FIXTURE_FACTS) - 1);
	assert_int_equal(world->broker.started.session, 4711);
	assert_int_equal(world->broker.started.result, 0);
	worker_is_live(world);
	world->broker.listing.worker = 0;
	hear_list(world);
	assert_int_equal(world->broker.listing.worker, 1);
	/* Once a worker has spoken, nobody takes its place. */
	ask_start(world, FIXTURE_SESSION, FIXTURE_FACTS, sizeof(FIXTURE_FACTS) - 1);
	assert_int_equal(world->broker.started.result, -ERR_WRONG_MOMENT);
}

/* The same before the vault has certified: answered when the recording has begun. */
static void a_waiting_start_is_taken_over(void **state)
{
	struct world *world = *state;

	ask_start(world, FIXTURE_SESSION, FIXTURE_FACTS, sizeof(FIXTURE_FACTS) - 1);
	fd_closep(&world->worker);
	hear_list(world);
	assert_int_equal(world->broker.listing.worker, 0);
	ask_start(world, FIXTURE_SESSION, FIXTURE_FACTS, sizeof(FIXTURE_FACTS) - 1);
	assert_int_equal(world->broker.started.session, 0);
	certify(world);
	assert_int_equal(world->broker.started.result, 0);
	assert_int_equal(world->broker.serial, 77);
}

/* A broker that is replaced says its last words before the list is given. */
static void earlier_brokers_are_heard_out(void **state)
{
	struct world *world = *state;
	struct peer old = world->broker;
	struct msg_notice stop = { .session = 4711 };

	begin(world);
	old = world->broker;
	memset(&world->broker, 0, sizeof(world->broker));
	attach(world, &world->broker, PARTY_BROKER);
	ask_list(world);
	pump(world, 30);
	assert_false(world->broker.listed);
	channel_tell(old.channel, MSG_SESSION_STOP, &stop);
	channel_destroy(old.channel);
	for (int i = 0; i < 100 && !world->broker.listed; i++)
		pump(world, 10);
	assert_true(world->broker.listed);
	wait_done(world); /* what the old one wanted was done, and the new one hears of it */
	assert_int_equal(world->broker.moved.state, VIEW_OVER);
}

static void a_retired_recorder_ends_with_its_last_session(void **state)
{
	struct world *world = *state;
	struct msg_notice stop = { .session = 4711 };

	begin(world);
	on_retire(world->recorder);
	assert_false(loop_stopping(world->recorder->process.loop));
	channel_tell(world->broker.channel, MSG_SESSION_STOP, &stop);
	wait_done(world);
	assert_int_equal(world->recorder->count, 0);
	assert_non_null(world->recorder->unkept); /* not yet: nobody has written it down */
	channel_tell(world->broker.channel, MSG_RECORDING_KEPT, &(struct msg_session){ 4711 });
	assert_int_equal(loop_run(world->recorder->process.loop), 0); /* ends by itself */
	assert_null(world->recorder->unkept);
}

/* What ended while the broker was away is told to the next one, before the list. */
static void broker_restarts(void **state)
{
	struct world *world = *state;

	begin(world);
	channel_destroy(STEAL(world->broker.channel));
	pump(world, 20);
	assert_null(world->recorder->broker);
	world->recorder->corridors->heard = true;
	fd_closep(&world->worker); /* the worker dies */
	for (int i = 0; i < 100 && world->recorder->count > 0; i++)
		pump(world, 10);
	assert_int_equal(world->recorder->count, 0);
	memset(&world->broker, 0, sizeof(world->broker));
	attach(world, &world->broker, PARTY_BROKER);
	hear_list(world);
	assert_int_equal(world->broker.count, 3);
	assert_int_equal(world->broker.seen[0], MSG_SESSION_MOVED);
	assert_int_equal(world->broker.seen[1], MSG_RECORDING_DONE);
	assert_int_equal(world->broker.done.session, 4711);
	assert_true(world->broker.listed);
	assert_int_equal(world->broker.sessions, 0);
}

static unsigned hears_of_the_end(struct world *world)
{
	memset(&world->broker.seen, 0, sizeof(world->broker.seen));
	world->broker.count = 0;
	hear_list(world);
	return world->broker.count - 1; /* the end of the list is one */
}

/* What was told may have been lost with the broker that heard it. */
static void told_until_it_is_kept(void **state)
{
	struct world *world = *state;
	struct msg_session other = { 99 }, which = { 4711 };

	begin_and_end(world);
	timer_cancel(STEAL(world->recorder->tell_timer));
	for (int i = 0; i < 100 && world->recorder->count > 0; i++)
		pump(world, 10);
	channel_destroy(STEAL(world->broker.channel));
	pump(world, 20);
	memset(&world->broker, 0, sizeof(world->broker));
	attach(world, &world->broker, PARTY_BROKER);
	assert_int_equal(hears_of_the_end(world), 2);
	assert_int_equal(world->broker.done.session, 4711);
	channel_tell(world->broker.channel, MSG_RECORDING_KEPT, &other);
	assert_int_equal(hears_of_the_end(world), 2);
	channel_tell(world->broker.channel, MSG_RECORDING_KEPT, &which);
	channel_tell(world->broker.channel, MSG_RECORDING_KEPT, &which);
	assert_int_equal(hears_of_the_end(world), 0);
}

static void lists_what_lives(void **state)
{
	struct world *world = *state;

	begin(world);
	worker_is_live(world);
	hear_list(world);
	assert_int_equal(world->broker.sessions, 1);
	assert_true(world->broker.listed);
	assert_int_equal(world->broker.serial, 5);
}

static void unknown_sessions(void **state)
{
	struct world *world = *state;
	struct msg_viewer join;
	struct msg_notice notice;
	int ends[2];
	char byte;

	memset(&join, 0, sizeof(join));
	memset(&notice, 0, sizeof(notice));
	join.session = notice.session = 99;
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	channel_send(world->broker.channel, MSG_VIEWER_JOIN, 0, &join, NULL, 0, &ends[1], 1);
	close(ends[1]);
	channel_tell(world->broker.channel, MSG_SESSION_STOP, &notice);
	pump(world, 20);
	assert_int_equal(world->broker.seen[0], MSG_VIEWER_LEFT);
	assert_int_equal(recv(ends[0], &byte, 1, 0), 0);
	assert_non_null(world->recorder->broker);
	close(ends[0]);
}

static void stop_seals_everything(void **state)
{
	struct world *world = *state;
	struct recording_report *report = malloc(sizeof(*report));

	begin(world);
	on_stop(world->recorder);
	on_stop(world->recorder);
	assert_int_equal(loop_run(world->recorder->process.loop), 0); /* ends by itself */
	assert_int_equal(world->recorder->count, 0);
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY);
	assert_int_equal(recording_verify(fd, world->fixture.installation_public, report), 0);
	assert_int_equal(report->verdict, RECORDING_INTACT);
	assert_string_equal(report->end.reason, "The gateway was stopped");
	close(fd);
	free(report);
}

#define RECORDER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDER_TEST(whole_life),
		RECORDER_TEST(starts_that_are_refused),
		RECORDER_TEST(vault_refuses),
		RECORDER_TEST(vault_restarts),
		RECORDER_TEST(broker_restarts),
		RECORDER_TEST(ends_are_told_until_noted),
		RECORDER_TEST(an_unused_stream_is_replaced),
		RECORDER_TEST(a_waiting_start_is_taken_over),
		RECORDER_TEST(earlier_brokers_are_heard_out),
		RECORDER_TEST(a_retired_recorder_ends_with_its_last_session),
		RECORDER_TEST(told_until_it_is_kept),
		RECORDER_TEST(lists_what_lives),
		RECORDER_TEST(unknown_sessions),
		RECORDER_TEST(stop_seals_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
