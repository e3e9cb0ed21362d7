/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_head.c"

#include "fixture.h"

static struct signer signer(int number)
{
	struct signer signer = { .certified = false };

	fixture_hash(signer.trail, 1);
	fixture_hash(signer.public_key, number);
	return signer;
}

static struct audit_head head(int64_t sequence, const struct signer *signer)
{
	struct audit_head head = { .sequence = sequence, .at = NOW + sequence, .signer = *signer };

	memset(head.signature, (int)sequence, sizeof head.signature);
	return head;
}

struct seen {
	struct audit_head heads[8];
	unsigned count;
};

static int see(void *context, const struct audit_head *head)
{
	struct seen *seen = context;

	assert_true(seen->count < ARRAY_LEN(seen->heads));
	seen->heads[seen->count++] = *head;
	return 0;
}

static void heads_come_back_with_their_keys(void **state)
{
	struct fixture *fixture = *state;
	struct signer one = signer(10), two = signer(20);
	struct seen seen = { .count = 0 };
	uint8_t certificate[64];
	int64_t first, second;

	memset(certificate, 0xce, sizeof certificate);
	assert_int_equal(store_signer_add(fixture->store, &one, NOW, &first), 0);
	assert_int_equal(store_signer_add(fixture->store, &two, NOW, &second), 0);
	for (int64_t i = 1; i <= 4; i++) {
		struct audit_head added = head(i * 3, i < 3 ? &one : &two);
		assert_int_equal(store_head_add(fixture->store, &added, i < 3 ? first : second), 0);
	}
	assert_int_equal(store_signer_certified(fixture->store, second, certificate, NOW), 0);
	assert_int_equal(store_head_list(fixture->store, 3, 2, see, &seen), 0);
	assert_int_equal(seen.count, 2);
	struct audit_head want = head(6, &one);
	assert_memory_equal(&seen.heads[0], &want, sizeof want);
	two.certified = true;
	memcpy(two.certificate, certificate, sizeof certificate);
	want = head(9, &two);
	assert_memory_equal(&seen.heads[1], &want, sizeof want);
	assert_int_equal(store_head_list(fixture->store, 12, 2, see, &seen), 0);
	assert_int_equal(seen.count, 2);
}

static void nothing_is_changed(void **state)
{
	struct fixture *fixture = *state;
	struct signer one = signer(10);
	struct audit_head added = head(1, &one);
	uint8_t certificate[64] = { 0 };
	int64_t id, again;

	assert_int_equal(store_signer_add(fixture->store, &one, NOW, &id), 0);
	assert_int_equal(store_signer_add(fixture->store, &one, NOW, &again), -ERR_EXISTS);
	assert_int_equal(store_head_add(fixture->store, &added, id), 0);
	assert_int_equal(store_head_add(fixture->store, &added, id), -ERR_EXISTS);
	assert_int_equal(store_signer_certified(fixture->store, id, certificate, NOW), 0);
	assert_int_equal(store_signer_certified(fixture->store, id, certificate, NOW), -ERR_EXISTS);
}

static void a_head_has_a_signer(void **state)
{
	struct fixture *fixture = *state;
	struct signer one = signer(10);
	struct audit_head added = head(1, &one);
	uint8_t certificate[64] = { 0 };

	assert_int_equal(store_head_add(fixture->store, &added, 7), -ERR_NOT_FOUND);
	assert_int_equal(
		store_signer_certified(fixture->store, 7, certificate, NOW), -ERR_NOT_FOUND);
}

static void a_receipt_is_made_once(void **state)
{
	struct fixture *fixture = *state;
	struct session_row session = fixture_session(fixture, 1);
	struct signer one = signer(10);
	struct receipt receipt = { .text = "{\"receipt\":1}", .signer = one },
		       found = { .text = "" };
	uint8_t certificate[64];
	int64_t signer_id, id;

	memset(receipt.signature, 0x51, sizeof receipt.signature);
	memset(certificate, 0xce, sizeof certificate);
	assert_int_equal(store_session_add(fixture->store, &session, &id), 0);
	assert_int_equal(store_signer_add(fixture->store, &one, NOW, &signer_id), 0);
	assert_int_equal(store_receipt_get(fixture->store, id, &found), -ERR_NOT_FOUND);
	assert_int_equal(
		store_receipt_add(fixture->store, 77, &receipt, signer_id, NOW), -ERR_NOT_FOUND);
	assert_int_equal(store_receipt_add(fixture->store, id, &receipt, 77, NOW), -ERR_NOT_FOUND);
	assert_int_equal(store_receipt_add(fixture->store, id, &receipt, signer_id, NOW), 0);
	assert_int_equal(
		store_receipt_add(fixture->store, id, &receipt, signer_id, NOW), -ERR_EXISTS);
	assert_int_equal(store_receipt_get(fixture->store, id, &found), 0);
	assert_string_equal(found.text, receipt.text);
	assert_memory_equal(found.signature, receipt.signature, sizeof found.signature);
	assert_memory_equal(&found.signer, &one, sizeof one);
	/* what the vault says later counts for it too */
	assert_int_equal(store_signer_certified(fixture->store, signer_id, certificate, NOW), 0);
	assert_int_equal(store_receipt_get(fixture->store, id, &found), 0);
	assert_true(found.signer.certified);
	assert_memory_equal(found.signer.certificate, certificate, sizeof certificate);
}

static int stop(void *context, const struct audit_head *head)
{
	return -ERR_FULL;
}

static void who_keeps_may_stop(void **state)
{
	struct fixture *fixture = *state;
	struct signer one = signer(10);
	struct audit_head added = head(1, &one);
	int64_t id;

	assert_int_equal(store_signer_add(fixture->store, &one, NOW, &id), 0);
	assert_int_equal(store_head_add(fixture->store, &added, id), 0);
	assert_int_equal(store_head_list(fixture->store, 0, 9, stop, NULL), -ERR_FULL);
}

static void damage_is_no_row(void **state)
{
	struct value values[7] = { { .type = VALUE_INTEGER }, { .type = VALUE_INTEGER },
		{ .type = VALUE_BYTES, .bytes = "x", .len = 1 } };
	struct each_head each = { .keep = stop };

	for (unsigned count = 0; count <= 7; count++) {
		assert_int_equal(keep_each_head(&each, values, count), -ERR_STORE);
		assert_int_equal(each.result, -ERR_STORE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(heads_come_back_with_their_keys),
		CASE(nothing_is_changed),
		CASE(a_head_has_a_signer),
		CASE(a_receipt_is_made_once),
		CASE(who_keeps_may_stop),
		CASE(damage_is_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
