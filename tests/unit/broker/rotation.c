/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "broker/vault.h"

#include "broker/rotation.c"

static void control(struct house *house, const char *path)
{
	struct house_call call = {
		.method = "POST", .path = path, .door = DOOR_CONTROL, .place = PLACE_CONTROL
	};

	assert_int_equal(house_call(house, &call)->status, 200);
}

/* Until the old keys are erased, or nothing is left to try. */
static void run_to_the_end(struct house *house)
{
	struct broker *broker = house->broker;
	const struct msg_vault_state *state = &broker->vault_state;

	for (unsigned i = 0; i < 400 && state->oldest_version < state->key_version; i++) {
		house_run(house);
		if (broker->rotation.timer == NULL && broker->rotation.serial == 0 &&
			broker->rotation.stuck > 0)
			return;
	}
}

static int64_t older(struct house *house, uint32_t key_version)
{
	int64_t count = -1;

	assert_int_equal(store_envelope_count_older(house->broker->store, key_version, &count), 0);
	return count;
}

static void add_credentials(struct house *house, unsigned count)
{
	struct store *store = house->broker->store;

	for (unsigned i = 0; i < count; i++) {
		struct credential_row row = {
			.device_id = house->device, .kind = SECRET_PASSWORD, .created_at = 1
		};
		int64_t id;
		snprintf(row.identifier, sizeof row.identifier, "more-%u", i);
		snprintf(row.username, sizeof row.username, "more-%u", i);
		assert_int_equal(store_credential_add(store, &row, &id), 0);
		assert_int_equal(store_credential_set_secret(store, id, 1, 1, "sealed", 6, 1), 0);
	}
}

static void everything_comes_under_the_new_key(void **state)
{
	struct house *house = *state;

	add_credentials(house, 3 * ROTATION_STEP + 1);
	int64_t all = older(house, 8);
	assert_true(all > 3 * ROTATION_STEP);
	control(house, "/control/vault/rotate");
	assert_non_null(strstr(house->reply.body, "\"key_version\":8"));
	run_to_the_end(house);
	assert_int_equal(older(house, 8), 0);
	assert_int_equal(house->broker->vault_state.oldest_version, 8);
	assert_int_equal(house->broker->rotation.goal, 0);
	struct audit_row row = house_audit(house, "vault.retired");
	assert_non_null(strstr(row.detail, "\"key_version\":8"));
	char count[32];
	snprintf(count, sizeof count, "\"rewrapped\":%lld", (long long)all);
	assert_non_null(strstr(row.detail, count));
	assert_string_equal(row.actor, "gateway");
	/* Each once: what is under the new key is what was under the old, turned over once. */
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	assert_int_equal(
		store_credential_get(house->broker->store, house->credential, &credential), 0);
	assert_int_equal(credential.sealed[0], 's' ^ 0xff);
	house_audit_verify(house);
}

/* While it goes on, what it has not come to opens as before, and calls are answered. */
static void calls_are_answered_meanwhile(void **state)
{
	struct house *house = *state;
	unsigned answered = 0;

	add_credentials(house, 10 * ROTATION_STEP);
	control(house, "/control/vault/rotate");
	while (house->broker->rotation.goal != 0 && answered < 1000) {
		assert_int_equal(house_get(house, "/api/pam/session/remotesessions")->status, 200);
		answered++;
	}
	run_to_the_end(house);
	assert_true(answered > 1);
	assert_int_equal(older(house, 8), 0);
}

static void one_that_cannot_be_opened_keeps_its_key(void **state)
{
	struct house *house = *state;
	struct rotation_progress progress;

	assert_int_equal(store_credential_set_secret(
				 house->broker->store, house->credential, 2, 1, "!damaged", 8, 1),
		0);
	control(house, "/control/vault/rotate");
	run_to_the_end(house);
	assert_int_equal(older(house, 8), 1);
	assert_int_equal(house->broker->vault_state.oldest_version, 7);
	assert_int_equal(rotation_progress(house->broker, &progress), 0);
	assert_true(progress.going);
	assert_int_equal(progress.left, 1);
	assert_int_equal(progress.stuck, 1);
	assert_int_equal(house_audit_count(house, "vault.retired"), 0);
	/* A new secret in its place, and the next rotation ends. */
	assert_int_equal(store_credential_set_secret(
				 house->broker->store, house->credential, 3, 8, "sealed", 6, 1),
		0);
	control(house, "/control/vault/rotate");
	run_to_the_end(house);
	assert_int_equal(house->broker->vault_state.oldest_version, 9);
	assert_int_equal(older(house, 9), 0);
}

/* The vault could not write its keyring: asked again, until it can. */
static void a_refused_end_is_asked_for_again(void **state)
{
	struct house *house = *state;
	struct rotation *rotation = &house->broker->rotation;
	struct msg_vault_state refused = { .result = -ERR_SYSTEM, .key_version = 8 };

	control(house, "/control/vault/rotate");
	rotation_stop(house->broker);
	rotation->goal = 8;
	rotation->serial = 77;
	assert_true(rotation_heard(house->broker, 77, &refused));
	assert_int_equal(rotation->serial, 0);
	assert_non_null(rotation->timer);
	run_to_the_end(house);
	assert_int_equal(house->broker->vault_state.oldest_version, 8);
	assert_int_equal(house_audit_count(house, "vault.retired"), 1);
}

/* What the vault says of itself is enough to go on, whoever was killed. */
static void goes_on_where_it_was(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct msg_vault_state then;

	add_credentials(house, 3 * ROTATION_STEP);
	control(house, "/control/vault/rotate");
	broker->rotation.cursor.after = 5; /* somewhere in the middle */
	then = broker->vault_state;
	then.oldest_version = 7;
	vault_lost(broker);
	assert_null(broker->rotation.timer);
	assert_int_equal(broker->rotation.goal, 0);
	assert_false(vault_sealed(broker));
	struct message message = { .type = MSG_VAULT_STATE, .payload = &then };
	vault_heard(broker, &message);
	assert_int_equal(broker->rotation.goal, 8);
	run_to_the_end(house);
	assert_int_equal(older(house, 8), 0);
	assert_int_equal(broker->vault_state.oldest_version, 8);
}

/* Keys are erased after the commit, and only if the store says that nothing needs them. */
static void a_transaction_that_is_undone_erases_nothing(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;

	control(house, "/control/vault/rotate");
	run_to_the_end(house);
	turn_close(broker);
	assert_int_equal(
		store_credential_set_secret(broker->store, house->credential, 2, 7, "sealed", 6, 1),
		0);
	struct msg_vault_state then = broker->vault_state;
	then.oldest_version = 7;
	struct message message = { .type = MSG_VAULT_STATE, .payload = &then };
	vault_heard(broker, &message);
	timer_cancel(STEAL(broker->rotation.timer));
	on_timer(broker);
	assert_int_equal(broker->rotation.rewrapped, 1);
	broker->turn.poisoned = true; /* an audit row of somebody else could not be written */
	turn_close(broker);
	assert_int_equal(broker->rotation.serial, 0);
	assert_true(older(house, 8) > 0);
	run_to_the_end(house);
	assert_int_equal(older(house, 8), 0);
	assert_int_equal(broker->vault_state.oldest_version, 8);
}

static void a_sealed_vault_stops_it(void **state)
{
	struct house *house = *state;

	add_credentials(house, 10 * ROTATION_STEP);
	control(house, "/control/vault/rotate");
	control(house, "/control/vault/seal");
	assert_int_equal(house->broker->rotation.goal, 0);
	assert_null(house->broker->rotation.timer);
	struct rotation_progress progress;
	assert_int_equal(rotation_progress(house->broker, &progress), 0);
	assert_false(progress.going);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_comes_under_the_new_key),
		TEST(calls_are_answered_meanwhile),
		TEST(one_that_cannot_be_opened_keeps_its_key),
		TEST(a_refused_end_is_asked_for_again),
		TEST(goes_on_where_it_was),
		TEST(a_transaction_that_is_undone_erases_nothing),
		TEST(a_sealed_vault_stops_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
