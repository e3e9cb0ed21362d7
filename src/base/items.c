/* SPDX-License-Identifier: Apache-2.0 */
#include "base/items.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

int items_next(const char **cursor, char *ret_item, size_t size)
{
	const char *at = *cursor + strspn(*cursor, ", ");
	size_t len = strcspn(at, ",");
	*cursor = at + len;
	while (len > 0 && at[len - 1] == ' ')
		len--;
	if (len == 0)
		return 0;
	int r = text_copy_len(ret_item, size, at, len);
	return r < 0 ? r : 1;
}

bool items_have(const char *list, const char *item)
{
	char one[HOSTNAME_SIZE];
	int r;
	while ((r = items_next(&list, one, sizeof one)) != 0)
		if (r > 0 && strcasecmp(one, item) == 0)
			return true;
	return false;
}

int items_add(char *list, size_t size, const char *item)
{
	size_t used = strlen(list);
	if (used + strlen(item) + 2 > size)
		return -ERR_TOO_LARGE;
	if (used > 0)
		list[used++] = ',';
	return text_copy(list + used, size - used, item);
}
