/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/fields.c"

#include "failing.h"
#include "house.h"

static const struct field fields[] = {
	{ "name", FIELD_TEXT, 8, ERR_USERNAME_MISSING, ERR_USER_UNKNOWN },
	{ "size", FIELD_INTEGER, 100, ERR_NONE, ERR_PORT_INVALID },
	{ "list", FIELD_TEXT, 20, ERR_NONE, ERR_NONE },
	{ "flag", FIELD_BOOL, 0, ERR_NONE, ERR_NONE },
	{ "last", FIELD_TEXT, 8, ERR_DEVICE_MISSING, ERR_NONE },
	{},
};
static const struct endpoint thing = { .fields = fields };

struct sent {
	const char *name;
	enum param_type type;
	const char *value;
	uint32_t len;           /* 0: to its NUL */
	enum param_place place; /* 0: PLACE_JSON */
};

static int check(
	struct house *house, const struct sent *sent, unsigned count, struct call **ret_call)
{
	CLEANUP(buf_finish) struct buf tail = BUF(200000);
	struct call *call = call_create(house->broker);

	for (unsigned i = 0; i < count; i++) {
		struct param param = { sent[i].place != 0 ? sent[i].place : PLACE_JSON,
			sent[i].type, sent[i].name, (uint16_t)strlen(sent[i].name), sent[i].value,
			sent[i].len != 0 ? sent[i].len : (uint32_t)strlen(sent[i].value) };
		assert_int_equal(params_write(&tail, &param), 0);
	}
	call->endpoint = &thing;
	assert_int_equal(fields_read(call, tail.data, tail.len), 0);
	int r = fields_check(call);
	if (ret_call != NULL)
		*ret_call = call;
	else
		call_destroy(call);
	return r;
}
#define CHECK(...)                                                                                 \
	check(*state, (const struct sent[]){ __VA_ARGS__ },                                        \
		sizeof((const struct sent[]){ __VA_ARGS__ }) / sizeof(struct sent), NULL)
#define NAME                                                                                       \
	{                                                                                          \
		"name", PARAM_TEXT, "ana"                                                          \
	}
#define LAST                                                                                       \
	{                                                                                          \
		"last", PARAM_TEXT, "x"                                                            \
	}

static void test_taken(void **state)
{
	struct call *call;
	const struct sent sent[] = { { "NAME", PARAM_TEXT, "ana" }, { "Size", PARAM_TEXT, "042" },
		{ "list.1", PARAM_TEXT, "b" }, { "list.0", PARAM_TEXT, "a" },
		{ "flag", PARAM_BOOL, "true" }, { "last", PARAM_NUMBER, "10" },
		{ "colour", PARAM_TEXT, "red" }, { "oauth_nonce", PARAM_TEXT, "n" } };

	assert_int_equal(check(*state, sent, ARRAY_LEN(sent), &call), 0);
	assert_string_equal(call_text(call, "name"), "ana");
	assert_int_equal(call_number(call, "size", -1), 42);
	assert_true(call_bool(call, "flag", false));
	assert_string_equal(call_item(call, "list", 0), "a");
	assert_string_equal(call_item(call, "list", 1), "b");
	assert_null(call_item(call, "list", 2));
	assert_null(call_text(call, "list"));
	assert_string_equal(call_text(call, "last"), "10");
	assert_int_equal(call->ignored_count, 1);
	call_destroy(call);
}

/* The first complaint in the order of the fields, whatever the order they were sent in. */
static void test_order(void **state)
{
	assert_int_equal(CHECK({ "size", PARAM_TEXT, "x" }), -ERR_USERNAME_MISSING);
	assert_int_equal(CHECK({ "size", PARAM_TEXT, "x" }, NAME), -ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME), -ERR_DEVICE_MISSING);
	assert_int_equal(CHECK({ "name", PARAM_NULL, "" }, LAST), -ERR_USERNAME_MISSING);
	assert_int_equal(CHECK({ "name", PARAM_TEXT, "" }, LAST), -ERR_USERNAME_MISSING);
	assert_int_equal(CHECK(NAME, LAST), 0);
}

static void test_invalid(void **state)
{
	assert_int_equal(CHECK({ "name", PARAM_TEXT, "123456789" }, LAST), -ERR_USER_UNKNOWN);
	assert_int_equal(CHECK({ "name", PARAM_BOOL, "true" }, LAST), -ERR_USER_UNKNOWN);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_NUMBER, "101" }), -ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_NUMBER, "-1" }), -ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_REAL, "1.0" }), -ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_TEXT, "9999999999999999999999" }),
		-ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_TEXT, "" }), 0);
	assert_int_equal(
		CHECK(NAME, LAST, { "flag", PARAM_TEXT, "maybe" }), -ERR_PARAMETER_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "Name", PARAM_TEXT, "eva" }), -ERR_PARAMETER_TWICE);
	assert_int_equal(CHECK(NAME, LAST, { "Name", PARAM_TEXT, "ana" }), -ERR_PARAMETER_TWICE);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_BOOL, "1" }), -ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_TEXT, "1/" }), -ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_TEXT, "1:" }), -ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_TEXT, "0000000000000000100" }),
		-ERR_PORT_INVALID);
	assert_int_equal(CHECK(NAME, LAST, { "size", PARAM_TEXT, "000000000000000100" }), 0);
	assert_int_equal(
		CHECK(NAME, LAST, { "list", PARAM_TEXT, "a\0b", 3 }), -ERR_PARAMETER_INVALID);
	assert_int_equal(CHECK({ "name", PARAM_TEXT, "12345678" }, LAST), 0);
}

/* "x.7" is an item of the list x; "x.y" and "x7" are parameters nobody knows. */
static void test_items(void **state)
{
	static const struct {
		const char *name;
		unsigned ignored;
	} rows[] = { { "list.0", 0 }, { "LIST.9x", 0 }, { "list.x", 1 }, { "listx0", 1 },
		{ "list.", 1 }, { "lis.0", 1 }, { "lisT0.0", 1 }, { "x", 1 }, { "oauth", 1 },
		{ "oauth_", 0 }, { "OAuth_x", 0 }, { "oautH-x", 1 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct call *call;
		const struct sent sent[] = { NAME, LAST, { rows[i].name, PARAM_TEXT, "v" } };
		assert_int_equal(check(*state, sent, 3, &call), 0);
		if (call->ignored_count != rows[i].ignored)
			fail_msg("%s: %u", rows[i].name, call->ignored_count);
		call_destroy(call);
	}
}

static void test_many_unknown(void **state)
{
	struct sent sent[CALL_IGNORED + 4] = { NAME, LAST };
	struct call *call;

	for (unsigned i = 2; i < ARRAY_LEN(sent); i++)
		sent[i] = (struct sent){ "colour", PARAM_TEXT, "red" };
	assert_int_equal(check(*state, sent, ARRAY_LEN(sent), &call), 0);
	assert_int_equal(call->ignored_count, CALL_IGNORED + 2);
	assert_ptr_equal(call->ignored[CALL_IGNORED - 1], &call->params[CALL_IGNORED + 1]);
	call_destroy(call);
}

/* Free text that may be missing may also be empty. */
static void test_empty_text(void **state)
{
	const struct sent sent[] = { NAME, LAST, { "list", PARAM_TEXT, "" } };
	struct call *call;

	assert_int_equal(check(*state, sent, 3, &call), 0);
	assert_string_equal(call_text(call, "list"), "");
	call_destroy(call);
}

/* Body and query may say the same thing, and only the same thing. */
static void test_two_places(void **state)
{
	static const struct {
		enum param_place place;
		const char *value;
		int r;
	} rows[] = { { PLACE_QUERY, "ana", 0 }, { PLACE_QUERY, "eva", -ERR_PARAMETER_TWICE },
		{ PLACE_QUERY, "an", -ERR_PARAMETER_TWICE },
		{ PLACE_QUERY, "anab", -ERR_PARAMETER_TWICE },
		{ PLACE_JSON, "ana", -ERR_PARAMETER_TWICE } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sent sent[] = { NAME, LAST,
			{ "name", PARAM_TEXT, rows[i].value, 0, rows[i].place } };
		assert_int_equal(check(*state, sent, 3, NULL), rows[i].r);
	}
}

/* Whether a credential must be named is a setting. */
static void test_credential_chosen(void **state)
{
	static const struct field wanted[] = {
		{ "credential", FIELD_TEXT, 8, ERR_CREDENTIAL_MISSING, ERR_NONE },
		{},
	};
	static const struct endpoint one = { .fields = wanted };
	struct house *house = *state;
	struct call *call = call_create(house->broker);
	char *required = house->broker->process.settings.api_credential_required;

	call->endpoint = &one;
	assert_int_equal(fields_check(call), -ERR_CREDENTIAL_MISSING);
	memcpy(required, "no", 3);
	assert_int_equal(fields_check(call), 0);
	call_destroy(call);
}

/* The parameter that repeats the segment of the path says the same, or the call is refused. */
static void test_copy_of_the_segment(void **state)
{
	static const struct field none[] = { {} };
	static const struct endpoint named = { .fields = none, .copy = "thing" };
	static const char *const values[] = { "Root@db1", "root@db1", "Root@db" };

	for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
		CLEANUP(buf_finish) struct buf tail = BUF(1000);
		struct call *call = call_create(((struct house *)*state)->broker);
		struct param param = { PLACE_QUERY, PARAM_TEXT, "thing", 5, values[i],
			(uint32_t)strlen(values[i]) };
		assert_int_equal(params_write(&tail, &param), 0);
		call->endpoint = &named;
		call->segments[0] = "Root@db1";
		assert_int_equal(fields_read(call, tail.data, tail.len), 0);
		assert_int_equal(fields_check(call), i == 0 ? 0 : -ERR_PARAMETER_TWICE);
		assert_int_equal(call->ignored_count, 0);
		call->params[0].name = "other"; /* of another name it is no copy */
		assert_int_equal(fields_check(call), 0);
		assert_int_equal(call->ignored_count, 1);
		call_destroy(call);
	}
}

static void test_not_informed(void **state)
{
	static const struct field wanted[] = {
		{ "username", FIELD_TEXT, 8, ERR_NOT_INFORMED, ERR_NONE },
		{},
	};
	static const struct endpoint named = { .fields = wanted };
	struct call *call = call_create(((struct house *)*state)->broker);

	call->endpoint = &named;
	assert_int_equal(fields_check(call), -ERR_NOT_INFORMED);
	assert_string_equal(call->message, "1001: Parameter 'username' was not informed!");
	call_destroy(call);
}

static void test_too_many(void **state)
{
	struct house *house = *state;

	for (unsigned count = PARAMS_MAX; count <= PARAMS_MAX + 1; count++) {
		CLEANUP(buf_finish) struct buf tail = BUF(200000);
		struct param param = { PLACE_JSON, PARAM_TEXT, "a", 1, "b", 1 };
		struct call *call = call_create(house->broker);
		for (unsigned i = 0; i < count; i++)
			assert_int_equal(params_write(&tail, &param), 0);
		assert_int_equal(fields_read(call, tail.data, tail.len),
			count <= PARAMS_MAX ? 0 : -ERR_TOO_LARGE);
		call_destroy(call);
	}
}

/* The tail that just fits inside, and one more byte: each value still gets its end. */
static void test_inline_or_not(void **state)
{
	struct house *house = *state;
	char text[CALL_TAIL_INLINE];

	memset(text, 'x', sizeof text);
	for (uint32_t len = 1; len < sizeof text; len++) {
		CLEANUP(buf_finish) struct buf tail = BUF(200000);
		struct param param = { PLACE_JSON, PARAM_TEXT, "list", 4, text, len };
		assert_int_equal(params_write(&tail, &param), 0);
		if (tail.len < CALL_TAIL_INLINE - 2 || tail.len > CALL_TAIL_INLINE + 1)
			continue;
		struct call *call = call_create(house->broker);
		assert_int_equal(fields_read(call, tail.data, tail.len), 0);
		assert_int_equal(call->tail == call->tail_inline, tail.len < CALL_TAIL_INLINE);
		assert_int_equal(strlen(call->params[0].value), len);
		call_destroy(call);
	}
}

static void test_damaged(void **state)
{
	struct house *house = *state;
	static const uint8_t bad[] = { 3, 1, 4, 0, 255, 0, 0, 0, 'n', 'a', 'm', 'e' };
	struct call *call = call_create(house->broker);

	assert_int_equal(fields_read(call, bad, sizeof bad), -ERR_MALFORMED);
	call_destroy(call);
}

/* Larger than what a call holds inside, each value with its end. */
static void test_large(void **state)
{
	static char text[60000];
	struct house *house = *state;
	CLEANUP(buf_finish) struct buf tail = BUF(200000);
	struct param param = { PLACE_JSON, PARAM_TEXT, "list", 4, text, sizeof text - 1 };
	struct call *call = call_create(house->broker);

	memset(text, 'x', sizeof text - 1);
	assert_int_equal(params_write(&tail, &param), 0);
	failing_once("malloc", 1, ENOMEM);
	assert_int_equal(fields_read(call, tail.data, tail.len), -ERR_SYSTEM);
	failing_end();
	assert_ptr_equal(call->tail, call->tail_inline);
	assert_int_equal(fields_read(call, tail.data, tail.len), 0);
	assert_int_equal(strlen(call->params[0].value), sizeof text - 1);
	call_destroy(call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_taken),
		TEST(test_order),
		TEST(test_invalid),
		TEST(test_damaged),
		TEST(test_large),
		TEST(test_items),
		TEST(test_many_unknown),
		TEST(test_empty_text),
		TEST(test_two_places),
		TEST(test_credential_chosen),
		TEST(test_copy_of_the_segment),
		TEST(test_not_informed),
		TEST(test_too_many),
		TEST(test_inline_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
