/* SPDX-License-Identifier: Apache-2.0 */
#include "api/segment.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define ID_DIGITS 18 /* the longest number that always fits */

int64_t segment_id(const char *segment)
{
	size_t len = strlen(segment);

	if (len == 0 || len > ID_DIGITS || strspn(segment, "0123456789") != len)
		return 0;
	return strtoll(segment, NULL, 10);
}

int segment_lower(const char *segment, char *ret_lower, size_t size)
{
	size_t len = strlen(segment);

	if (len >= size)
		return -ERR_TOO_LARGE;
	for (size_t i = 0; i <= len; i++)
		ret_lower[i] = (char)tolower((unsigned char)segment[i]);
	return 0;
}
