/* SPDX-License-Identifier: Apache-2.0 */
#include "api/connectivity.c"

#include "../store/fixture.h"

static void lists_become_rows(void **state)
{
	struct connectivity list[CONNECTIVITIES_MAX];
	char text[PROTOCOL_SIZE + 8];
	assert_int_equal(connectivities_parse("SSH:2222, rdp:3389,Telnet,ssh:2222", list), 3);
	assert_string_equal(list[0].protocol, "ssh");
	assert_int_equal(list[0].port, 2222);
	assert_string_equal(list[1].protocol, "rdp");
	assert_string_equal(list[2].protocol, "telnet");
	assert_int_equal(list[2].port, 23);
	assert_string_equal(connectivity_format("ssh", 22, text), "SSH:22");
	assert_string_equal(connectivity_format("telnet", 65535, text), "TELNET:65535");
}

static void everything_else_is_refused(void **state)
{
	static const char *const ports[] = { "ssh:", "ssh:0", "ssh:65536", "ssh:-1", "ssh:22a",
		"ssh:99999999999999", "ssh:+2", "ssh:22:22" };
	static const char *const words[] = { "", ",", "shh:22", ":22", "22",
		"sshsshsshsshsshsshsshsshsshsshsshsshssh:22" };
	struct connectivity list[CONNECTIVITIES_MAX];
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		assert_int_equal(connectivities_parse(ports[i], list), -ERR_PORT_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_int_equal(connectivities_parse(words[i], list), -ERR_PROTOCOL_INVALID);
}

static void a_device_has_a_bounded_number(void **state)
{
	struct connectivity list[CONNECTIVITIES_MAX];
	char text[512] = "";
	for (int i = 0; i <= CONNECTIVITIES_MAX; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "ssh:%d,", 1000 + i);
	}
	assert_int_equal(connectivities_parse(text, list), -ERR_TOO_LARGE);
	*strrchr(text, ',') = '\0';
	*strrchr(text, ',') = '\0';
	assert_int_equal(connectivities_parse(text, list), CONNECTIVITIES_MAX);
}

static void one_protocol(void **state)
{
	char protocol[PROTOCOL_SIZE];
	assert_int_equal(protocol_parse("SSH", protocol), 0);
	assert_string_equal(protocol, "ssh");
	assert_int_equal(protocol_parse("ftp", protocol), -ERR_PROTOCOL_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_become_rows),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(a_device_has_a_bounded_number),
		cmocka_unit_test(one_protocol),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
