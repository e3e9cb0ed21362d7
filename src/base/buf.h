/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A byte queue that is born with its ceiling: appended at the end, consumed at the front. Memory
 * grows by doubling up to max and is given back when the queue drains, since what idles is what
 * costs. Content is buf->data .. buf->data + buf->len.
 */
struct buf {
	uint8_t *data; /* first unread byte; NULL while empty */
	size_t len;    /* unread bytes */
	uint8_t *base; /* private: the allocation */
	size_t cap;    /* private */
	size_t max;    /* unread bytes it will ever hold */
};

#define BUF(ceiling) ((struct buf){ .max = (ceiling) })

/* -ERR_TOO_LARGE past the ceiling (nothing is appended), -ERR_SYSTEM without memory. */
int buf_append(struct buf *buf, const void *bytes, size_t len);
int buf_append_text(struct buf *buf, const char *text);
int buf_append_format(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Room for len bytes at the end; the caller writes there, then calls buf_commit(). */
int buf_reserve(struct buf *buf, size_t len, uint8_t **ret_room);
void buf_commit(struct buf *buf, size_t len);
void buf_consume(struct buf *buf, size_t len); /* len <= buf->len */
size_t buf_room(const struct buf *buf);        /* bytes until the ceiling */
void buf_clear(struct buf *buf);               /* forget content, give memory back */
void buf_wipe(struct buf *buf);                /* the same, wiping first: for anything secret */
void buf_finish(struct buf *buf);              /* for CLEANUP; usable again afterwards */
void buf_finish_wiped(struct buf *buf);        /* for CLEANUP of anything secret */
