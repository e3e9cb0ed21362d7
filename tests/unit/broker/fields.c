/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/fields.c"

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
};

static int check(
	struct house *house, const struct sent *sent, unsigned count, struct call **ret_call)
{
	CLEANUP(buf_finish) struct buf tail = BUF(200000);
	struct call *call = call_create(house->broker);

	for (unsigned i = 0; i < count; i++) {
		struct param param = { PLACE_JSON, sent[i].type, sent[i].name,
			(uint16_t)strlen(sent[i].name), sent[i].value,
			(uint32_t)strlen(sent[i].value) };
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
