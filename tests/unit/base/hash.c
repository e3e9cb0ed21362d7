/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "test.h"

#include "base/encode.h"
#include "base/hash.h"

static const char *hex(const uint8_t hash[HASH_LEN])
{
	static char out[2 * HASH_LEN + 1];

	hex_encode(out, hash, HASH_LEN);
	return out;
}

/* FIPS 180-4 examples. */
static void known_answers(void **state)
{
	uint8_t hash[HASH_LEN];

	hash_sha256(hash, "abc", 3);
	assert_string_equal(
		hex(hash), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_sha256(hash, "", 0);
	assert_string_equal(
		hex(hash), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 7693 with 32 bytes: printf abc | b2sum -l 256 */
static void known_answer_of_tokens(void **state)
{
	uint8_t hash[HASH_LEN];

	hash_token(hash, "abc", 3);
	assert_string_equal(
		hex(hash), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void pieces_are_preceded_by_their_length(void **state)
{
	const struct hash_piece pieces[] = { { "ab", 2 }, { "", 0 }, { "c", 1 } };
	uint8_t hash[HASH_LEN], expected[HASH_LEN];

	hash_pieces(hash, pieces, 3);
	hash_token(expected, "\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1c", 27);
	assert_memory_equal(hash, expected, HASH_LEN);
}

static void no_two_lists_collide(void **state)
{
	const struct hash_piece a[] = { { "ab", 2 }, { "c", 1 } };
	const struct hash_piece b[] = { { "a", 1 }, { "bc", 2 } };
	const struct hash_piece c[] = { { "abc", 3 }, { "", 0 } };
	uint8_t hash_a[HASH_LEN], hash_b[HASH_LEN], hash_c[HASH_LEN], none[HASH_LEN];

	hash_pieces(hash_a, a, 2);
	hash_pieces(hash_b, b, 2);
	hash_pieces(hash_c, c, 2);
	hash_pieces(none, NULL, 0);
	assert_memory_not_equal(hash_a, hash_b, HASH_LEN);
	assert_memory_not_equal(hash_a, hash_c, HASH_LEN);
	assert_memory_not_equal(hash_b, hash_c, HASH_LEN);
	assert_memory_not_equal(none, hash_c, HASH_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(known_answer_of_tokens),
		cmocka_unit_test(pieces_are_preceded_by_their_length),
		cmocka_unit_test(no_two_lists_collide),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
