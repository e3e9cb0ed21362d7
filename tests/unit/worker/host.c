/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

static uint64_t now_us; /* as the host sees it */
#define clock_monotonic_us() now_us
#include "worker/host.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "driver_double.h"

static struct worker worker;
static int target, recorder, vault;

/* The host knows its descriptors by number, so the test lives with the same ones. */
static int pair_at(int fd)
{
	int pair[2];

	assert_int_equal(wire_pair(SOCK_STREAM, pair), 0);
	int far = fcntl(pair[1], F_DUPFD_CLOEXEC, 20), near = fcntl(pair[0], F_DUPFD_CLOEXEC, 20);
	close(pair[0]);
	close(pair[1]);
	dup2(near, fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	close(near);
	return far;
}

static int begin(void **state)
{
	memset(&worker, 0, sizeof worker);
	driver_double_reset();
	worker.birth.session = 7;
	worker.birth.kind = SECRET_PASSWORD;
	worker.birth.login_timeout = 1;
	worker.birth.pin_count = 1;
	hash_sha256(worker.birth.pins[0], "blob", 4);
	text_copy(worker.birth.target, HOSTNAME_SIZE, "db1");
	text_copy(worker.birth.username, USERNAME_SIZE, "root");
	target = pair_at(FD_TARGET);
	recorder = pair_at(FD_VIEW);
	vault = pair_at(FD_VAULT);
	assert_int_equal(loop_create(&worker.loop), 0);
	assert_int_equal(host_begin(&worker), 0);
	return 0;
}

static int end(void **state)
{
	host_finish(&worker);
	close(target);
	close(recorder);
	close(vault);
	driver_double_reset();
	return 0;
}

/* Everything the recorder got, as "type:payload length" words; the newest payload in `last`. */
static uint8_t last[512];
static const char *frames(void)
{
	static char words[512];
	static uint8_t bytes[300000];
	ssize_t len = recv(recorder, bytes, sizeof bytes, MSG_DONTWAIT);
	size_t at = 0, written = 0;
	struct view_frame frame;

	words[0] = '\0';
	for (int r; len > 0 && (r = view_next(bytes + at, (size_t)len - at, &frame)) > 0;
		at += (size_t)r) {
		written += (size_t)snprintf(
			words + written, sizeof words - written, "%s ", view_name(frame.type));
		memcpy(last, frame.payload, MIN(frame.len, (uint32_t)sizeof last));
		last[MIN(frame.len, (uint32_t)sizeof last - 1)] = '\0';
	}
	return words;
}

static void go_live(struct driver_double *d)
{
	worker_state(d->worker, VIEW_LIVE);
	worker_end(d->worker, 0, 3, "bye \033[31m%s", "x");
	worker_end(d->worker, -ERR_SYSTEM, -1, "only the first call counts");
}

static void states_size_and_end_are_told_in_order(void **state)
{
	driver_double.on_turn = go_live;
	host_run(&worker);
	assert_string_equal(frames(), "STATE STATE ENDED ");
	assert_int_equal(get32(last), 0);
	assert_int_equal(get32(last + 4), 3);
	assert_string_equal((char *)last + 8, "bye ?[31mx");
	assert_int_equal(driver_double.closed, 1);
}

static void fill(struct driver_double *d)
{
	static uint8_t bytes[VIEW_FRAME_MAX];

	while (worker_room(d->worker) > 0)
		worker_text(d->worker, bytes, sizeof bytes);
	if (d->turns == 1)
		loop_stop(worker.loop);
}

static void a_full_view_stops_the_driver_and_room_wakes_it(void **state)
{
	driver_double.on_turn = fill;
	host_run(&worker);
	settle(&worker);
	assert_true(worker.blocked);
	unsigned turns = driver_double.turns;
	settle(&worker);
	assert_int_equal(driver_double.turns, turns);
	driver_double.on_turn = NULL;
	while (worker.view.out.len > 0) {
		frames();
		on_view(&worker, EPOLLOUT);
	}
	settle(&worker);
	assert_int_equal(driver_double.turns, turns + 1);
	assert_false(worker.blocked);
}

static void print_some(struct driver_double *d)
{
	static uint8_t bytes[4000];

	worker_text(d->worker, bytes, sizeof bytes);
}

static bool looked;
static void see_and_stop(struct driver_double *d)
{
	looked = worker.look == NULL;
	worker_text(d->worker, "x", 1);
	loop_stop(worker.loop);
}

/* Whoever prints without end is looked at when the time comes, not whenever there is something. */
static void a_flood_is_looked_at_now_and_then(void **state)
{
	unsigned looks;

	now_us = 1000000;
	driver_double.on_turn = see_and_stop;
	host_run(&worker);
	assert_int_equal(loop_run(worker.loop), 0); /* it was stopped already */
	settle(&worker);
	driver_double.on_turn = print_some;
	for (looks = 0; worker.look == NULL && looks < 100; looks++) {
		now_us += 500;
		on_target(&worker, EPOLLIN);
		frames();
	}
	assert_in_range(looks, 16, 40);
	driver_double.on_turn = see_and_stop;
	assert_int_equal(send(target, "more", 4, 0), 4);
	now_us += 5 * BATCH_FLOOD_US;
	settle(&worker);
	looked = false;
	assert_int_equal(loop_run(worker.loop), 0);
	assert_true(looked);
	/* It is over: what comes is seen at once. */
	assert_null(worker.look);
	assert_int_equal(loop_run(worker.loop), 0);
	assert_null(worker.look);
	/* Its end leaves no look behind. */
	worker.batch = (struct batch){ .began_us = now_us, .flood = true };
	on_target(&worker, EPOLLIN);
	assert_non_null(worker.look);
	worker_end(&worker, 0, 0, "bye");
	assert_null(worker.look);
}

static void draw_and_stop(struct driver_double *d)
{
	worker_state(d->worker, VIEW_LIVE);
	worker_text(d->worker, "hello", 5);
	loop_stop(worker.loop);
}

/* It tells of everything drawn before it, at the size told before it, and is drawn in between. */
static void a_keyframe_comes_when_it_is_asked_for(void **state)
{
	static const uint8_t size[8] = { 100, 0, 30, 0 };

	driver_double.on_turn = draw_and_stop;
	host_run(&worker);
	driver_double.on_turn = NULL;
	settle(&worker);
	assert_string_equal(frames(), "STATE STATE TEXT SIZE ");
	assert_int_equal(view_write(&worker.view.in, VIEW_RESIZE, size, sizeof size), 0);
	assert_int_equal(view_write(&worker.view.in, VIEW_REFRESH, NULL, 0), 0);
	settle(&worker);
	assert_string_equal(frames(), "SIZE KEYFRAME ");
	assert_int_equal(get16(last), 100);
	assert_int_equal(get16(last + 2), 30);
	assert_int_equal(last[6], VIEW_LIVE);
	assert_memory_equal(last + VIEW_KEYFRAME_LEN, "hello", 5);
	assert_int_equal(worker_room(&worker), VIEW_FRAME_MAX);
}

static void show_key(struct driver_double *d)
{
	assert_int_equal(worker_host_key(d->worker, "ssh-ed25519", "blob", 4, "exchange", 8), 0);
	loop_stop(worker.loop);
}

static void the_pinned_key_leads_to_the_vault(void **state)
{
	uint8_t asked[128];

	driver_double.on_turn = show_key;
	host_run(&worker);
	assert_int_equal(agent_turn(&worker.agent, &driver_double.secret), 0);
	assert_int_equal(recv(vault, asked, sizeof asked, MSG_DONTWAIT), 58);
	assert_memory_equal(asked + 26, worker.birth.pins[0], HASH_LEN);
	driver_double.on_turn = NULL;
	assert_int_equal(send(vault, "\0\0\0\x07\6\0\0\0\2pw", 11, 0), 11);
	on_agent(&worker, EPOLLIN);
	assert_true(driver_double.agreed);
	assert_string_equal(secret_reveal(driver_double.secret), "pw");
}

/* A key signs only for an exchange that was shown; a password goes without showing it. */
static void a_key_wants_the_exchange_too(void **state)
{
	uint8_t asked[128];

	worker.birth.kind = SECRET_SSH_KEY;
	driver_double.on_turn = show_key;
	host_run(&worker);
	assert_int_equal(agent_turn(&worker.agent, &driver_double.secret), 0);
	assert_int_equal(recv(vault, asked, sizeof asked, MSG_DONTWAIT), 58 + 4 + 8);
	assert_memory_equal(asked + 58,
		"\0\0\0\x08"
		"exchange",
		12);
}

static void show_key_alone(struct driver_double *d)
{
	worker_host_key(d->worker, "ssh-ed25519", "blob", 4, NULL, 0);
}

static void a_key_without_its_exchange_is_not_asked_for(void **state)
{
	uint8_t byte;

	worker.birth.kind = SECRET_SSH_KEY;
	driver_double.on_turn = show_key_alone;
	host_run(&worker);
	frames();
	assert_int_equal((int)get32(last), -ERR_PROTOCOL_FAULT);
	assert_int_equal(recv(vault, &byte, 1, MSG_DONTWAIT), -1);
}

static void show_other_key(struct driver_double *d)
{
	worker_host_key(d->worker, "ssh-ed25519", "other", 5, "exchange", 8);
}

static void another_key_ends_it_and_the_vault_hears_nothing(void **state)
{
	uint8_t byte;

	driver_double.on_turn = show_other_key;
	host_run(&worker);
	assert_string_equal(frames(), "STATE ENDED ");
	assert_int_equal((int)get32(last), -ERR_HOST_KEY_CHANGED);
	assert_non_null(
		strstr((char *)last + 8, "SHA256:2SmKENGwc1g33EvYXaxkGw887yekfl1TpU8vP1svz/o. No"));
	assert_int_equal(recv(vault, &byte, 1, MSG_DONTWAIT), -1);
}

static void no_pin_ends_it_and_the_vault_hears_nothing(void **state)
{
	uint8_t byte;

	worker.birth.pin_count = 0;
	driver_double.on_turn = show_other_key;
	host_run(&worker);
	frames();
	assert_int_equal((int)get32(last), -ERR_HOST_KEY_UNKNOWN);
	assert_int_equal(recv(vault, &byte, 1, MSG_DONTWAIT), -1);
}

/* A driver with host keys cannot get a secret past them. */
static void no_secret_without_a_proof(void **state)
{
	assert_int_equal(worker_ask_secret(&worker), -ERR_WRONG_MOMENT);
}

static void a_target_that_says_nothing_is_given_up(void **state)
{
	host_run(&worker);
	assert_string_equal(frames(), "STATE SIZE ENDED ");
	assert_int_equal((int)get32(last), -ERR_TARGET_SILENT);
	assert_string_equal((char *)last + 8, "db1 did not answer within 1 seconds.");
}

static void without_a_recorder_it_stops_at_once(void **state)
{
	shutdown(recorder, SHUT_RDWR);
	host_run(&worker);
	assert_true(worker.ended);
	assert_int_equal(driver_double.turns, 0);
}

static void an_error_without_words_gets_those_of_its_row(void **state)
{
	driver_double.turn_result = -ERR_PROTOCOL_FAULT;
	host_run(&worker);
	frames();
	assert_string_equal((char *)last + 8, "The target broke the protocol");
}

static void beats(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		timer_cancel(worker.beat);
		on_beat(&worker);
	}
}

static void live_and_stop(struct driver_double *d)
{
	worker_state(d->worker, VIEW_LIVE);
	loop_stop(worker.loop);
}

static void a_target_that_misses_three_beats_is_gone(void **state)
{
	driver_double.on_turn = live_and_stop;
	host_run(&worker);
	driver_double.on_turn = NULL;
	beats(3);
	assert_int_equal(driver_double.keepalives, 3);
	on_target(&worker, EPOLLIN);
	beats(1);
	assert_int_equal(worker.misses, 0);
	beats(4);
	assert_true(worker.ended);
	frames();
	assert_int_equal((int)get32(last), -ERR_TARGET_SILENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(states_size_and_end_are_told_in_order, begin, end),
		cmocka_unit_test_setup_teardown(
			a_full_view_stops_the_driver_and_room_wakes_it, begin, end),
		cmocka_unit_test_setup_teardown(a_flood_is_looked_at_now_and_then, begin, end),
		cmocka_unit_test_setup_teardown(a_keyframe_comes_when_it_is_asked_for, begin, end),
		cmocka_unit_test_setup_teardown(the_pinned_key_leads_to_the_vault, begin, end),
		cmocka_unit_test_setup_teardown(a_key_wants_the_exchange_too, begin, end),
		cmocka_unit_test_setup_teardown(
			a_key_without_its_exchange_is_not_asked_for, begin, end),
		cmocka_unit_test_setup_teardown(
			another_key_ends_it_and_the_vault_hears_nothing, begin, end),
		cmocka_unit_test_setup_teardown(
			no_pin_ends_it_and_the_vault_hears_nothing, begin, end),
		cmocka_unit_test_setup_teardown(no_secret_without_a_proof, begin, end),
		cmocka_unit_test_setup_teardown(a_target_that_says_nothing_is_given_up, begin, end),
		cmocka_unit_test_setup_teardown(without_a_recorder_it_stops_at_once, begin, end),
		cmocka_unit_test_setup_teardown(
			an_error_without_words_gets_those_of_its_row, begin, end),
		cmocka_unit_test_setup_teardown(
			a_target_that_misses_three_beats_is_gone, begin, end),
	};

	/* Keeps 3 to 6 free of anything else a test framework opens. */
	for (int fd = FD_TARGET; fd <= FD_BIRTH; fd++)
		dup2(0, fd);
	return cmocka_run_group_tests_name("worker/host", tests, NULL, NULL);
}
