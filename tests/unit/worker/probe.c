/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/probe.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct worker worker;
static int broker;

static int begin(void **state)
{
	int pair[2];

	memset(&worker, 0, sizeof worker);
	assert_int_equal(loop_create(&worker.loop), 0);
	assert_int_equal(wire_pair(SOCK_SEQPACKET, pair), 0);
	broker = pair[1];
	assert_int_equal(probe_begin(&worker, pair[0]), 0);
	return 0;
}

static int end(void **state)
{
	channel_destroy(worker.probe);
	loop_destroyp(&worker.loop);
	close(broker);
	return 0;
}

/* What reached the broker, read through the broker's own table. */
static const struct msg_probe *received(void)
{
	static uint8_t packet[MESSAGE_MAX];
	struct message message;
	ssize_t n = recv(broker, packet, sizeof packet, MSG_DONTWAIT);

	assert_true(n > 0);
	assert_int_equal(
		wire_permit(PARTY_WORKER, PARTY_BROKER, packet, (size_t)n, 0, &message), 0);
	assert_int_equal(message.type, MSG_PROBE_RESULT);
	return message.payload;
}

static void a_key_is_told(void **state)
{
	assert_int_equal(probe_tell(&worker, 0, "ssh-ed25519", "blob", 4), 0);
	const struct msg_probe *probe = received();
	assert_int_equal(probe->result, 0);
	assert_string_equal(probe->algorithm, "ssh-ed25519");
	assert_int_equal(probe->blob_len, 4);
	assert_memory_equal(probe->blob, "blob\0", 5);
	assert_true(worker.ended);
}

static void a_failure_is_told_without_a_key(void **state)
{
	assert_int_equal(probe_tell(&worker, -ERR_TARGET_SILENT, "", NULL, 0), 0);
	assert_int_equal(received()->result, -ERR_TARGET_SILENT);
}

static void a_key_that_is_too_large_is_a_failure(void **state)
{
	uint8_t *large = calloc(1, 4096);

	assert_int_equal(probe_tell(&worker, 0, "ssh-rsa", large, 4096), 0);
	const struct msg_probe *probe = received();
	assert_int_equal(probe->result, -ERR_TOO_LARGE);
	assert_int_equal(probe->blob_len, 0);
	free(large);
}

static void a_broker_that_is_gone(void **state)
{
	close(broker);
	broker = -1;
	loop_run(worker.loop);
	assert_null(worker.probe);
	assert_int_equal(probe_tell(&worker, 0, "ssh-ed25519", "blob", 4), -ERR_PEER_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_key_is_told, begin, end),
		cmocka_unit_test_setup_teardown(a_failure_is_told_without_a_key, begin, end),
		cmocka_unit_test_setup_teardown(a_key_that_is_too_large_is_a_failure, begin, end),
		cmocka_unit_test_setup_teardown(a_broker_that_is_gone, begin, end),
	};

	return cmocka_run_group_tests_name("worker/probe", tests, NULL, NULL);
}
