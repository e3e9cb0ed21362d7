/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <signal.h>

#include <unistd.h>

#include "broker/vault.h"

static const struct identity identity = { "credential", "content", 3, 1 };

static void on_vault_gone(struct house *house)
{
	kill(house->vault_pid, SIGKILL);
	for (int i = 0; i < 200 && house->broker->vault != NULL; i++)
		house_run(house);
	assert_null(house->broker->vault);
	house_run(house);
}

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
	assert_false(vault_sealed(house->broker));
	assert_int_equal(vault_seal_itself(house->broker, &vault), 0);
	assert_true(vault_sealed(house->broker));
}

/* vault/unseal with this on its descriptor; the reply may come later. */
static void send_unseal(struct house *house, const char *text)
{
	struct house_call call = { .method = "POST",
		.path = "/control/vault/unseal",
		.door = DOOR_CONTROL,
		.place = PLACE_CONTROL };
	int ends[2] = { -1, -1 };

	house->replied = false;
	house->reply.body_len = 0;
	if (text != NULL) {
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
		close(ends[1]);
		call.fd = ends[0];
	}
	house_send_call(house, &call);
	fd_closep(&ends[0]);
}

static const struct house_reply *unseal(struct house *house, const char *text)
{
	send_unseal(house, text);
	return house_await(house);
}

static void test_unseal(void **state)
{
	struct house *house = *state;
	struct msg_vault_state vault;

	vault_seal_itself(house->broker, &vault);
	assert_int_equal(unseal(house, "wrong")->status, 400);
	assert_non_null(strstr(house->reply.body, "The passphrase is wrong"));
	assert_int_equal(house_audit(house, "call.refused").result, -ERR_PASSPHRASE_WRONG);
	assert_int_equal(unseal(house, "again")->status, 429);
	assert_non_null(strstr(house->reply.body, "looked at in 2 s"));
	assert_int_equal(unseal(house, NULL)->status, 400);
	assert_non_null(strstr(house->reply.body, "No passphrase was given"));
	assert_true(vault_sealed(house->broker));
	assert_int_equal(unseal(house, "right")->status, 200);
	assert_false(vault_sealed(house->broker));
	house_audit(house, "vault.unsealed");
}

/* What takes long holds nobody else up; and when its vault goes, it is told. */
static void test_waiting(void **state)
{
	struct house *house = *state;

	for (unsigned i = 0; i < LATER_MAX; i++)
		send_unseal(house, "never");
	house_run(house);
	assert_false(house->replied);
	assert_int_equal(house_get(house, "/api/pam/session/remotesessions")->status, 200);
	assert_int_equal(unseal(house, "right")->status, 503); /* one too many */
	unsigned before = house->replies;
	on_vault_gone(house);
	for (int i = 0; i < 200 && house->replies < before + LATER_MAX; i++)
		house_run(house);
	assert_int_equal(house->replies, before + LATER_MAX);
	assert_int_equal(house->reply.status, 503);
	assert_null(house->broker->laters);
	assert_int_equal(unseal(house, "right")->status, 503); /* there is none */
}

static void test_sealed_refuses_what_needs_it(void **state)
{
	struct house *house = *state;
	struct msg_vault_state vault;
	const char *params = "user=ana&credential=root&device=db1&protocol=ssh";

	vault_seal_itself(house->broker, &vault);
	assert_int_equal(house_post(house, "/api/pam/remote/session", params)->status, 503);
	assert_non_null(strstr(house->reply.body, "The vault is sealed"));
	/* Before anything else is said of the request, and with the rights it needs all the same.
	 */
	assert_int_equal(house_audit_count(house, "session.created"), 0);
	assert_int_equal(house_get(house, "/api/pam/session/remotesessions")->status, 200);
	assert_int_equal(unseal(house, "right")->status, 200);
	assert_int_equal(house_post(house, "/api/pam/remote/session", params)->status, 200);
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

	on_vault_gone(house);
	assert_int_equal(vault_status(house->broker, &vault), -ERR_PEER_GONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_seal),
		TEST(test_states),
		TEST(test_unseal),
		TEST(test_waiting),
		TEST(test_sealed_refuses_what_needs_it),
		TEST(test_recording),
		TEST(test_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
