/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Lists in one text: items separated by commas, blanks around them. */

/* Takes the next item off; empty ones are skipped. 1, 0 at the end, or -ERR_TOO_LARGE. */
int items_next(const char **cursor, char *ret_item, size_t size);
bool items_have(const char *list, const char *item);      /* without regard to letter case */
int items_add(char *list, size_t size, const char *item); /* -ERR_TOO_LARGE: as it was */
