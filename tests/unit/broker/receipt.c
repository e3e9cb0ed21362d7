/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receipt.c"

#include "base/encode.h"
#include "person.h"
#include "store/store_private.h"

static void assert_genuine(const struct receipt *receipt)
{
	uint8_t installation[32], secret[64];

	house_installation(installation, secret);
	assert_int_equal(receipt_check(receipt->text, strlen(receipt->text), receipt->signature,
				 receipt->signer.public_key),
		0);
	assert_int_equal(signer_check(&receipt->signer, installation), 0);
}

static int ask(struct house *house, int64_t id, struct receipt *ret_receipt)
{
	struct session_row row = person_row(house, id);

	assert_int_equal(turn_open(house->broker), 0);
	int r = receipt_of(house->broker, &row, ret_receipt);
	turn_close(house->broker);
	return r;
}

static void assert_says(const struct receipt *receipt, const char *words)
{
	if (strstr(receipt->text, words) == NULL)
		fail_msg("no %s in %s", words, receipt->text);
}

static void expect_text(struct house *house, int64_t id, const struct receipt *receipt)
{
	const char *made = strstr(receipt->text, ",\"made\":\"");
	struct audit_row sealed = house_audit(house, "recording.sealed");
	char hash[2 * HASH_LEN + 1];
	char created[CLOCK_TEXT_SIZE], opened[CLOCK_TEXT_SIZE], live[CLOCK_TEXT_SIZE],
		ended[CLOCK_TEXT_SIZE], want[RECEIPT_MAX];
	struct session_row row = person_row(house, id);

	hex_encode(hash, sealed.hash, HASH_LEN);
	snprintf(want, sizeof want,
		"{\"receipt\":1,\"tenant\":\"%s\",\"session\":\"%lld\",\"session_id\":\"%s\","
		"\"user\":\"ana\","
		"\"application\":\"portal\",\"authorization\":\"%lld\",\"device\":\"db1\","
		"\"address\":\"127.0.0.1\",\"port\":%u,\"protocol\":\"ssh\",\"username\":\"root\","
		"\"credential\":\"%lld\",\"credential_version\":%lld,\"from\":\"203.0.113.9\","
		"\"created\":\"%s\",\"opened\":\"%s\",\"live\":\"%s\",\"ended\":\"%s\","
		"\"why\":\"ordinary\",\"reason\":\"logout\",\"exit_status\":3,"
		"\"output_bytes\":1000,\"input_bytes\":10,\"inputs\":4,\"recording\":{\"id\":"
		"\"%s\",\"sealed\":true,\"head\":\"ab01%060d\",\"chunks\":2,\"file_bytes\":500,"
		"\"duration_ms\":1500},\"audit\":{\"row\":%lld,\"hash\":\"%s\"}",
		house->broker->settings->gateway_tenant, (long long)id, row.session_id,
		(long long)house->authorization, row.port, (long long)house->credential,
		(long long)row.credential_version, clock_format_utc(row.created_at, created),
		clock_format_utc(row.redeemed_at, opened), clock_format_utc(row.live_at, live),
		clock_format_utc(row.ended_at, ended), row.session_id, 0,
		(long long)sealed.sequence, hash);
	assert_non_null(made);
	char *said = strndup(receipt->text, (size_t)(made - receipt->text));
	assert_string_equal(said, want);
	free(said);
}

static void test_of_a_whole_life(void **state)
{
	struct house *house = *state;
	struct receipt receipt, again;
	struct person person;

	int64_t id = person_go_live(house, &person);
	assert_int_equal(ask(house, id, &receipt), -ERR_AGAIN);
	person_moved(house, id, VIEW_OVER, 0);
	assert_int_equal(ask(house, id, &receipt), -ERR_AGAIN); /* not sealed */
	person_sealed(house, id);
	assert_int_equal(store_receipt_get(house->broker->store, id, &receipt), 0);
	assert_genuine(&receipt);
	expect_text(house, id, &receipt);
	/* it stays as it is */
	assert_int_equal(ask(house, id, &again), 0);
	assert_memory_equal(&again.signature, &receipt.signature, sizeof receipt.signature);
	/* and what was sealed is on record, with what a receipt says of it */
	assert_non_null(strstr(house_audit(house, "recording.sealed").detail,
		"\"inputs\":4,\"file_bytes\":500,\"chunks\":2,\"duration_ms\":1500,\"head\":"
		"\"ab01"));
	person_close(&person);
}

static void test_of_one_that_nobody_opened(void **state)
{
	struct house *house = *state;
	struct receipt receipt;

	house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh");
	assert_int_equal(ask(house, 1, &receipt), -ERR_AGAIN);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(ending_of(house->broker, ENDING_SESSION, 1, "no need"), 1);
	turn_close(house->broker);
	assert_int_equal(ask(house, 1, &receipt), 0);
	assert_genuine(&receipt);
	assert_says(&receipt, "\"from\":null,");
	assert_says(&receipt, "\"opened\":null,\"live\":null,\"ended\":\"2");
	assert_says(&receipt,
		"\"why\":\"SESSION_DROPPED\",\"reason\":\"no need\",\"exit_status\":null,"
		"\"output_bytes\":null,\"input_bytes\":null,\"inputs\":null,"
		"\"recording\":null,\"audit\":{\"row\":");
}

static void test_of_one_whose_recorder_died(void **state)
{
	struct house *house = *state;
	struct receipt receipt;
	struct person person;

	int64_t id = person_arrive(house, &person);
	channel_destroy(STEAL(house->recorder));
	house_run(house);
	assert_int_equal(store_receipt_get(house->broker->store, id, &receipt), 0);
	assert_genuine(&receipt);
	assert_says(&receipt, "\"why\":\"RECORDER_DIED\"");
	assert_says(&receipt, "\"recording\":{\"id\":\"");
	assert_says(&receipt, "\"sealed\":false,\"head\":null,\"chunks\":null,\"file_bytes\":null,"
			      "\"duration_ms\":null}");
	person_close(&person);
}

/* Its end is on record, and then the recorder dies over the file. */
static void test_of_one_that_was_not_sealed(void **state)
{
	struct house *house = *state;
	struct receipt receipt;
	struct person person;

	int64_t id = person_arrive(house, &person);
	person_moved(house, id, VIEW_OVER, 0);
	channel_destroy(STEAL(house->recorder));
	house_run(house);
	assert_int_equal(store_receipt_get(house->broker->store, id, &receipt), 0);
	assert_says(&receipt, "\"why\":\"ordinary\",\"reason\":\"logout\"");
	assert_says(&receipt, "\"sealed\":false");
	person_close(&person);
}

/* Broker and recorder died together: what became of it nobody knows, and that is what it says. */
static void test_of_one_that_is_gone_after_a_restart(void **state)
{
	struct house *house = *state;
	struct receipt receipt;
	struct person person;

	int64_t id = person_go_live(house, &person);
	sessions_finish(house->broker);
	assert_int_equal(sessions_load(house->broker), 0);
	house_recorder_has(house, NULL);
	assert_int_equal(store_receipt_get(house->broker->store, id, &receipt), 0);
	assert_genuine(&receipt);
	assert_says(&receipt, "\"why\":\"GATEWAY_RESTARTED\"");
	assert_says(&receipt, "\"sealed\":false");
	person_close(&person);
}

/* Ended by a new broker before the recorder said that it still has it: the recording will come. */
static void test_of_one_that_is_ended_before_the_list(void **state)
{
	struct house *house = *state;
	struct receipt receipt;
	struct person person;

	int64_t id = person_arrive(house, &person);
	sessions_finish(house->broker);
	assert_int_equal(sessions_load(house->broker), 0);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(ending_of(house->broker, ENDING_SESSION, id, "enough"), 1);
	turn_close(house->broker);
	assert_int_equal(ask(house, id, &receipt), -ERR_AGAIN);
	house_recorder_has(house, NULL);
	assert_int_equal(ask(house, id, &receipt), -ERR_AGAIN);
	person_sealed(house, id);
	assert_int_equal(store_receipt_get(house->broker->store, id, &receipt), 0);
	assert_says(&receipt, "\"reason\":\"enough\"");
	assert_says(&receipt, "\"sealed\":true");
	person_close(&person);
}

static const struct backend *real;

static int run_but_receipts(void *connection, unsigned statement, const struct value *params,
	unsigned count, keep_row_fn *keep, void *context)
{
	return statement == STMT_RECEIPT_ADD
		       ? -ERR_STORE
		       : real->run(connection, statement, params, count, keep, context);
}

static void test_a_session_ends_without_one(void **state)
{
	struct house *house = *state;
	struct store *store = house->broker->store;
	struct backend refusing = *store->backend;
	struct receipt receipt;
	struct person person;

	real = store->backend;
	refusing.run = run_but_receipts;
	int64_t id = person_arrive(house, &person);
	store->backend = &refusing;
	person_moved(house, id, VIEW_OVER, 0);
	person_sealed(house, id);
	store->backend = real;
	assert_int_equal(person_row(house, id).state, SESSION_ENDED);
	assert_int_equal(person_row(house, id).recorded, 1);
	assert_int_equal(house_audit_count(house, "recording.sealed"), 1);
	assert_int_equal(store_receipt_get(store, id, &receipt), -ERR_NOT_FOUND);
	assert_int_equal(ask(house, id, &receipt), 0); /* whoever asks tries again */
	assert_says(&receipt, "\"sealed\":true");
	house_audit_verify(house);
	person_close(&person);
}

/* A session that ended when this broker was not there yet: its row is all there is. */
static int64_t ended_before(struct house *house)
{
	struct store *store = house->broker->store;
	const uint8_t nothing[65] = { 4 };
	int64_t long_ago = clock_wall_ms() - 1000;

	house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh");
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(
		store_session_redeemed(store, 1, "203.0.113.9", nothing, nothing, long_ago), 0);
	assert_int_equal(store_session_ended(store, 1, 0, "logout", 0, long_ago), 0);
	assert_int_equal(store_commit(store), 0);
	return 1;
}

static void test_of_one_that_nobody_will_seal(void **state)
{
	struct house *house = *state;
	struct receipt receipt;
	int64_t id = ended_before(house);
	struct session_row row = person_row(house, id);

	assert_int_equal(ask(house, id, &receipt), -ERR_AGAIN);
	row.ended_at -= FORGET_MS;
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(receipt_of(house->broker, &row, &receipt), 0);
	turn_close(house->broker);
	assert_says(&receipt, "\"sealed\":false");
}

static void test_nothing_is_signed_before_the_key_is_on_record(void **state)
{
	struct house *house = *state;
	struct receipt receipt;
	int64_t id = ended_before(house);
	struct session_row row = person_row(house, id);

	row.recorded = 1;
	house->broker->head.stored = false;
	assert_int_equal(receipt_of(house->broker, &row, &receipt), -ERR_AGAIN);
	house->broker->head.stored = true;
}

/* Sealed by a gateway that did not count everything yet. */
static void test_of_an_old_recording(void **state)
{
	struct house *house = *state;
	char text[RECEIPT_MAX + 1];
	struct session_row row = { .redeemed_at = 1,
		.recorded = 1,
		.output_bytes = 7,
		.inputs = -1,
		.chunks = -1,
		.duration_ms = -1 };

	assert_int_equal(text_write(house->broker, &row, 1, text), 0);
	assert_non_null(strstr(text, "\"output_bytes\":7,\"input_bytes\":0,\"inputs\":null,"));
	assert_non_null(strstr(text, "\"chunks\":null,\"file_bytes\":0,\"duration_ms\":null}"));
}

/* The longest names, each letter of them written as six: it is still a receipt. */
static void test_the_longest(void **state)
{
	struct house *house = *state;
	char text[RECEIPT_MAX + 1];
	struct session_row row;

	memset(&row, 0x7f, sizeof row);
	row.recorded = 1;
#define FILL(array) (memset(array, 1, sizeof array), array[sizeof array - 1] = '\0')
	FILL(row.session_id);
	FILL(row.user);
	FILL(row.application);
	FILL(row.device);
	FILL(row.ip);
	FILL(row.username);
	FILL(row.protocol);
	FILL(row.origin_ip);
	FILL(row.end_reason);
	FILL(((struct settings *)house->broker->settings)->gateway_tenant);
	row.end_why = -ERR_GATEWAY_RESTARTED;
	row.created_at = row.redeemed_at = row.live_at = row.ended_at = 1700000000000;
	assert_int_equal(text_write(house->broker, &row, 1700000000000, text), 0);
	assert_true(strlen(text) > 6000);
}

static void test_as_it_is_given_away(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(4096);
	struct receipt receipt = { .text = "{\"receipt\":1}" };
	struct json json = json_begin(&out);
	char want[1024];

	json_open_object(&json, NULL);
	receipt_write(&json, NULL);
	receipt_write(&json, &receipt);
	receipt.signer.certified = true;
	receipt_write(&json, &receipt);
	json_close_object(&json);
	assert_int_equal(json_finish(&json), 0);
	int len = snprintf(want, sizeof want,
		"{\"receipt\":null,\"receipt\":{\"text\":\"{\\\"receipt\\\":1}\","
		"\"signature\":\"%0128d\",\"key\":\"%064d\",\"trail\":\"%064d\","
		"\"certificate\":null},\"receipt\":{\"text\":\"{\\\"receipt\\\":1}\","
		"\"signature\":\"%0128d\",\"key\":\"%064d\",\"trail\":\"%064d\","
		"\"certificate\":\"%0128d\"}}",
		0, 0, 0, 0, 0, 0, 0);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.data, want, out.len);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_of_a_whole_life),
		TEST(test_of_one_that_nobody_opened),
		TEST(test_of_one_whose_recorder_died),
		TEST(test_of_one_that_was_not_sealed),
		TEST(test_of_one_that_is_gone_after_a_restart),
		TEST(test_of_one_that_is_ended_before_the_list),
		TEST(test_a_session_ends_without_one),
		TEST(test_of_one_that_nobody_will_seal),
		TEST(test_nothing_is_signed_before_the_key_is_on_record),
		TEST(test_of_an_old_recording),
		TEST(test_the_longest),
		cmocka_unit_test(test_as_it_is_given_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
