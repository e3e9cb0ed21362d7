/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "broker/answer.h"

static const struct field none[] = { {} };
static const struct endpoint thing = { .door = DOOR_API,
	.method = "GET",
	.path = "thing",
	.need = NEED_READ,
	.fields = none,
	.message = "Found",
	.mensagem = "Encontrado" };

static void begin(struct house *house, struct call **ret_call)
{
	*ret_call = call_create(house->broker);
	assert_non_null(*ret_call);
	(*ret_call)->endpoint = &thing;
	text_copy((*ret_call)->trace, TRACE_SIZE, "0011223344556677");
}

static void expect(struct call *call, int r, unsigned status, const char *body)
{
	CLEANUP(buf_finish) struct buf out = BUF(65536);
	struct msg_api_reply reply;

	assert_int_equal(answer_write(call, r, &out, &reply), 0);
	assert_int_equal(reply.status, status);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_string_equal((char *)out.data, body);
	call_destroy(call);
}

static void test_success(void **state)
{
	struct call *call;

	begin(*state, &call);
	call_status(call, 201);
	json_text(call_json(call), "thing", "a\"b");
	json_number(call_json(call), "size", 3);
	call_detail(call, "One %s.", "sentence");
	call_detail(call, "Another.");
	expect(call, 0, 201,
		"{\"code\":201,\"response\":{\"status\":201,\"message\":\"Found\",\"error\":false,"
		"\"error_code\":0,"
		"\"detail\":\"One sentence. "
		"Another.\",\"mensagem\":\"Encontrado\",\"erro\":false,\"cod_erro\":0},"
		"\"tenant\":\"Acme\",\"thing\":\"a\\\"b\",\"size\":3}");
	begin(*state, &call);
	call_message(call, "Created", NULL);
	expect(call, 0, 200,
		"{\"code\":200,\"response\":{\"status\":200,\"message\":\"Created\",\"error\":"
		"false,\"error_code\":0,"
		"\"detail\":\"\",\"mensagem\":\"Created\",\"erro\":false,\"cod_erro\":0},"
		"\"tenant\":\"Acme\"}");
}

/* What the endpoint says of its success, and what a create-or-update says of itself. */
static void test_created(void **state)
{
	static const struct endpoint made = {
		.door = DOOR_API, .fields = none, .status = 201, .http = 200, .message = "Made"
	};
	struct call *call;

	begin(*state, &call);
	call->endpoint = &made;
	json_text(call_json(call), "thing", "a");
	call_changed(call, true);
	expect(call, 0, 200,
		"{\"code\":201,\"response\":{\"status\":201,\"message\":\"Made\",\"error\":false,"
		"\"error_code\":0,\"detail\":\"\",\"mensagem\":\"Made\",\"erro\":false,"
		"\"cod_erro\":0},\"tenant\":\"Acme\",\"thing\":\"a\",\"changed\":\"true\"}");
	begin(*state, &call);
	call->endpoint = &made;
	call_changed(call, false);
	call_message(call, "Made anew", NULL); /* before it failed */
	expect(call, -ERR_DEVICE_UNKNOWN, 400,
		"{\"code\":400,\"response\":{\"status\":400,\"message\":\"1011: Device not "
		"found\",\"error\":true,\"error_code\":1,\"detail\":\"\",\"mensagem\":\"1011: "
		"Device not found\",\"erro\":true,\"cod_erro\":1},\"tenant\":\"Acme\","
		"\"exception\":{\"code\":1011,\"message\":\"1011: Device not "
		"found\",\"detail\":null}}");
}

/* Whatever an endpoint wrote before it failed is not shown. */
static void test_error(void **state)
{
	struct call *call;

	begin(*state, &call);
	json_text(call_json(call), "thing", "half");
	call_status(call, 201);
	expect(call,
		call_fail(call, -ERR_PARAMETER_INVALID, "1001: Parameter '%s' was not informed!",
			"name"),
		400,
		"{\"code\":400,\"response\":{\"status\":400,\"message\":\"1001: Parameter 'name' "
		"was not informed!\","
		"\"error\":true,\"error_code\":1,\"detail\":\"\",\"mensagem\":\"1001: Parameter "
		"'name' was not "
		"informed!\",\"erro\":true,\"cod_erro\":1},\"tenant\":\"Acme\",\"exception\":{"
		"\"code\":1001,"
		"\"message\":\"1001: Parameter 'name' was not informed!\",\"detail\":null}}");
}

/* A fault of ours says its trace and nothing of the inside. */
static void test_fault(void **state)
{
	static const enum error faults[] = { ERR_SYSTEM, ERR_CRYPTO, ERR_CLOSED };
	struct call *call;

	for (unsigned i = 0; i < ARRAY_LEN(faults); i++) {
		begin(*state, &call);
		call_detail(call, "something about the inside");
		call_fail(call, 0, "more of it");
		expect(call, -(int)faults[i], 500,
			"{\"code\":500,\"response\":{\"status\":500,\"message\":\"Unexpected "
			"error.\",\"error\":true,"
			"\"error_code\":1,\"detail\":\"Trace "
			"0011223344556677\",\"mensagem\":\"Unexpected error.\","
			"\"erro\":true,\"cod_erro\":1},\"tenant\":\"Acme\"}");
	}
}

static void test_raw(void **state)
{
	struct call *call;

	begin(*state, &call);
	call_raw(call, 400, "{\"error\":\"x\"}");
	expect(call, -ERR_MALFORMED, 400, "{\"error\":\"x\"}");
}

/* An entity past its ceiling is an error in full, not half an answer. */
static void test_too_large(void **state)
{
	static char text[60000];
	struct call *call;

	memset(text, 'x', sizeof text - 1);
	begin(*state, &call);
	for (int i = 0; i < 60; i++)
		json_text(call_json(call), "thing", text);
	expect(call, 0, 500,
		"{\"code\":500,\"response\":{\"status\":500,\"message\":\"Unexpected "
		"error.\",\"error\":true,"
		"\"error_code\":1,\"detail\":\"Trace 0011223344556677\",\"mensagem\":\"Unexpected "
		"error.\","
		"\"erro\":true,\"cod_erro\":1},\"tenant\":\"Acme\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_success),
		TEST(test_created),
		TEST(test_error),
		TEST(test_fault),
		TEST(test_raw),
		TEST(test_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
