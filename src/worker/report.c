/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/report.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/view.h"

struct row {
	const char *text; /* NULL: not a report */
	bool cursor;      /* row, ';', column and 'R' follow */
};

static const struct row rows_of_reports[] = {
	[REPORT_STATUS] = { "\033[0n" },
	[REPORT_CURSOR] = { "\033[", true },
	[REPORT_PRIMARY] = { "\033[?62;22c" },
	[REPORT_SECONDARY] = { "\033[>0;0;0c" },
	[REPORT_CURSOR_PRIVATE] = { "\033[?", true },
};

/* A cursor is on the screen, whatever the page says: nothing else can be smuggled in the numbers.
 */
static unsigned clip(uint16_t place, uint16_t most)
{
	return MAX(1u, MIN((unsigned)place, MAX(1u, (unsigned)most)));
}

int report_bytes(const uint8_t payload[REPORT_PAYLOAD_LEN], uint16_t columns, uint16_t rows,
	char out[REPORT_SIZE])
{
	unsigned line = clip(get16(payload + 2), rows), column = clip(get16(payload + 4), columns);
	const struct row *row;

	if (payload[0] >= ARRAY_LEN(rows_of_reports) || payload[1] != 0 || get16(payload + 6) != 0)
		return -ERR_MALFORMED;
	row = &rows_of_reports[payload[0]];
	if (row->text == NULL)
		return -ERR_MALFORMED;
	if (row->cursor)
		return snprintf(out, REPORT_SIZE, "%s%u;%uR", row->text, line, column);
	return snprintf(out, REPORT_SIZE, "%s", row->text);
}
