/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sqlite3.h>

#include "store/backend.h"

/* A column of the row at hand; its bytes are good until the next step. */
static inline struct value sqlite_value(sqlite3_stmt *statement, int index)
{
	struct value value = { .type = VALUE_NULL };

	switch (sqlite3_column_type(statement, index)) {
	case SQLITE_INTEGER:
		value.type = VALUE_INTEGER;
		value.integer = sqlite3_column_int64(statement, index);
		break;
	case SQLITE_TEXT:
		value.type = VALUE_TEXT;
		value.bytes = sqlite3_column_text(statement, index);
		value.len = sqlite3_column_bytes(statement, index);
		break;
	case SQLITE_BLOB:
		value.type = VALUE_BYTES;
		value.bytes = sqlite3_column_blob(statement, index);
		value.len = sqlite3_column_bytes(statement, index);
		break;
	default:
		break;
	}
	return value;
}
