/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One table of errors (errors.def). Functions return 0 (or a count) and, on failure, a negative
 * -ERR_NAME. Nothing below a process's dispatcher logs; the edge logs once and builds the answer
 * from the same row.
 */
enum error {
	ERR_NONE = 0,
#define ERR(name, http, text) ERR_##name,
#include "base/errors.def"
#undef ERR
	ERR_COUNT
};

/* Each takes r as returned (negative) or an enum error (positive); unknown numbers read as SYSTEM.
 */
const char *error_name(int r); /* "TICKET_REFUSED" */
const char *error_text(int r); /* what the caller is told */
int error_http(int r);         /* status code */
