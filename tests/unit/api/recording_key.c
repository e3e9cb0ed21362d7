/* SPDX-License-Identifier: Apache-2.0 */
#include "api/recording_key.c"

#include "fake.h"

#define ID "0000000000000000000000000000000000000001"

static void add_session(struct broker *broker)
{
	struct session_row session = fixture_session(broker->fixture, 1);
	int64_t id;
	assert_int_equal(store_session_add(broker->fixture->store, &session, &id), 0);
}

/* wrapped: as hex; what the caller got is in written. */
static int ask_for(struct broker *broker, const struct endpoint *which, const char *session_id,
	const char *wrapped, char written[16])
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	fake_fds(-1, ends[1]);
	int r = fake_call(broker, which, "session_id", session_id, "wrapped", wrapped,
		"key_version", "3", NULL);
	close(ends[1]);
	memset(written, 0, 16);
	assert_true(read(ends[0], written, 15) >= 0);
	close(ends[0]);
	return r;
}

static int ask(struct broker *broker, const char *session_id, const char *wrapped, char written[16])
{
	return ask_for(broker, &control_recording_key, session_id, wrapped, written);
}

/* What was typed unseen has a door, and a line in the trail, of its own. */
static void the_second_key_is_another_matter(void **state)
{
	struct broker broker = fake_broker(state);
	char written[16];
	add_session(&broker);
	assert_int_equal(ask(&broker, ID, "77", written), 0);
	assert_false(broker.opened_secrets);
	assert_int_equal(
		ask_for(&broker, &control_recording_secrets, ID, "7772617021", written), 0);
	assert_true(broker.opened_secrets);
	assert_string_equal(written, "wrap!");
	assert_string_equal(fake_object(), "recording:" ID);
	assert_string_equal(fake_audit_at("device"), "DB1");
	assert_string_not_equal(control_recording_secrets.audit, control_recording_key.audit);
}

static void the_key_goes_to_the_caller(void **state)
{
	struct broker broker = fake_broker(state);
	char written[16];
	add_session(&broker);
	assert_int_equal(ask(&broker, ID, "7772617021", written), 0);
	assert_string_equal(written, "wrap!");
	assert_string_equal(broker.opened, ID);
	assert_string_equal(fake_object(), "recording:" ID);
	assert_string_equal(fake_audit_at("user"), "ana");
	broker.vault_result = -ERR_SEALED;
	assert_int_equal(ask(&broker, ID, "7772617021", written), -ERR_SEALED);
	assert_string_equal(written, "");
	assert_int_equal(fake_call(&broker, &control_recording_key, "session_id", ID, "wrapped",
				 "77", "key_version", "3", NULL),
		-ERR_PARAMETER_MISSING); /* nowhere to write to */
}

static void what_has_no_recording(void **state)
{
	struct broker broker = fake_broker(state);
	char written[16];
	add_session(&broker);
	assert_int_equal(
		ask(&broker, "../sallyport", "7772617021", written), -ERR_RECORDING_NOT_FOUND);
	assert_int_equal(ask(&broker, "0000000000000000000000000000000000000002", "77", written),
		-ERR_RECORDING_NOT_FOUND);
	assert_int_equal(ask(&broker, ID, "777", written), -ERR_PARAMETER_INVALID);
	assert_int_equal(ask(&broker, ID, "zz", written), -ERR_PARAMETER_INVALID);
	assert_string_equal(written, "");
	assert_string_equal(broker.opened, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(the_key_goes_to_the_caller),
		API_CASE(the_second_key_is_another_matter),
		API_CASE(what_has_no_recording),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
