/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "front/multipart.c"

#include "read_form.h"

#define TYPE "multipart/form-data; boundary=XyZ"
#define PART(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static struct form form;

static int read_as(const char *type, const char *text, size_t len)
{
	char *held = copy_of(text, len);
	form_begin(&form);
	int r = form_multipart(&form, slice_of(type), held, len);
	free(held);
	return r;
}

static void test_parts(void **state)
{
	static const struct {
		const char *type, *text, *expected;
	} rows[] = {
		{ TYPE, "--XyZ--\r\n", "" },
		{ TYPE, "--XyZ--", "" },
		{ TYPE, "--XyZ\r\n" PART("a") "b\r\n--XyZ--\r\n", "2:1:a=b;" },
		{ TYPE, "--XyZ\r\n" PART("a") "\r\n--XyZ--\r\n", "2:1:a=;" },
		{ TYPE, "--XyZ\r\n" PART("a") "b\r\n--XyZ\r\n" PART("c") "d\r\n--XyZ--\r\n",
			"2:1:a=b;2:1:c=d;" },
		{ TYPE, "--XyZ\r\n" PART("a") "b\r\nc\r\n--Xy\r\n--XyZ--\r\n",
			"2:1:a=b\r\nc\r\n--Xy;" },
		{ "multipart/form-data; boundary=\"X Z\"", "--X Z\r\n" PART("a") "b\r\n--X Z--\r\n",
			"2:1:a=b;" },
		{ "multipart/form-data;charset=utf-8 ; Boundary=XyZ",
			"--XyZ\r\n" PART("a") "b\r\n--XyZ--\r\n", "2:1:a=b;" },
		{ TYPE,
			"--XyZ\r\ncontent-disposition: Form-Data;name=a\r\nContent-Type: "
			"text/plain\r\n\r\nb\r\n--XyZ--\r\n",
			"2:1:a=b;" },
		{ TYPE,
			"--XyZ\r\nContent-Disposition: form-data; name=\"a\"; "
			"filename=\"f\"\r\n\r\nb\r\n--XyZ--\r\n",
			"2:1:a=b;" },
		{ TYPE,
			"--XyZ\r\nContent-Disposition: form-data; filename=\"name=\"; "
			"name=\"a\"\r\n\r\nb\r\n--XyZ--\r\n",
			"2:1:a=b;" },
		{ TYPE,
			"--XyZ\r\nContent-Transfer-Encoding: 8bit\r\n" PART(
				"a") "\xc3\xa9\r\n--XyZ--\r\n",
			"2:1:a=\xc3\xa9;" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (read_as(rows[i].type, rows[i].text, strlen(rows[i].text)) != 0)
			fail_msg("row %zu was refused", i);
		assert_string_equal(form_text(&form), rows[i].expected);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *type, *text;
	} rows[] = {
		{ "multipart/form-data", "--XyZ--" },
		{ "multipart/form-data; boundary", "--XyZ--" },
		{ "multipart/form-data; boundary=", "----" },
		{ "multipart/form-data; boundary=a; boundary=b", "--a--" },
		{ "multipart/form-data; boundary=a\tb", "--a\tb--" },
		{ "multipart/form-data; boundary=\"a\"b", "--a--" },
		{ "multipart/form-data; boundary=\"a", "--a--" },
		{ "multipart/form-data; boundary=\"a \"", "--a --" },
		{ "multipart/form-data; boundary=\"a\\\"\"", "--a--" },
		{ "multipart/form-data; boundary="
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			"--a--" },
		{ TYPE, "" },
		{ TYPE, "-" },
		{ TYPE, "--XyZ" },
		{ TYPE, "--XyZ-" },
		{ TYPE, "preamble\r\n--XyZ--" },
		{ TYPE, "\r\n--XyZ--" },
		{ TYPE, "--XyZ--\r\nepilogue" },
		{ TYPE, "--XyZ--\n" },
		{ TYPE, "--XyZ\n" PART("a") "b\r\n--XyZ--" },
		{ TYPE, "--XyZ \r\n" PART("a") "b\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\n" PART("a") "b" },
		{ TYPE, "--XyZ\r\n" PART("a") "b\r\n--XyZ" },
		{ TYPE, "--XyZ\r\n" PART("a") "b\n--XyZ--" },
		{ TYPE, "--XyZ\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Type: text/plain\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition: form-data\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition: attachment; "
			"name=\"a\"\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition: form-data; name=\"a\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition: form-data; "
			"name=\"a\\\"b\"\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"; "
			"name=\"b\"\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition: form-data; name=\"a\" "
			"b\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\n"
			"Content-Disposition: form-data; name=\"a\"\r\n" PART("a") "b\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition : form-data; "
			"name=\"a\"\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\n Content-Disposition: form-data; "
			"name=\"a\"\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Disposition: form-data;\r\n "
			"name=\"a\"\r\n\r\nb\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nno colon\r\n" PART("a") "b\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nX: a\nb\r\n" PART("a") "b\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nContent-Transfer-Encoding: base64\r\n" PART(
				"a") "Yg==\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: "
			"b\r\n" PART("a") "b\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\n" PART("a") "\xff\r\n--XyZ--" },
		{ TYPE, "--XyZ\r\n" PART("\xff") "b\r\n--XyZ--" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (read_as(rows[i].type, rows[i].text, strlen(rows[i].text)) != -ERR_MALFORMED)
			fail_msg("row %zu was taken: %s", i, form_text(&form));
	assert_int_equal(read_as(TYPE, "--XyZ\r\n" PART("a") "b\0\r\n--XyZ--",
				 sizeof("--XyZ\r\n" PART("a") "b\0\r\n--XyZ--") - 1),
		-ERR_MALFORMED);
}

static void test_twice(void **state)
{
	static const char text[] = "--XyZ\r\n" PART("a") "b\r\n--XyZ\r\n" PART("A") "b\r\n--XyZ--";
	assert_int_equal(read_as(TYPE, text, sizeof text - 1), -ERR_PARAMETER_TWICE);
}

static void test_every_cut_is_refused(void **state)
{
	static const char text[] = "--XyZ\r\n" PART("a") "b\r\n--XyZ\r\n" PART("c") "d\r\n--XyZ--";
	for (size_t len = 0; len < sizeof text - 1; len++)
		assert_int_equal(read_as(TYPE, text, len), -ERR_MALFORMED);
	assert_int_equal(read_as(TYPE, text, sizeof text - 1), 0);
}

static int teardown(void **state)
{
	form_finish(&form);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_every_cut_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
