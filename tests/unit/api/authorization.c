/* SPDX-License-Identifier: Apache-2.0 */
#include "api/authorization.h"

#include "api/authorization_add.c"

#include "fake.h"

static int note_pair(struct store *store, int64_t authorization_id, int64_t credential_id)
{
	struct credential_row row = { 0 };
	int r = store_credential_get(store, credential_id, &row);
	assert_int_equal(authorization_id, 2); /* the fixture has one already */
	store_credential_finish(&row);
	return r;
}

/* Any way to name several comes to the same. */
static int named(struct broker *broker, struct call *call)
{
	int count = authorization_accounts(call, 2, note_pair);
	call_detail(call, "%d", count);
	return count < 0 ? count : 0;
}

static int limits(struct broker *broker, struct call *call)
{
	struct authorization_row row = {
		.ips = "10.0.0.1", .referers = "https://a.example", .expires_at = 7
	};
	int r = authorization_read_limits(call, &row);
	call_detail(call, "%s|%s|%lld", row.ips, row.referers, (long long)row.expires_at);
	return r;
}

static void accounts_in_any_form(void **state)
{
	struct broker broker = fake_broker(state);
	struct endpoint endpoint = control_authorization_add;
	static const struct field lists[] = {
		{ "credentials", FIELD_TEXT, 32767, ERR_NONE, ERR_PARAMETER_INVALID }, {}
	};
	endpoint.fields = lists;
	endpoint.answer = named;
	assert_int_equal(fake_call(&broker, &endpoint, NULL), 0);
	assert_string_equal(fake_detail(), "0");
	assert_int_equal(
		fake_call(&broker, &endpoint, "credentials", " root@db1, ,root@db1,", NULL), 0);
	assert_string_equal(fake_detail(), "2");
	assert_int_equal(fake_call(&broker, &endpoint, "credentials.0", "root@db1", "credentials.1",
				 "root@db1,root@192.0.2.7", NULL),
		0);
	assert_string_equal(fake_detail(), "3");
	assert_int_equal(fake_call(&broker, &endpoint, "credentials", "root@db1,nobody@db1", NULL),
		-ERR_CREDENTIAL_NOT_FOUND);
	assert_string_equal(fake_message(), "No such credential: nobody@db1");
}

static void what_is_not_named_stays(void **state)
{
	struct broker broker = fake_broker(state);
	struct endpoint endpoint = control_authorization_add;
	static const struct field some[] = {
		{ "ip", FIELD_TEXT, 511, ERR_NONE, ERR_PARAMETER_INVALID },
		{ "referer", FIELD_TEXT, 1023, ERR_NONE, ERR_PARAMETER_INVALID },
		{ "fingerprint", FIELD_TEXT, 127, ERR_NONE, ERR_PARAMETER_INVALID },
		{ "expires", FIELD_TEXT, 63, ERR_NONE, ERR_PARAMETER_INVALID },
		{},
	};
	endpoint.fields = some;
	endpoint.answer = limits;
	assert_int_equal(fake_call(&broker, &endpoint, NULL), 0);
	assert_string_equal(fake_detail(), "10.0.0.1|https://a.example|7");
	assert_int_equal(
		fake_call(&broker, &endpoint, "ip", "*", "referer", "", "expires", "never", NULL),
		0);
	assert_string_equal(fake_detail(), "*||0");
	assert_int_equal(
		fake_call(&broker, &endpoint, "expires", "soon", NULL), -ERR_PARAMETER_INVALID);
	assert_int_equal(fake_call(&broker, &endpoint, "expires", "2001-01-01", NULL),
		-ERR_PARAMETER_INVALID);
	assert_int_equal(
		fake_call(&broker, &endpoint, "ip", "1.2.3", NULL), -ERR_PARAMETER_INVALID);
}

#define HALF "0123456789abcdef0123456789ABCDEF"

static int only_fingerprint(struct broker *broker, struct call *call)
{
	struct authorization_row row = { .fingerprint = "before" };
	int r = authorization_read_limits(call, &row);
	call_detail(call, "%s", row.fingerprint);
	return r;
}

static void fingerprints_in_any_form(void **state)
{
	struct broker broker = fake_broker(state);
	struct endpoint endpoint = control_authorization_add;
	static const struct field some[] = {
		{ "fingerprint", FIELD_TEXT, 127, ERR_NONE, ERR_PARAMETER_INVALID }, {}
	};
	static const struct {
		const char *given, *kept; /* NULL: refused */
	} rows[] = {
		{ "none", "" },
		{ HALF HALF, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
		{ "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:"
		  "01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef",
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
		{ "", NULL },
		{ "any", NULL },
		{ HALF, NULL },
		{ HALF HALF "0", NULL },
		{ HALF HALF "00", NULL },
		{ "x123456789abcdef0123456789abcdef" HALF, NULL },
		/* so it looks when there is none */
		{ "0000000000000000000000000000000000000000000000000000000000000000", NULL },
	};
	endpoint.fields = some;
	endpoint.answer = only_fingerprint;
	assert_int_equal(fake_call(&broker, &endpoint, NULL), 0);
	assert_string_equal(fake_detail(), "before");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int r = fake_call(&broker, &endpoint, "fingerprint", rows[i].given, NULL);
		assert_int_equal(r, rows[i].kept != NULL ? 0 : -ERR_PARAMETER_INVALID);
		if (rows[i].kept != NULL)
			assert_string_equal(fake_detail(), rows[i].kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(accounts_in_any_form),
		API_CASE(what_is_not_named_stays),
		API_CASE(fingerprints_in_any_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
