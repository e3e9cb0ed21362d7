/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/control.h"

#define STRANGER 65534

struct entrance {
	struct sockaddr_un address;
	struct control *control;
};

static void door_open(struct house *house, struct entrance *door, uint32_t owner)
{
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memset(door, 0, sizeof *door);
	door->address.sun_family = AF_UNIX;
	snprintf(door->address.sun_path, sizeof door->address.sun_path, "%.60s/control.sock",
		house->directory);
	assert_int_equal(
		bind(listener, (struct sockaddr *)&door->address, sizeof door->address), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(chmod(house->directory, 0711), 0);
	assert_int_equal(chmod(door->address.sun_path, 0777), 0);
	assert_int_equal(control_create(house->broker, listener, owner, &door->control), 0);
}

static void door_close(struct entrance *door)
{
	control_destroy(door->control);
	unlink(door->address.sun_path);
}

static int keep(void *context, struct channel *channel, struct message *message)
{
	struct house *house = context;

	(void)channel;
	assert_int_equal(message->type, MSG_CONTROL_REPLY);
	house->reply.status = ((const struct msg_api_reply *)message->payload)->status;
	house->replied = true;
	return 0;
}

static void gone(void *context, struct channel *channel)
{
	(void)channel;
	((struct house *)context)->replied = true;
	((struct house *)context)->reply.status = 0;
}

static struct channel *enter(struct house *house, const struct entrance *door)
{
	struct channel *channel;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(
		connect(fd, (const struct sockaddr *)&door->address, sizeof door->address), 0);
	assert_int_equal(channel_create(house->broker->loop, fd, PARTY_CONTROL, PARTY_BROKER, keep,
				 gone, house, &channel),
		0);
	return channel;
}

static unsigned ask(struct house *house, struct channel *channel)
{
	struct msg_api_call call;

	memset(&call, 0, sizeof call);
	text_copy(call.method, sizeof call.method, "GET");
	text_copy(call.path, sizeof call.path, "/control/user/list");
	call.caller_uid = 4711; /* what a caller says of itself counts for nothing */
	house->replied = false;
	house_send(channel, MSG_CONTROL_CALL, &call, -1);
	house_run(house);
	assert_true(house->replied);
	return house->reply.status;
}

static void test_owner_and_root(void **state)
{
	struct house *house = *state;
	struct entrance door;

	door_open(house, &door, getuid());
	struct channel *one = enter(house, &door), *two = enter(house, &door);
	assert_int_equal(ask(house, one), 200);
	assert_int_equal(ask(house, two), 200);
	channel_destroy(one);
	house_run(house);
	assert_int_equal(ask(house, two), 200);
	channel_destroy(two);
	house_run(house);
	door_close(&door);
}

/* A message that is not a control call closes the door on who sent it. */
static void test_strange_message(void **state)
{
	struct house *house = *state;
	struct entrance door;
	uint8_t packet[16] = { 255, 255 };

	door_open(house, &door, getuid());
	struct channel *channel = enter(house, &door);
	house->replied = false;
	assert_int_equal(send(channel_fd(channel), packet, sizeof packet, 0), sizeof packet);
	house_run(house);
	assert_true(house->replied);
	assert_int_equal(house->reply.status, 0);
	channel_destroy(channel);
	door_close(&door);
}

static int stranger(const struct entrance *door)
{
	char byte;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (setresgid(STRANGER, STRANGER, STRANGER) < 0 ||
		setresuid(STRANGER, STRANGER, STRANGER) < 0)
		return 2;
	if (connect(fd, (const struct sockaddr *)&door->address, sizeof door->address) < 0)
		return 3;
	return recv(fd, &byte, 1, 0) == 0 ? 0 : 4; /* closed without a word */
}

static void test_nobody_else(void **state)
{
	struct house *house = *state;
	struct entrance door;
	int status = -1;

	if (getuid() != 0)
		skip(); /* only root can become somebody else */
	door_open(house, &door, 12345);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(stranger(&door));
	for (int i = 0; i < 200 && waitpid(pid, &status, WNOHANG) == 0; i++)
		house_run(house);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	struct channel *root = enter(house, &door);
	assert_int_equal(ask(house, root), 200);
	channel_destroy(root);
	house_run(house);
	door_close(&door);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_owner_and_root),
		TEST(test_strange_message),
		TEST(test_nobody_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
