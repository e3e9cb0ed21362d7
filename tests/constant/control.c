/* SPDX-License-Identifier: Apache-2.0 */
/* Must be reported: a comparison that ends at the first difference, as memcmp() may. */
#include <stdint.h>
#include <stdio.h>

#include "check.h"

static int compare(const volatile uint8_t *a, const volatile uint8_t *b, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		if (a[i] != b[i])
			return 0;
	return 1;
}

int main(void)
{
	uint8_t stored[32] = { 1 }, sent[32] = { 1 };

	SECRET(stored, sizeof stored);
	return verdict(compare(stored, sent, sizeof stored)) == 1 ? 0 : 1;
}
