/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "wire/audit.h"

/*
 * Evidence as JSON lines: the mirror of the audit trail, the witness's file, what a syslog or
 * webhook receiver gets. One object a line, drawn in docs/formats/audit.md. A line has one form
 * only: what line_write() would not write, line_read() does not read, so a changed byte is found.
 */
enum line_kind {
	LINE_NONE,
	LINE_ROW,
	LINE_AUDIT_HEAD,
	LINE_RECORDING_HEAD,
	LINE_CONTINUED, /* the first line of a mirror's next file: what came before */
	LINE_FORKED,    /* the store no longer holds what this mirror was given */
};

struct line_place {
	int64_t sequence; /* last row before this line */
	uint8_t hash[HASH_LEN];
	int64_t next; /* FORKED: the row that follows */
};

struct line {
	enum line_kind kind;
	union {
		struct audit_row row;
		struct audit_head audit;
		struct recording_head recording;
		struct line_place place;
	};
};

#define LINE_BYTES_MAX (16 * 1024) /* bytes, of any line, its end included */

/* Appends it with its newline. */
int line_write(struct buf *out, const struct line *line);
/* One whole line, without its newline. -ERR_MALFORMED. */
int line_read(const char *text, size_t len, struct line *ret_line);
/*
 * A head inside a longer line, as syslog or CEF wrap it: its beginning, and its length; NULL when
 * there is none. It may still not be one: line_read() says.
 */
const char *line_find_head(const char *text, size_t len, size_t *ret_len);
