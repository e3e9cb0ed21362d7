/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "failing.h"
#include "failing_store.h"

static void write_row(struct house *house, const char *event, struct note *note)
{
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(audit_write(house->broker, event, "gateway", NULL, "thing:1", 0, note), 0);
	turn_close(house->broker);
}

static void test_chained(void **state)
{
	struct house *house = *state;
	struct audit head;

	for (int i = 0; i < 5; i++)
		write_row(house, "thing.happened", NULL);
	head = house->broker->audit;
	/* a new broker goes on where this one stopped */
	assert_int_equal(audit_load(house->broker), 0);
	assert_memory_equal(&head, &house->broker->audit, sizeof head);
	write_row(house, "thing.happened", NULL);
	assert_int_equal(house_audit_count(house, "thing.happened"), 6);
	assert_string_equal(house_audit(house, "thing.happened").detail, "{}");
}

static void test_from(void **state)
{
	struct house *house = *state;
	struct address from;

	assert_int_equal(address_parse(&from, "2001:DB8::1"), 0);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(
		audit_write(house->broker, "thing.came", "stranger", &from, "", -ERR_FULL, NULL),
		0);
	turn_close(house->broker);
	assert_string_equal(house_audit(house, "thing.came").from, "2001:db8::1");
	assert_string_equal(house_audit(house, "thing.came").actor, "stranger");
	assert_string_equal(house_audit(house, "thing.came").object, "");
	write_row(house, "thing.about", NULL);
	assert_string_equal(house_audit(house, "thing.about").object, "thing:1");
	assert_string_equal(house_audit(house, "thing.about").from, "");
	assert_int_equal(house_audit(house, "thing.came").result, -ERR_FULL);
}

static void test_undone(void **state)
{
	struct house *house = *state;
	struct savepoint savepoint;

	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(
		audit_write(house->broker, "thing.kept", "gateway", NULL, NULL, 0, NULL), 0);
	assert_int_equal(turn_savepoint(house->broker, &savepoint), 0);
	assert_int_equal(
		audit_write(house->broker, "thing.undone", "gateway", NULL, NULL, 0, NULL), 0);
	assert_int_equal(turn_undo(house->broker, &savepoint, -ERR_SYSTEM), 0);
	turn_close(house->broker);
	write_row(house, "thing.after", NULL);
	assert_int_equal(house_audit_count(house, "thing.undone"), 0);
	assert_int_equal(house_audit(house, "thing.after").sequence,
		house_audit(house, "thing.kept").sequence + 1);
}

static void test_detail_too_large(void **state)
{
	CLEANUP(note_finish) struct note note;
	char text[2000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	note_begin(&note);
	json_text(&note.json, "text", text);
	write_row(*state, "thing.large", &note);
	assert_string_equal(house_audit(*state, "thing.large").detail, "{\"too_large\":true}");
}

/* Names longer than a row holds are cut between characters. */
static void test_long_names(void **state)
{
	struct house *house = *state;
	char actor[400] = "";

	while (strlen(actor) < 300)
		memcpy(actor + strlen(actor), "ã", 3);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(audit_write(house->broker, "thing.named", actor, NULL, actor, 0, NULL), 0);
	turn_close(house->broker);
	struct audit_row row = house_audit(house, "thing.named");
	assert_true(text_valid(row.actor, sizeof row.actor));
	assert_true(strlen(row.actor) >= NAME_SIZE - 3);
}

/* The cut falls before a character, never inside one, and only a text that was cut loses any. */
static void test_where_it_is_cut(void **state)
{
	struct house *house = *state;
	char actor[2 * NAME_SIZE];
	const size_t most = NAME_SIZE - 1;

	for (size_t before = most - 2; before <= most; before++) {
		memset(actor, 'x', sizeof actor);
		memcpy(actor + before, "\xe2\x82\xac", 4); /* three bytes, then the end */
		assert_int_equal(turn_open(house->broker), 0);
		assert_int_equal(
			audit_write(house->broker, "thing.cut", actor, NULL, NULL, 0, NULL), 0);
		turn_close(house->broker);
		struct audit_row row;
		assert_int_equal(store_audit_last(house->broker->store, &row), 0);
		assert_int_equal(strlen(row.actor), before);
	}
	actor[most - 3] = 'x';
	memcpy(actor + most - 3, "\xe2\x82\xac", 4); /* just fits */
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(audit_write(house->broker, "thing.fits", actor, NULL, NULL, 0, NULL), 0);
	turn_close(house->broker);
	assert_string_equal(house_audit(house, "thing.fits").actor, actor);
	/* What is no text at all has no character to stop at. */
	memset(actor, 0x80, sizeof actor);
	actor[sizeof actor - 1] = 0;
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(audit_write(house->broker, "thing.bad", actor, NULL, NULL, 0, NULL), 0);
	turn_close(house->broker);
	assert_string_equal(house_audit(house, "thing.bad").actor, "");
}

/* The longest note a row holds, and one byte more. */
static void test_detail_to_the_brim(void **state)
{
	struct house *house = *state;
	char text[sizeof((struct audit_row *)0)->detail];
	const size_t most = sizeof text - 1 - strlen("{\"text\":\"\"}");

	for (size_t len = most; len <= most + 1; len++) {
		CLEANUP(note_finish) struct note note;
		memset(text, 'x', len);
		text[len] = 0;
		note_begin(&note);
		json_text(&note.json, "text", text);
		write_row(house, "thing.brim", &note);
		struct audit_row row;
		assert_int_equal(store_audit_last(house->broker->store, &row), 0);
		assert_int_equal(strlen(row.detail), len == most ? sizeof text - 1 : 18);
	}
}

/* A row that could not be written takes its turn with it, and the next goes on from before. */
static void test_store_fails(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;

	failing_store(broker->store);
	FAILING(FAILING_STORE) {
		struct audit head = broker->audit;
		int r = audit_load(broker);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
		if (r == 0)
			assert_memory_equal(&head, &broker->audit, sizeof head);
		broker->audit = head;
	}
	struct audit head = broker->audit;
	assert_int_equal(turn_open(broker), 0);
	failing_once("store_run", 1, EIO);
	assert_int_equal(
		audit_write(broker, "thing.lost", "gateway", NULL, NULL, 0, NULL), -ERR_STORE);
	failing_end();
	assert_true(broker->turn.poisoned);
	assert_memory_equal(&head, &broker->audit, sizeof head);
	assert_int_equal(audit_write(broker, "thing.lost", "gateway", NULL, NULL, 0, NULL), 0);
	turn_close(broker);
	assert_memory_equal(&head, &broker->audit, sizeof head);
	assert_int_equal(house_audit_count(house, "thing.lost"), 0);
	write_row(house, "thing.after", NULL);
	assert_int_equal(house_audit(house, "thing.after").sequence, head.sequence + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chained),
		TEST(test_from),
		TEST(test_undone),
		TEST(test_detail_too_large),
		TEST(test_long_names),
		TEST(test_where_it_is_cut),
		TEST(test_detail_to_the_brim),
		TEST(test_store_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
