/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <unistd.h>

#include "broker/vault.h"

static const struct identity identity = { "credential", "content", 3, 1 };

static void test_seal(void **state)
{
	struct house *house = *state;
	struct sealed sealed;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(
		vault_seal(house->broker, &identity, SECRET_PASSWORD, ends[0], &sealed), 0);
	assert_int_equal(sealed.len, 3);
	assert_int_equal(sealed.bytes[0], 'a' ^ 0xff);
	assert_int_equal(sealed.key_version, 7);
	assert_string_equal(sealed.detail, "ssh-ed25519 SHA256:x");
	assert_int_equal(write(ends[1], "!bc", 3), 3);
	assert_int_equal(vault_seal(house->broker, &identity, SECRET_SSH_KEY, ends[0], &sealed),
		-ERR_KEY_UNREADABLE);
	assert_int_equal(vault_seal(house->broker, &identity, SECRET_PASSWORD, -1, &sealed),
		-ERR_PARAMETER_MISSING);

	char text[8] = "";
	assert_int_equal(
		vault_seal_new(house->broker, &identity, SECRET_TOKEN, ends[1], &sealed), 0);
	assert_int_equal(read(ends[0], text, sizeof text), 4);
	assert_string_equal(text, "new.");
	assert_int_equal(
		vault_rewrap(house->broker, &identity, SECRET_PASSWORD, "zz", 2, &sealed), 0);
	assert_int_equal(sealed.len, 2);
	close(ends[0]);
	close(ends[1]);
}

static void test_states(void **state)
{
	struct house *house = *state;
	struct msg_vault_state vault;

	assert_int_equal(vault_status(house->broker, &vault), 0);
	assert_int_equal(vault.key_version, 7);
	assert_int_equal(vault_rotate(house->broker, &vault), 0);
	assert_int_equal(vault.key_version, 8);
	assert_int_equal(vault_unseal(house->broker, 0, &vault), -ERR_CRYPTO);
	assert_int_equal(vault_unseal(house->broker, -1, &vault), -ERR_PARAMETER_MISSING);
}

static void test_recording(void **state)
{
	struct house *house = *state;
	struct msg_recording_open recording = { .wrapped_len = 120 };

	assert_int_equal(vault_open_recording(house->broker, &recording, 1), 0);
	assert_int_equal(
		vault_open_recording(house->broker, &recording, -1), -ERR_PARAMETER_MISSING);
}

static void test_gone(void **state)
{
	struct house *house = *state;
	struct msg_vault_state vault;

	channel_destroy(STEAL(house->broker->vault));
	assert_int_equal(vault_status(house->broker, &vault), -ERR_PEER_GONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_seal),
		TEST(test_states),
		TEST(test_recording),
		TEST(test_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
