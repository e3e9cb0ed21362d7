/* SPDX-License-Identifier: Apache-2.0 */
#include "api/device_add.c"

#include "fake.h"

static int add(
	struct broker *broker, const char *hostname, const char *ip, const char *connectivity)
{
	return fake_call(broker, &control_device_add, "hostname", hostname, "ip", ip,
		"connectivity", connectivity, NULL);
}

static int count(void *context, const struct connectivity_row *row)
{
	return ++*(int *)context < 0;
}

static void a_device_is_added_with_what_it_speaks(void **state)
{
	struct broker broker = fake_broker(state);
	struct device_row device;
	int rows = 0;
	assert_int_equal(
		fake_call(&broker, &control_device_add, "hostname", "fs2", "ip", "2001:DB8::0:7",
			"connectivity", "SSH:22,RDP", "domain", "corp", "any_port", "true", NULL),
		0);
	assert_string_equal(fake_at("ip"), "2001:db8::7");
	assert_null(fake_at("warning"));
	assert_int_equal(store_device_find(broker.fixture->store, "2001:db8::7", &device), 0);
	assert_true(device.any_port);
	assert_string_equal(device.domain, "corp");
	assert_int_equal(
		store_connectivity_list(broker.fixture->store, device.id, count, &rows), 0);
	assert_int_equal(rows, 2);
	assert_int_equal(add(&broker, "FS2", "192.0.2.9", "ssh"), -ERR_NAME_TAKEN);
}

static void loopback_is_allowed_with_a_warning(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(add(&broker, "here", "127.0.0.1", "ssh:2222"), 0);
	assert_non_null(fake_at("warning"));
	assert_int_equal(add(&broker, "here6", "::1", "ssh:2222"), 0);
	assert_non_null(fake_at("warning"));
}

static void addresses_that_are_never_targets(void **state)
{
	static const char *const bad[] = { "169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1",
		"::", "255.255.255.255", "ff02::1", "::ffff:169.254.169.254" };
	struct broker broker = fake_broker(state);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(add(&broker, "x", bad[i], "ssh"), -ERR_ADDRESS_FORBIDDEN);
}

static void what_cannot_be_a_device(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(add(&broker, "x", "db1", "ssh"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add(&broker, "a b", "192.0.2.1", "ssh"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add(&broker, "192.0.2.2", "192.0.2.1", "ssh"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add(&broker, "x", "192.0.2.1", "ftp"), -ERR_PROTOCOL_INVALID);
	assert_int_equal(add(&broker, "x", "192.0.2.1", "ssh:0"), -ERR_PORT_INVALID);
	assert_int_equal(fake_call(&broker, &control_device_add, "hostname", "x", "ip", "192.0.2.1",
				 "connectivity", "ssh", "domain", "a b", NULL),
		-ERR_PARAMETER_INVALID);
	assert_int_equal(add(&broker, "192.0.2.1", "192.0.2.1", "ssh"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(a_device_is_added_with_what_it_speaks),
		API_CASE(loopback_is_allowed_with_a_warning),
		API_CASE(addresses_that_are_never_targets),
		API_CASE(what_cannot_be_a_device),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
