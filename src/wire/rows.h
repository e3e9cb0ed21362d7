/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "wire/line.h"

/*
 * Rows and heads of the audit trail on their way from the broker to the witness, packed into the
 * tail of a message: one row after the other, each head behind the row it signs.
 *
 *	u8 kind (enum line_kind), then
 *	a row	i64 sequence, i64 at, i32 result, five texts (u16 length, bytes): event, actor,
 *		from, object, detail; before, hash
 *	a head	struct audit_head
 */
int rows_put_row(struct buf *out, const struct audit_row *row); /* -ERR_TOO_LARGE: no room */
int rows_put_head(struct buf *out, const struct audit_head *head);
/* Moves *at on. 1, 0 at the end, -ERR_MALFORMED. */
int rows_next(const uint8_t **at, const uint8_t *end, struct line *ret_line);
