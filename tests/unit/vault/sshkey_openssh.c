/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/sshkey_openssh.c"

#include "fixture.h"
#include "vault/sshkey.h"

static int parse_bytes(const char *bytes, size_t len, struct sshkey **ret_key)
{
	struct secret *secret = secret_create(bytes, len);
	assert_non_null(secret);
	int r = sshkey_parse(secret, ret_key);
	secret_destroy(secret);
	return r;
}

/* The decoded container of an OpenSSH file, to be spoiled and put together again. */
static size_t dearmor(const struct fixture *f, uint8_t *out, size_t size)
{
	char text[SECRET_MAX], digits[SECRET_MAX];
	size_t len = fixture_read(f, "key", text, sizeof text);
	size_t count = digits_collect(text, len, digits);
	int n = base64_decode(out, size, digits, count);
	assert_true(n > 0);
	return (size_t)n;
}

static int parse_container(const uint8_t *bytes, size_t len)
{
	char encoded[BASE64_SIZE(8192)], text[12000];
	struct sshkey *key = NULL;
	base64_encode(encoded, bytes, len);
	int n = snprintf(text, sizeof text, "\n" ARMOR_BEGIN "\r\n%s\n" ARMOR_END "\n", encoded);
	int r = parse_bytes(text, (size_t)n, &key);
	if (r == 0)
		r = sshkey_prove(key); /* as before a key is sealed */
	sshkey_destroy(key);
	return r;
}

static void spoil_container(const char *type, const char *bits)
{
	struct fixture f;
	uint8_t bytes[8192];
	fixture_keygen(&f, type, bits, NULL, "");
	size_t len = dearmor(&f, bytes, sizeof bytes);
	assert_int_equal(parse_container(bytes, len), 0);
	for (size_t cut = 0; cut < len; cut++)
		assert_true(parse_container(bytes, cut) < 0);
	/* A changed byte is refused, or was in the comment; it is never another key. */
	unsigned passed = 0;
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 0x55;
		passed += parse_container(bytes, len) == 0;
		bytes[i] ^= 0x55;
	}
	assert_true(passed <= strlen("ana on db1"));
	fixture_finish(&f);
}

static void test_spoiled_files(void **state)
{
	spoil_container("ed25519", "256");
	spoil_container("ecdsa", "256");
}

/* The private part fills whole blocks, as the format says, even without a cipher. */
static void test_whole_blocks_only(void **state)
{
	struct fixture f;
	uint8_t bytes[8192];
	fixture_keygen(&f, "ed25519", "256", NULL, "");
	size_t len = dearmor(&f, bytes, sizeof bytes);
	const uint8_t *type = memmem(bytes + 100, len - 100, "\0\0\0\13ssh-ed25519", 15);
	assert_non_null(type);
	uint8_t *part_len = bytes + (type - bytes) - 12; /* before both check words */
	assert_int_equal(part_len[2] << 8 | part_len[3], bytes + len - (part_len + 4));
	assert_true(bytes[len - 1] < 8 && bytes[len - 1] > 0); /* padding */
	part_len[3]--;
	assert_int_equal(parse_container(bytes, len - 1), -ERR_KEY_UNREADABLE);
	fixture_finish(&f);
}

static void test_text_around_the_key(void **state)
{
	struct fixture f;
	char text[SECRET_MAX];
	struct sshkey *key;
	fixture_keygen(&f, "ed25519", "256", NULL, "");
	size_t len = fixture_read(&f, "key", text, sizeof text);
	assert_int_equal(parse_bytes(text, len - 1, &key), 0); /* its newline taken off */
	sshkey_destroy(key);
	assert_int_equal(parse_bytes(text, len - 8, &key), -ERR_KEY_UNREADABLE);
	text[60] = '!';
	assert_int_equal(parse_bytes(text, len, &key), -ERR_KEY_UNREADABLE);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoiled_files),
		cmocka_unit_test(test_whole_blocks_only),
		cmocka_unit_test(test_text_around_the_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
