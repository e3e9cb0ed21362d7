/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chained),
		TEST(test_undone),
		TEST(test_detail_too_large),
		TEST(test_long_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
