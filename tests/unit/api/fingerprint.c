/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fingerprint.c"

#include "../store/fixture.h"
#include "base/mem.h"

/* SHA-256 of nothing, as ssh-keygen would print it. */
static const uint8_t nothing[HASH_LEN] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a,
	0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
	0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 };
static const char text[] = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

static void both_ways(void **state)
{
	char out[FINGERPRINT_SIZE];
	uint8_t hash[HASH_LEN];
	assert_string_equal(fingerprint_format(nothing, out), text);
	assert_int_equal(fingerprint_parse(text, hash), 0);
	assert_memory_equal(hash, nothing, HASH_LEN);
}

static void other_forms_are_refused(void **state)
{
	static const char *const bad[] = { "",
		"SHA256:", "MD5:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
		"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF",
		"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF!",
		"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV" };
	uint8_t hash[HASH_LEN] = { 1 };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(fingerprint_parse(bad[i], hash), -ERR_MALFORMED);
	assert_int_equal(hash[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(other_forms_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
