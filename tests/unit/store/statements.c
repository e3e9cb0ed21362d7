/* SPDX-License-Identifier: Apache-2.0 */
#include "store/statements.c"

#include "fixture.h"

static const struct dialect_word words[] = { { "BYTES", "BLOB" }, { "BEGIN_WRITE", "BEGIN" }, {} };

static void whole_words_are_translated(void **state)
{
	size_t len;
	assert_string_equal(translate(words, "BYTES,", 5, &len), "BLOB");
	assert_int_equal(len, 4);
	assert_string_equal(translate(words, "BYTESX", 6, &len), "BYTESX");
	assert_int_equal(len, 6);
	assert_int_equal(word_length("BEGIN_WRITE;"), 11);
	assert_int_equal(word_length("$1"), 0);
}

static void texts_are_translated(void **state)
{
	char *begin = statement_text(STMT_BEGIN, words);
	char *plain = statement_text(STMT_FACT_GET, words);
	char *migration = statement_text(STMT_SCHEMA + 1, words);
	assert_string_equal(begin, "BEGIN");
	assert_string_equal(plain, "SELECT value FROM facts WHERE name = $1");
	assert_null(strstr(migration, "BYTES NOT NULL"));
	assert_non_null(strstr(migration, "BLOB NOT NULL"));
	assert_non_null(strstr(migration, "CREATE TABLE audit"));
	free(begin);
	free(plain);
	free(migration);
}

/* What one of the two databases would not take. */
static void one_text_for_both(void **state)
{
	static const char *const refused[] = { "now()", "AUTOINCREMENT", "INSERT OR ",
		"REPLACE INTO", "TRUE", "FALSE", "ILIKE", "::", "?", "PRAGMA", "SERIAL" };
	for (unsigned i = 0; i < STMT_SCHEMA; i++) {
		for (size_t j = 0; j < ARRAY_LEN(refused); j++) {
			if (strstr(statements[i].text, refused[j]) != NULL)
				fail_msg("%s uses %s", statement_name(i), refused[j]);
		}
	}
	assert_string_equal(statement_name(STMT_TICKET_SPEND), "TICKET_SPEND");
	assert_string_equal(statement_name(STMT_SCHEMA + 1), "migration");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_words_are_translated),
		cmocka_unit_test(texts_are_translated),
		cmocka_unit_test(one_text_for_both),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
