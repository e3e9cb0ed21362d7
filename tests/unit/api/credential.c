/* SPDX-License-Identifier: Apache-2.0 */
#include "api/credential.c"

#include "house.h"

static int find(struct house *house, const char *name, int64_t *ret_id)
{
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	struct call *call = call_create(house->broker);

	call->principal.authorization_id = house->authorization;
	call->segments[0] = name;
	int r = credential_find(call, &row);
	*ret_id = row.id;
	call_destroy(call);
	return r;
}

static void test_found_by_each_form(void **state)
{
	struct house *house = *state;
	char id[24];
	int64_t found;

	house_tamper(house, "UPDATE credentials SET identifier = 'Ops-1' WHERE username = 'root'");
	snprintf(id, sizeof id, "%lld", (long long)house->credential);
	const char *const names[] = { id, "Ops-1", "root@db1", "root@DB1" };
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(find(house, names[i], &found), 0);
		assert_int_equal(found, house->credential);
	}
	const char *const unknown[] = { "0", "999999", "ops-1", "Root@db1", "root@db9", "root",
		"@db1", "root@" };
	for (unsigned i = 0; i < ARRAY_LEN(unknown); i++)
		assert_int_equal(find(house, unknown[i], &found), -ERR_CREDENTIAL_UNKNOWN);
}

/* A number is a row id first, and an identifier when there is no such row. */
static void test_a_number_is_an_id_first(void **state)
{
	struct house *house = *state;
	char statement[128], id[24];
	int64_t found;

	house_tamper(house, "UPDATE credentials SET identifier = '4711' WHERE username = 'root'");
	assert_int_equal(find(house, "4711", &found), 0);
	assert_int_equal(found, house->credential);
	snprintf(id, sizeof id, "%lld", (long long)house->domain_credential);
	snprintf(statement, sizeof statement,
		"UPDATE credentials SET identifier = '%s' WHERE username = 'root'", id);
	house_tamper(house, statement);
	assert_int_equal(find(house, id, &found), 0);
	assert_int_equal(found, house->domain_credential);
}

/* The account's name may hold an '@' itself: the last one divides. */
static void test_an_account_with_an_at(void **state)
{
	struct house *house = *state;
	int64_t found;

	house_tamper(house, "UPDATE credentials SET username = 'ro@ot' WHERE username = 'root'");
	assert_int_equal(find(house, "ro@ot@db1", &found), 0);
	assert_int_equal(found, house->credential);
}

static void test_created_assigned_or_neither(void **state)
{
	struct house *house = *state;
	int64_t found;

	assert_int_equal(find(house, "foreign@db1", &found), -ERR_CREDENTIAL_NO_ACCESS);
	house_tamper(
		house, "UPDATE credentials SET owner_authorization = 1 WHERE username = 'foreign'");
	assert_int_equal(house->authorization, 1);
	assert_int_equal(find(house, "foreign@db1", &found), 0);
	house_tamper(house, "DELETE FROM coverage");
	assert_int_equal(find(house, "root@db1", &found), -ERR_CREDENTIAL_NO_ACCESS);
}

/* Whoever has no access to a key does not hear that it is one. */
static void test_a_key_is_not_a_credential(void **state)
{
	struct house *house = *state;
	int64_t found;

	house_tamper(house, "UPDATE credentials SET kind = 2");
	assert_int_equal(find(house, "root@db1", &found), -ERR_CREDENTIAL_KIND);
	assert_int_equal(find(house, "foreign@db1", &found), -ERR_CREDENTIAL_NO_ACCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found_by_each_form),
		TEST(test_a_number_is_an_id_first),
		TEST(test_an_account_with_an_at),
		TEST(test_created_assigned_or_neither),
		TEST(test_a_key_is_not_a_credential),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
