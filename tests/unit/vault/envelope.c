/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/keyring.c"
#undef NONCE_LEN
#undef TAG_LEN
#undef KEY_LEN
#undef MAGIC
#define head_write envelope_head_write
#include "vault/envelope.c"

#include "failing.h"
#include "fixture.h"

struct sealed {
	uint8_t bytes[SEALED_MAX];
	size_t len;
};

static struct sealed seal(
	const struct fixture *f, const struct identity *identity, const char *text, size_t len)
{
	struct sealed sealed;
	struct secret *secret = secret_create(text, len);
	assert_int_equal(envelope_seal(f->keyring, identity, SECRET_PASSWORD, secret, sealed.bytes,
				 &sealed.len),
		0);
	secret_destroy(secret);
	return sealed;
}

static int open_kind(const struct fixture *f, const struct identity *identity,
	enum secret_kind kind, const struct sealed *sealed)
{
	CLEANUP(secret_destroyp) struct secret *secret = NULL;
	return envelope_open(f->keyring, identity, kind, sealed->bytes, sealed->len, &secret);
}

static int open_it(
	const struct fixture *f, const struct identity *identity, const struct sealed *sealed)
{
	return open_kind(f, identity, SECRET_PASSWORD, sealed);
}

static void test_round_trip(void **state)
{
	static const size_t lengths[] = { 0, 1, 63, 64, 65, 127, 4096, SECRET_MAX - 1, SECRET_MAX };
	static char text[SECRET_MAX];
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	memset(text, 'p', sizeof text);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct sealed sealed = seal(&f, &identity, text, lengths[i]);
		struct secret *secret;
		assert_int_equal(
			sealed.len, ENVELOPE_OVERHEAD + (lengths[i] / 64 + 1) * ENVELOPE_BLOCK);
		assert_int_equal(envelope_open(f.keyring, &identity, SECRET_PASSWORD, sealed.bytes,
					 sealed.len, &secret),
			0);
		assert_int_equal(secret_len(secret), lengths[i]);
		assert_memory_equal(secret_reveal(secret), text, lengths[i]);
		secret_destroy(secret);
	}
	fixture_finish(&f);
}

/* Another reader, from the drawing in envelope.h alone. */
static void test_as_drawn(void **state)
{
	static const enum secret_kind kinds[] = { SECRET_PASSWORD, SECRET_SSH_KEY, SECRET_TOKEN };
	struct fixture f;
	fixture_installation(&f);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	struct identity identity = fixture_identity(0x0102030405060708, 0x1112131415161718);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct sealed sealed;
		struct envelope_head head;
		memset(&sealed, 0xff, sizeof sealed);
		uint8_t bound[93] = "sallyport envelope 1\1", key[32], content[64];
		CLEANUP(secret_destroyp) struct secret *secret = secret_create("pass word", 9);
		assert_int_equal(envelope_seal(f.keyring, &identity, kinds[i], secret, sealed.bytes,
					 &sealed.len),
			0);
		assert_int_equal(sealed.len, 104 + 64 + 16);
		const uint8_t first[8] = { 1, (uint8_t)(i + 1), 0, 0, 2, 0, 0, 0 };
		assert_memory_equal(sealed.bytes, first, 8);
		memcpy(bound + 21, first, 8);
		memcpy(bound + 29, keyring_installation_id(f.keyring), 16);
		memcpy(bound + 45, "credential", 10);
		memcpy(bound + 61, "content", 7);
		memcpy(bound + 77, "\x08\7\6\5\4\3\2\1\x18\x17\x16\x15\x14\x13\x12\x11", 16);
		assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(key, NULL, NULL,
					 sealed.bytes + 32, 48, bound, 93, sealed.bytes + 8,
					 keyring_root(f.keyring, 2)),
			0);
		bound[20] = 2;
		assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(content, NULL, NULL,
					 sealed.bytes + 104, 80, bound, 93, sealed.bytes + 80, key),
			0);
		static const uint8_t padded[64] = "pass word\x80";
		assert_memory_equal(content, padded, 64);
		assert_int_equal(envelope_inspect(sealed.bytes, sealed.len, &head), 0);
		assert_int_equal(head.kind, kinds[i]);
		assert_int_equal(head.key_version, 2);
	}
	fixture_finish(&f);
}

/* What it could not be: said before any key is touched. */
static void test_inspect_refuses(void **state)
{
	static const uint8_t wrong[][4] = { { 0, 1, 0, 0 }, { 2, 1, 0, 0 }, { 1, 0, 0, 0 },
		{ 1, 4, 0, 0 }, { 1, 255, 0, 0 }, { 1, 1, 1, 0 }, { 1, 1, 0, 1 } };
	static uint8_t bytes[SEALED_MAX + 1] = { 1, 1 };
	struct envelope_head head = { .key_version = 7 };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		uint8_t changed[104 + 64 + 16] = { 0 };
		memcpy(changed, wrong[i], 4);
		assert_int_equal(envelope_inspect(changed, sizeof changed, &head), -ERR_MALFORMED);
	}
	for (size_t len = 0; len <= sizeof bytes; len++) {
		bool possible = len >= 120 + 64 && (len - 120) % 64 == 0 && len <= 120 + 16384 + 64;
		assert_int_equal(
			envelope_inspect(bytes, len, &head), possible ? 0 : -ERR_MALFORMED);
	}
	/* And opening says the same. */
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed sealed = seal(&f, &identity, "password", 8);
	sealed.bytes[2] = 1;
	assert_int_equal(open_it(&f, &identity, &sealed), -ERR_MALFORMED);
	fixture_finish(&f);
}

static void test_says_nothing(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed a = seal(&f, &identity, "s3cret-canary", 13);
	struct sealed b = seal(&f, &identity, "s3cret-canary", 13);
	struct sealed c = seal(&f, &identity, "x", 1);
	assert_null(memmem(a.bytes, a.len, "canary", 6));
	/* Nothing repeats, and the length of a password does not show. */
	assert_memory_not_equal(a.bytes + 8, b.bytes + 8, 24);
	assert_memory_not_equal(a.bytes + 32, b.bytes + 32, 32);
	assert_memory_not_equal(a.bytes + 80, b.bytes + 80, 24);
	assert_memory_not_equal(a.bytes + 104, b.bytes + 104, 64);
	assert_int_equal(a.len, c.len);
	fixture_finish(&f);
}

static void test_rows_cannot_be_swapped(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity own = fixture_identity(7, 3), other;
	struct sealed sealed = seal(&f, &own, "password", 8);
	assert_int_equal(open_it(&f, &own, &sealed), 0);
	other = fixture_identity(8, 3);
	assert_int_equal(open_it(&f, &other, &sealed), -ERR_CRYPTO);
	other = fixture_identity(7, 4);
	assert_int_equal(open_it(&f, &other, &sealed), -ERR_CRYPTO);
	other = fixture_identity(3, 7);
	assert_int_equal(open_it(&f, &other, &sealed), -ERR_CRYPTO);
	other = own;
	text_copy(other.object, sizeof other.object, "authorization");
	assert_int_equal(open_it(&f, &other, &sealed), -ERR_CRYPTO);
	other = own;
	text_copy(other.field, sizeof other.field, "consumer");
	assert_int_equal(open_it(&f, &other, &sealed), -ERR_CRYPTO);
	/* What lies behind the end of a name is nobody's business. */
	other = own;
	other.field[12] = 'x';
	assert_int_equal(open_it(&f, &other, &sealed), 0);
	memset(other.object, 'x', sizeof other.object);
	assert_int_equal(open_it(&f, &other, &sealed), -ERR_MALFORMED);
	fixture_finish(&f);
}

static void test_kind_cannot_be_swapped(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed sealed = seal(&f, &identity, "password", 8);
	assert_int_equal(open_kind(&f, &identity, SECRET_SSH_KEY, &sealed), -ERR_CRYPTO);
	sealed.bytes[1] = SECRET_SSH_KEY;
	assert_int_equal(open_kind(&f, &identity, SECRET_SSH_KEY, &sealed), -ERR_CRYPTO);
	fixture_finish(&f);
}

static void test_installations_cannot_be_swapped(void **state)
{
	struct fixture f, other;
	fixture_installation(&f);
	fixture_installation(&other);
	struct identity identity = fixture_identity(7, 3);
	struct sealed sealed = seal(&f, &identity, "password", 8);
	assert_int_equal(open_it(&other, &identity, &sealed), -ERR_CRYPTO);
	/* Not even when both have the same root key. */
	other.keyring->keys->versions[0] = f.keyring->keys->versions[0];
	assert_int_equal(open_it(&other, &identity, &sealed), -ERR_CRYPTO);
	memcpy(other.keyring->installation_id, f.keyring->installation_id, KEYRING_ID_LEN);
	assert_int_equal(open_it(&other, &identity, &sealed), 0);
	fixture_finish(&f);
	fixture_finish(&other);
}

static void test_every_bit_counts(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed sealed = seal(&f, &identity, "password", 8);
	for (size_t i = 0; i < sealed.len * 8; i++) {
		sealed.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		if (open_it(&f, &identity, &sealed) == 0)
			fail_msg("bit %zu was changed and nobody noticed", i);
		sealed.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(open_it(&f, &identity, &sealed), 0);
	fixture_finish(&f);
}

static void test_length_counts(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed whole = seal(&f, &identity, "password", 8);
	for (size_t len = 0; len < SEALED_MAX; len += len < 400 ? 1 : 64) {
		struct sealed cut = whole;
		cut.len = len;
		assert_true((open_it(&f, &identity, &cut) == 0) == (len == whole.len));
	}
	fixture_finish(&f);
}

static void test_parts_cannot_be_exchanged(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed a = seal(&f, &identity, "password", 8),
		      b = seal(&f, &identity, "passw0rd", 8);
	struct sealed mixed = a;
	memcpy(mixed.bytes + 80, b.bytes + 80, b.len - 80);
	assert_int_equal(open_it(&f, &identity, &mixed), -ERR_CRYPTO);
	fixture_finish(&f);
}

static void test_rewrap_after_rotation(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed old = seal(&f, &identity, "password", 8), fresh;
	struct envelope_head head;
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	assert_int_equal(open_it(&f, &identity, &old), 0);
	assert_int_equal(envelope_rewrap(f.keyring, &identity, SECRET_PASSWORD, old.bytes, old.len,
				 fresh.bytes, &fresh.len),
		0);
	assert_int_equal(envelope_inspect(fresh.bytes, fresh.len, &head), 0);
	assert_int_equal(head.key_version, 2);
	assert_int_equal(open_it(&f, &identity, &fresh), 0);
	/* An envelope of a version that never was, and one moved to another version. */
	fresh.bytes[4] = 3;
	assert_int_equal(open_it(&f, &identity, &fresh), -ERR_CRYPTO);
	fresh.bytes[4] = 1;
	assert_int_equal(open_it(&f, &identity, &fresh), -ERR_CRYPTO);
	struct identity other = fixture_identity(8, 3);
	assert_int_equal(envelope_rewrap(f.keyring, &other, SECRET_PASSWORD, old.bytes, old.len,
				 fresh.bytes, &fresh.len),
		-ERR_CRYPTO);
	fixture_finish(&f);
}

/* Nothing open stays behind, whether it worked or not. */
static void test_scratch_is_wiped(void **state)
{
	static const uint8_t nothing[KEYRING_SCRATCH];
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed sealed = seal(&f, &identity, "password", 8);
	assert_memory_equal(keyring_scratch(f.keyring), nothing, KEYRING_SCRATCH);
	assert_int_equal(open_it(&f, &identity, &sealed), 0);
	assert_memory_equal(keyring_scratch(f.keyring), nothing, KEYRING_SCRATCH);
	sealed.bytes[120] ^= 1; /* the data key opens, the content does not */
	assert_int_equal(open_it(&f, &identity, &sealed), -ERR_CRYPTO);
	assert_memory_equal(keyring_scratch(f.keyring), nothing, KEYRING_SCRATCH);
	fixture_finish(&f);
}

static void test_sealed_vault(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed sealed = seal(&f, &identity, "password", 8);
	f.keyring->sealed = true;
	assert_int_equal(open_it(&f, &identity, &sealed), -ERR_SEALED);
	struct secret *secret = secret_create("x", 1);
	assert_int_equal(envelope_seal(f.keyring, &identity, SECRET_PASSWORD, secret, sealed.bytes,
				 &sealed.len),
		-ERR_SEALED);
	secret_destroy(secret);
	fixture_finish(&f);
}

static void test_names_are_names(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity own = fixture_identity(7, 3);
	struct sealed sealed = seal(&f, &own, "password", 8);
	for (int i = 0; i < 4; i++) {
		struct identity other = own;
		char *name = i % 2 == 0 ? other.object : other.field;
		memset(name, i < 2 ? 0 : 'x', sizeof other.field);
		assert_int_equal(open_it(&f, &other, &sealed), -ERR_MALFORMED);
		CLEANUP(secret_destroyp) struct secret *secret = secret_create("x", 1);
		struct sealed none = { .len = 7 };
		assert_int_equal(envelope_seal(f.keyring, &other, SECRET_PASSWORD, secret,
					 none.bytes, &none.len),
			-ERR_MALFORMED);
		assert_int_equal(none.len, 7);
	}
	fixture_finish(&f);
}

/* Whoever had the root key could seal what envelope_seal() never would. */
static void test_padding_counts(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed sealed = { .len = ENVELOPE_OVERHEAD + ENVELOPE_BLOCK };
	uint8_t bound[BOUND_LEN];
	envelope_head_write(sealed.bytes, SECRET_PASSWORD, 1);
	assert_int_equal(identity_bind(f.keyring, &identity, sealed.bytes, LAYER_KEY, bound), 0);
	struct workspace *space = keyring_scratch(f.keyring);
	memset(space->content, 'p', ENVELOPE_BLOCK);
	encrypt(space, sealed.bytes, ENVELOPE_BLOCK, bound, keyring_root(f.keyring, 1));
	assert_int_equal(open_it(&f, &identity, &sealed), -ERR_CRYPTO);
	fixture_finish(&f);
}

static void test_without_memory(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	struct identity identity = fixture_identity(7, 3);
	struct sealed sealed = seal(&f, &identity, "password", 8);
	FAILING(FAILING_MEMORY) {
		int r = open_it(&f, &identity, &sealed);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
	}
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_as_drawn),
		cmocka_unit_test(test_inspect_refuses),
		cmocka_unit_test(test_says_nothing),
		cmocka_unit_test(test_rows_cannot_be_swapped),
		cmocka_unit_test(test_kind_cannot_be_swapped),
		cmocka_unit_test(test_installations_cannot_be_swapped),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_length_counts),
		cmocka_unit_test(test_parts_cannot_be_exchanged),
		cmocka_unit_test(test_rewrap_after_rotation),
		cmocka_unit_test(test_scratch_is_wiped),
		cmocka_unit_test(test_sealed_vault),
		cmocka_unit_test(test_names_are_names),
		cmocka_unit_test(test_padding_counts),
		cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
