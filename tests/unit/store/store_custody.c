/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_custody.c"

#include "fixture.h"

static int64_t another(struct fixture *fixture)
{
	struct authorization_row row = {
		.application_id = fixture->application, .client_id = "other", .created_at = NOW
	};
	int64_t id;
	assert_int_equal(store_authorization_add(fixture->store, &row, &id), 0);
	return id;
}

static void one_holds_it_until_then(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct custody_row found,
		mine = { fixture->credential, fixture->authorization, NOW, NOW + 100 };
	struct custody_row other = mine;
	other.authorization_id = another(fixture);
	assert_int_equal(
		store_custody_get(store, fixture->credential, NOW, &found), -ERR_NOT_FOUND);
	assert_int_equal(store_custody_take(store, &mine, false), 0);
	assert_int_equal(store_custody_take(store, &other, false), -ERR_CREDENTIAL_HELD);
	assert_int_equal(store_custody_get(store, fixture->credential, NOW + 99, &found), 0);
	assert_int_equal(found.authorization_id, fixture->authorization);
	assert_int_equal(found.taken_at, NOW);
	assert_int_equal(found.until, NOW + 100);
	/* whoever has it prolongs it */
	mine.taken_at = NOW + 50;
	mine.until = NOW + 150;
	assert_int_equal(store_custody_take(store, &mine, false), 0);
	other.taken_at = NOW + 149;
	assert_int_equal(store_custody_take(store, &other, false), -ERR_CREDENTIAL_HELD);
	assert_int_equal(
		store_custody_get(store, fixture->credential, NOW + 150, &found), -ERR_NOT_FOUND);
	other.taken_at = NOW + 150;
	other.until = NOW + 200;
	assert_int_equal(store_custody_take(store, &other, false), 0);
}

static void it_is_given_back_by_its_holder_alone(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct custody_row mine = { fixture->credential, fixture->authorization, NOW, NOW + 100 };
	struct custody_row other = mine;
	other.authorization_id = another(fixture);
	assert_int_equal(store_custody_take(store, &mine, false), 0);
	assert_int_equal(
		store_custody_release(store, fixture->credential, other.authorization_id, NOW),
		-ERR_NOT_FOUND);
	assert_int_equal(
		store_custody_release(store, fixture->credential, mine.authorization_id, NOW + 100),
		-ERR_NOT_FOUND);
	assert_int_equal(
		store_custody_release(store, fixture->credential, mine.authorization_id, NOW), 0);
	assert_int_equal(store_custody_take(store, &other, false), 0);
	/* shared: taken over from whoever has it */
	assert_int_equal(store_custody_take(store, &mine, true), 0);
	assert_int_equal(store_custody_take(store, &other, false), -ERR_CREDENTIAL_HELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_holds_it_until_then),
		CASE(it_is_given_back_by_its_holder_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
