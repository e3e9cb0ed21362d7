/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/width.h"

#include "base/mem.h"

struct range {
	uint32_t first : 24, columns : 8;
	uint32_t last;
};

static const struct range ranges[] = {
#define WIDTH(first, last, columns) { first, columns, last },
#include "worker/width.def"
#undef WIDTH
};

unsigned width_of(uint32_t code)
{
	unsigned low = 0, high = ARRAY_LEN(ranges);

	if (code < 0xa0)
		return code >= 0x20 && code < 0x7f;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (code > ranges[middle].last)
			low = middle + 1;
		else if (code < ranges[middle].first)
			high = middle;
		else
			return ranges[middle].columns;
	}
	return 1;
}
