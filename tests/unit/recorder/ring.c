/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/ring.c"

#include "fixture.h"

static size_t put(struct ring *ring, size_t payload, uint8_t fill)
{
	uint8_t *frame = malloc(VIEW_HEADER_LEN + payload);

	memset(frame, 0, VIEW_HEADER_LEN);
	frame[0] = VIEW_TEXT;
	put32(frame + 4, (uint32_t)payload);
	memset(frame + VIEW_HEADER_LEN, fill, payload);
	assert_int_equal(ring_append(ring, frame, VIEW_HEADER_LEN + payload), 0);
	free(frame);
	return VIEW_HEADER_LEN + payload;
}

static uint8_t byte_at(const struct ring *ring, uint64_t offset)
{
	struct iovec pieces[2];

	assert_true(ring_pieces(ring, offset, 1, pieces) == 1);
	return *(uint8_t *)pieces[0].iov_base;
}

static void grows_lazily(void **state)
{
	struct ring ring = {};
	struct iovec pieces[2];

	assert_int_equal(ring_pieces(&ring, 0, 100, pieces), 0);
	assert_true(ring_starts_frame(&ring, 0));
	assert_false(ring_starts_frame(&ring, 1));
	assert_int_equal(ring.cap, 0);
	put(&ring, 100, 'a');
	assert_int_equal(ring.cap, RING_LEAST);
	while (ring.end < 3 * RING_LEAST)
		put(&ring, 100, 'b');
	assert_int_equal(ring.cap, 4 * RING_LEAST);
	assert_int_equal(ring.start, 0);
	assert_int_equal(byte_at(&ring, VIEW_HEADER_LEN), 'a');
	assert_int_equal(byte_at(&ring, 108 + VIEW_HEADER_LEN), 'b');
	ring_finish(&ring);
	assert_null(ring.bytes);
}

/* What is kept is always the exact end of what was appended, and starts with a frame. */
static void keeps_the_newest(void **state)
{
	struct ring ring = {};
	uint64_t starts[20000];
	unsigned seed = 7, count = 0;

	while (ring.end < 5 * VIEW_RING_MAX) {
		seed = seed * 1103515245 + 12345;
		starts[count % 20000] = ring.end;
		put(&ring, 1 + (seed >> 16) % 3000, (uint8_t)count);
		count++;
		assert_true(ring.end - ring.start <= VIEW_RING_MAX);
	}
	assert_int_equal(ring.cap, VIEW_RING_MAX);
	assert_true(ring.end - ring.start > VIEW_RING_MAX - 4000);
	bool found = false;
	for (unsigned i = 0; i < count; i++) {
		if (starts[i] == ring.start)
			found = true;
		if (starts[i] < ring.start)
			continue;
		assert_true(ring_starts_frame(&ring, starts[i]));
		assert_int_equal(byte_at(&ring, starts[i]), VIEW_TEXT);
		assert_int_equal(byte_at(&ring, starts[i] + VIEW_HEADER_LEN), (uint8_t)i);
		assert_int_equal(
			ring_frame_end(&ring, starts[i]), i + 1 < count ? starts[i + 1] : ring.end);
	}
	assert_true(found);
	assert_false(ring_starts_frame(&ring, ring.start - 1));
	assert_false(ring_starts_frame(&ring, ring.start + 1));
	assert_true(ring_starts_frame(&ring, ring.end));
	assert_false(ring_starts_frame(&ring, ring.end + 1));
	assert_false(ring_starts_frame(&ring, UINT64_MAX));
	ring_finish(&ring);
}

static void pieces_around_the_seam(void **state)
{
	struct ring ring = {};
	struct iovec pieces[2];

	while (ring.end < VIEW_RING_MAX + 5000)
		put(&ring, 1000, 'x');
	int count = ring_pieces(&ring, ring.start, SIZE_MAX, pieces);
	assert_int_equal(count, 2);
	assert_int_equal(pieces[0].iov_len + pieces[1].iov_len, ring.end - ring.start);
	assert_int_equal(ring_pieces(&ring, ring.start, 10, pieces), 1);
	assert_int_equal(pieces[0].iov_len, 10);
	assert_int_equal(ring_pieces(&ring, ring.end, 10, pieces), 0);
	ring_finish(&ring);
}

static void largest_append(void **state)
{
	struct ring ring = {};

	for (unsigned i = 0; i < 40; i++)
		put(&ring, VIEW_FRAME_MAX, (uint8_t)i);
	assert_int_equal(byte_at(&ring, ring.end - 1), 39);
	ring_finish(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_lazily),
		cmocka_unit_test(keeps_the_newest),
		cmocka_unit_test(pieces_around_the_seam),
		cmocka_unit_test(largest_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
