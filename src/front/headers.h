/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "front/http.h"

/*
 * The head of every answer: status line, the security headers that no answer goes without
 * (requirement R16), and what belongs to this one.
 */
struct head {
	int status;
	const char *type;  /* Content-Type; NULL: there is no body to speak of */
	const char *cache; /* Cache-Control; NULL: no-store */
	const char *extra; /* further whole lines, each with its CRLF; NULL: none */
	uint64_t body_len; /* Content-Length, unless chunked */
	bool chunked;
	bool until_close;   /* to HTTP/1.0: the body ends with the connection */
	bool close;         /* say so; we close afterwards */
	const char *policy; /* Content-Security-Policy; NULL: nothing may run */
	int64_t wall_ms;    /* now */
};
int head_write(struct buf *out, const struct head *head);
/* Lines that another process wrote: header fields, each with its CRLF, nothing that ends a head. */
bool header_lines_valid(const char *lines);
const char *status_reason(int status); /* "Not Found" */
