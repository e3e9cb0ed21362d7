/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "ctl/receipt_file.c"

#define ZEROS32 "0000000000000000000000000000000000000000000000000000000000000000"
#define ZEROS64 ZEROS32 ZEROS32
#define SESSION "0123456789abcdef0123456789abcdef01234567"
#define RECEIPT(certificate)                                                                       \
	"{\"text\":\"{}\",\"signature\":\"" ZEROS64 "\",\"key\":\"" ZEROS32                        \
	"\",\"trail\":\"" ZEROS32 "\",\"certificate\":" certificate "}"

static int read_text(const char *text, struct receipt *ret_receipt)
{
	return receipt_file_read(text, strlen(text), ret_receipt);
}

static void in_any_answer(void **state)
{
	static const char *const good[] = { RECEIPT("null"), "{\"receipt\":" RECEIPT("null") "}",
		"{\"session\":{\"receipt\":" RECEIPT("null") "}}", " " RECEIPT("null") "\n" };
	struct receipt receipt;

	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(read_text(good[i], &receipt), 0);
		assert_string_equal(receipt.text, "{}");
		assert_false(receipt.signer.certified);
	}
	assert_int_equal(read_text(RECEIPT("\"" ZEROS64 "\""), &receipt), 0);
	assert_true(receipt.signer.certified);
}

static void nothing_else(void **state)
{
	static const char *const bad[] = { "", "7", "[]", "{}", RECEIPT("7"), RECEIPT("\"00\""),
		RECEIPT("null") "x", "[" RECEIPT("null") "]", "{\"receipt\":[" RECEIPT("null") "]}",
		"{\"text\":\"{}\"," RECEIPT("null") "}" };
	struct receipt receipt;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(read_text(bad[i], &receipt), -ERR_MALFORMED);
}

static int recording_of(const char *text)
{
	char session_id[SESSION_ID_SIZE];
	struct receipt receipt;
	uint8_t head[HASH_LEN];

	snprintf(receipt.text, sizeof receipt.text, "%s", text);
	int r = receipt_file_recording(&receipt, session_id, head);
	if (r == 0) {
		assert_string_equal(session_id, SESSION);
		assert_int_equal(head[0], 0);
	}
	return r;
}

static void which_recording(void **state)
{
	assert_int_equal(
		recording_of("{\"recording\":{\"id\":\"" SESSION "\",\"head\":\"" ZEROS32 "\"}}"),
		0);
	assert_int_equal(recording_of("{\"recording\":null}"), -ERR_NOT_FOUND);
	assert_int_equal(recording_of("{\"recording\":{\"id\":\"" SESSION "\",\"head\":null}}"),
		-ERR_NOT_FOUND);
	static const char *const bad[] = { "", "{}", "7", "{\"recording\":7}", "{\"recording\":{}}",
		"{\"recording\":{\"id\":\"" SESSION "\"}}",
		"{\"recording\":{\"head\":\"" ZEROS32 "\"}}",
		"{\"recording\":{\"id\":\"" SESSION "0\",\"head\":\"" ZEROS32 "\"}}",
		"{\"recording\":{\"id\":\"" SESSION "\",\"head\":\"" ZEROS64 "\"}}" };
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(recording_of(bad[i]), -ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_any_answer),
		cmocka_unit_test(nothing_else),
		cmocka_unit_test(which_recording),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
