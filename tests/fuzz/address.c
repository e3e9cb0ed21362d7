/* SPDX-License-Identifier: Apache-2.0 */
/* remoteAddr, lists of callers, and times come from outside as text. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"

static void try_address(const char *text)
{
	struct address address, again;
	char out[ADDRESS_SIZE];

	if (address_parse(&address, text) < 0)
		return;
	assert(address_parse(&again, address_format(&address, out)) == 0);
	assert(address_equal(&address, &again));
	assert(address_listed(&address, out));
	if (address_forbidden(&address))
		assert(!address_listed(&address, "127.0.0.0/8 10.0.0.0/8 192.168.0.0/16 fc00::/7"));
}

static void try_time(const char *text)
{
	char out[CLOCK_TEXT_SIZE];
	int64_t wall_ms, again;

	if (clock_parse(text, &wall_ms) < 0)
		return;
	assert(clock_parse(clock_format_utc(wall_ms, out), &again) == 0);
	/* Offsets reach a day past the years that can be written. */
	assert(again == wall_ms || wall_ms < -62135596800000 || wall_ms > 253402300799999);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct address local = { .family = 4, .bytes = { 127, 0, 0, 1 } };
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	try_address(text);
	try_time(text);
	if (!address_list_valid(text) && strchr(text, '*') == NULL)
		(void)address_listed(&local, text);
	if (address_listed(&local, text))
		assert(strpbrk(text, "*0123456789:") != NULL);
	free(text);
	return 0;
}
