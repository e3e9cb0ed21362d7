/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/positions.c"

#include "stand.h"

static void test_come_back(void **state)
{
	struct stand *stand = *state;
	struct positions positions, again;
	struct position one = stand_position(0x0102030405), two = stand_position(7);

	assert_int_equal(positions_open(&positions, stand->fd), 0);
	assert_false(positions.known[OUTLET_MIRROR]);
	positions_put(&positions, OUTLET_MIRROR, &one);
	positions_put(&positions, OUTLET_WEBHOOK, &two);
	positions_save(&positions);
	assert_int_equal(positions_open(&again, stand->fd), 0);
	assert_true(again.known[OUTLET_MIRROR] && again.known[OUTLET_WEBHOOK]);
	assert_false(again.known[OUTLET_FILE] || again.known[OUTLET_SYSLOG]);
	assert_memory_equal(&again.rows[OUTLET_MIRROR], &one, sizeof one);
	assert_memory_equal(&again.rows[OUTLET_WEBHOOK], &two, sizeof two);
	positions_close(&again);
	/* what was not saved is saved at the end */
	positions_put(&positions, OUTLET_FILE, &two);
	positions_close(&positions);
	assert_int_equal(positions.fd, -1);
	assert_int_equal(positions_open(&again, stand->fd), 0);
	assert_true(again.known[OUTLET_FILE]);
	positions_close(&again);
}

/* The page, in bytes. */
static void test_a_slot_is_as_drawn(void **state)
{
	struct stand *stand = *state;
	struct positions positions;
	struct position at = stand_position(0x0102);
	uint8_t hash[HASH_LEN], zero[16] = { 0 };

	assert_int_equal(positions_open(&positions, stand->fd), 0);
	positions_put(&positions, OUTLET_FILE, &at);
	positions_close(&positions);
	CLEANUP(mem_freep) char *text = stand_text(stand, "positions");
	const uint8_t *slot = (const uint8_t *)text + 64;
	assert_memory_equal(slot, "\2\1\0\0\0\0\0\0", 8);
	assert_memory_equal(slot + 8, at.hash, HASH_LEN);
	assert_memory_equal(slot + 40, zero, 16);
	crypto_generichash(hash, sizeof hash, slot, 56, NULL, 0);
	assert_memory_equal(slot + 56, hash, 8);
}

static void test_a_torn_slot_says_nothing(void **state)
{
	struct stand *stand = *state;
	struct positions positions;
	struct position at = stand_position(9);

	assert_int_equal(positions_open(&positions, stand->fd), 0);
	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		positions_put(&positions, i, &at);
	positions_save(&positions);
	assert_int_equal(pwrite(positions.fd, "x", 1, 64 + 3), 1);
	assert_int_equal(ftruncate(positions.fd, 3 * 64 + 63), 0);
	positions_close(&positions);
	assert_int_equal(positions_open(&positions, stand->fd), 0);
	assert_true(positions.known[0] && positions.known[2]);
	assert_false(positions.known[1] || positions.known[3]);
	assert_int_equal(positions.rows[2].sequence, 9);
	positions_close(&positions);
}

static void test_no_directory(void **state)
{
	struct positions positions;

	assert_int_equal(positions_open(&positions, -1), -ERR_DISK);
	positions_close(&positions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAND(test_come_back),
		STAND(test_a_slot_is_as_drawn),
		STAND(test_a_torn_slot_says_nothing),
		STAND(test_no_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
