/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

struct error_row {
	const char *name;
	int http;
	const char *text;
};

static const struct error_row rows[ERR_COUNT] = {
	[ERR_NONE] = { "NONE", 200, "" },
#define ERR(name, http, text) [ERR_##name] = { #name, http, text },
#include "base/errors.def"
#undef ERR
};

static const struct error_row *row_of(int r)
{
	if (r <= -ERR_COUNT || r >= ERR_COUNT)
		return &rows[ERR_SYSTEM];
	return &rows[r < 0 ? -r : r];
}

const char *error_name(int r)
{
	return row_of(r)->name;
}

const char *error_text(int r)
{
	return row_of(r)->text;
}

int error_http(int r)
{
	return row_of(r)->http;
}
