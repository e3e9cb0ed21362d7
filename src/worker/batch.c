/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/batch.h"

void batch_note(struct batch *batch, size_t len)
{
	batch->bytes += len;
	batch->look += len;
}

bool batch_waits(struct batch *batch, uint64_t now_us)
{
	size_t look = batch->look;
	uint64_t passed = now_us - batch->began_us;

	batch->look = 0;
	if (passed >= BATCH_FLOOD_US) {
		batch->flood = passed < 2 * BATCH_FLOOD_US && batch->bytes >= BATCH_FLOOD;
		batch->began_us = now_us;
		batch->bytes = 0;
	}
	return batch->flood && look > 0 && look < BATCH_ENOUGH;
}
