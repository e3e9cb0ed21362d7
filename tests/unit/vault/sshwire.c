/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/sshwire.c"

#include "fixture.h"

static void test_numbers(void **state)
{
	static const uint8_t bytes[] = { 0x80, 1, 2, 3, 7 };
	struct sshwire wire = SSHWIRE(bytes, sizeof bytes);
	uint32_t value;
	uint8_t byte;
	assert_int_equal(sshwire_u32(&wire, &value), 0);
	assert_int_equal(value, 0x80010203);
	assert_int_equal(sshwire_u32(&wire, &value), -ERR_MALFORMED);
	assert_int_equal(sshwire_byte(&wire, &byte), 0);
	assert_int_equal(byte, 7);
	assert_int_equal(sshwire_byte(&wire, &byte), -ERR_MALFORMED);
}

static void test_strings_stay_inside(void **state)
{
	static const uint8_t good[] = { 0, 0, 0, 2, 'a', 'b', 'c' };
	static const uint8_t over[] = { 0, 0, 0, 4, 'a', 'b', 'c' };
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	struct sshwire wire = SSHWIRE(good, sizeof good);
	struct sshspan span;
	assert_int_equal(sshwire_string(&wire, &span), 0);
	assert_true(sshspan_is(span, "ab"));
	assert_int_equal(wire.left, 1);
	wire = SSHWIRE(over, sizeof over);
	assert_int_equal(sshwire_string(&wire, &span), -ERR_MALFORMED);
	wire = SSHWIRE(huge, sizeof huge);
	assert_int_equal(sshwire_string(&wire, &span), -ERR_MALFORMED);
	wire = SSHWIRE(good, sizeof good);
	assert_int_equal(sshwire_word(&wire, "ac"), -ERR_MALFORMED);
}

static int read_mpint(const uint8_t *bytes, size_t len, struct sshspan *ret_span)
{
	struct sshwire wire = SSHWIRE(bytes, len);
	return sshwire_mpint(&wire, ret_span);
}

static void test_mpints(void **state)
{
	static const uint8_t negative[] = { 0, 0, 0, 1, 0x80 };
	static const uint8_t padded[] = { 0, 0, 0, 2, 0, 0x7f };
	static const uint8_t zero[] = { 0, 0, 0, 1, 0 };
	static const uint8_t empty[] = { 0, 0, 0, 0 };
	static const uint8_t good[] = { 0, 0, 0, 2, 0, 0x80 };
	struct sshspan span;
	assert_int_equal(read_mpint(negative, sizeof negative, &span), -ERR_MALFORMED);
	assert_int_equal(read_mpint(padded, sizeof padded, &span), -ERR_MALFORMED);
	assert_int_equal(read_mpint(zero, sizeof zero, &span), -ERR_MALFORMED);
	assert_int_equal(read_mpint(empty, sizeof empty, &span), -ERR_MALFORMED);
	assert_int_equal(read_mpint(good, sizeof good, &span), 0);
	assert_int_equal(span.len, 1);
	assert_int_equal(span.bytes[0], 0x80);
}

/* The examples of RFC 4251 section 5. */
static void test_mpint_writing(void **state)
{
	static const uint8_t number[] = { 0, 0, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7 };
	static const uint8_t want[] = { 0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7,
		0, 0, 0, 2, 0, 0x80, 0, 0, 0, 0 };
	static const uint8_t high[] = { 0x80 }, zero[] = { 0, 0 };
	CLEANUP(buf_finish) struct buf out = BUF(64);
	assert_int_equal(sshwire_put_mpint(&out, number, sizeof number), 0);
	assert_int_equal(sshwire_put_mpint(&out, high, sizeof high), 0);
	assert_int_equal(sshwire_put_mpint(&out, zero, sizeof zero), 0);
	assert_int_equal(out.len, sizeof want);
	assert_memory_equal(out.data, want, sizeof want);
}

static void test_writing_has_a_ceiling(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(8);
	assert_int_equal(sshwire_put_word(&out, "1234"), 0);
	assert_int_equal(sshwire_put_word(&out, ""), -ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings_stay_inside),
		cmocka_unit_test(test_mpints),
		cmocka_unit_test(test_mpint_writing),
		cmocka_unit_test(test_writing_has_a_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
