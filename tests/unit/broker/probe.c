/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/dispatch.h"
#include "broker/probe.h"

/* The worker of a probe: the test plays it at its end of the channel. */
static int ignore(void *context, struct channel *channel, struct message *message)
{
	(void)context;
	(void)channel;
	(void)message;
	return 0;
}

static void gone(void *context, struct channel *channel)
{
	(void)context;
	(void)channel;
}

static void ask(struct house *house)
{
	struct house_call call = { .method = "POST",
		.path = "/control/device/trust",
		.door = DOOR_CONTROL,
		.place = PLACE_CONTROL,
		.params = "hostname=probed&protocol=ssh" };

	house->replied = false;
	house->reply.body_len = 0;
	house_send_call(house, &call);
	house_run(house);
	if (house->replied) /* it waits, and nobody else does */
		fail_msg("%s", house->reply.body);
	assert_int_equal(house_get(house, "/api/pam/session/remotesessions")->status, 200);
	house->replied = false;
}

/* A device whose first port is the person's listener. */
static void add_probed(struct house *house, const struct person *person)
{
	struct device_row row = { .hostname = "probed", .ip = "127.0.0.1", .created_at = 1 };
	struct sockaddr_in here;
	socklen_t len = sizeof here;
	int64_t id;

	assert_int_equal(getsockname(person->listener, (struct sockaddr *)&here, &len), 0);
	assert_int_equal(store_device_add(house->broker->store, &row, &id), 0);
	assert_int_equal(
		store_connectivity_add(house->broker->store, id, "ssh", ntohs(here.sin_port)), 0);
}

static void answer(struct house *house, struct house_message *start, const struct msg_probe *result)
{
	struct channel *worker;

	assert_int_equal(channel_create(house->broker->loop, STEAL_FD(start->fds[1]), PARTY_WORKER,
				 PARTY_BROKER, ignore, gone, house, &worker),
		0);
	if (result != NULL)
		house_send(worker, MSG_PROBE_RESULT, result, -1);
	else
		channel_destroy(STEAL(worker));
	house_run(house);
	channel_destroy(worker);
	for (unsigned i = 0; i < MESSAGE_FDS_MAX; i++)
		fd_closep(&start->fds[i]);
}

static void test_shown(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem unused;
	struct msg_probe result = { .algorithm = "ssh-ed25519", .blob_len = 5, .blob = "hello" };

	person_open(house, &person, &unused);
	add_probed(house, &person);
	ask(house);
	struct house_message start = house_take(house, MSG_WORKER_START);
	const struct msg_worker_start *worker = (void *)start.payload;
	assert_true(worker->session < 0);
	assert_string_equal(worker->driver, "ssh");
	struct worker_birth birth;
	assert_int_equal(read(start.fds[3], &birth, sizeof birth), sizeof birth);
	assert_int_equal(birth.probe, 1);
	assert_int_equal(birth.username[0], 0);
	answer(house, &start, &result);
	assert_true(house->replied);
	assert_int_equal(house->reply.status, 200);
	assert_non_null(strstr(house->reply.body,
		"\"fingerprint\":\"SHA256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"));
	person_close(&person);
}

static void test_worker_dies(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem unused;

	person_open(house, &person, &unused);
	add_probed(house, &person);
	ask(house);
	struct house_message start = house_take(house, MSG_WORKER_START);
	answer(house, &start, NULL);
	assert_true(house->replied);
	assert_int_equal(house->reply.status, 502);
	assert_non_null(strstr(house->reply.body, "The target did not show a host key"));
	assert_true(house_got(house, MSG_WORKER_KILL));
	person_close(&person);
}

static void test_no_target(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem unused;

	person_open(house, &person, &unused);
	add_probed(house, &person);
	close(person.listener);
	struct house_call call = { .method = "POST",
		.path = "/control/device/trust",
		.door = DOOR_CONTROL,
		.place = PLACE_CONTROL,
		.params = "hostname=probed" };
	assert_int_equal(house_call(house, &call)->status, 502);
	assert_non_null(strstr(house->reply.body, "The target cannot be reached"));
	person.listener = -1;
	person_close(&person);
}

/* Who asked went away: the probe ends into nothing. */
static void test_caller_gone(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem unused;
	struct msg_probe result = { .algorithm = "ssh-ed25519", .blob_len = 5, .blob = "hello" };

	person_open(house, &person, &unused);
	add_probed(house, &person);
	ask(house);
	dispatch_forget(house->broker, house->control_inside);
	struct house_message start = house_take(house, MSG_WORKER_START);
	answer(house, &start, &result);
	assert_false(house->replied);
	assert_int_equal(house->broker->calls.used, 0);
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shown),
		TEST(test_worker_dies),
		TEST(test_no_target),
		TEST(test_caller_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
