/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define BUF_LEAST 256 /* bytes of the first allocation, unless the ceiling is lower */

static size_t front_gap(const struct buf *buf)
{
	return buf->base == NULL ? 0 : (size_t)(buf->data - buf->base);
}

/* Never realloc: what the old place held may be secret, so it is wiped before it is given back. */
static int move_to(struct buf *buf, size_t cap)
{
	uint8_t *fresh = malloc(cap);

	if (fresh == NULL)
		return -ERR_SYSTEM;
	if (buf->len > 0)
		memcpy(fresh, buf->data, buf->len);
	if (buf->base != NULL)
		mem_wipe(buf->base, front_gap(buf) + buf->len);
	free(buf->base);
	buf->base = fresh;
	buf->data = fresh;
	buf->cap = cap;
	return 0;
}

static int make_room(struct buf *buf, size_t len)
{
	size_t need = buf->len + len;
	size_t cap = buf->cap;

	if (buf->base != NULL && buf->cap - front_gap(buf) >= need)
		return 0;
	/* Sliding is worth it only when the gap is at least as big as what must be moved. */
	if (buf->base != NULL && buf->cap >= need && front_gap(buf) >= buf->len) {
		memmove(buf->base, buf->data, buf->len);
		buf->data = buf->base;
		return 0;
	}
	if (cap < BUF_LEAST)
		cap = BUF_LEAST;
	while (cap < need)
		cap *= 2;
	return move_to(buf, cap);
}

int buf_reserve(struct buf *buf, size_t len, uint8_t **ret_room)
{
	int r;

	if (len > buf_room(buf))
		return -ERR_TOO_LARGE;
	/* One byte at least, so that the caller's pointer is always one. */
	r = make_room(buf, len > 0 ? len : 1);
	if (r < 0)
		return r;
	*ret_room = buf->data + buf->len;
	return 0;
}

void buf_commit(struct buf *buf, size_t len)
{
	assert(len == 0 || (buf->base != NULL && front_gap(buf) + buf->len + len <= buf->cap));
	buf->len += len;
	if (buf->len == 0)
		buf_clear(buf);
}

int buf_append(struct buf *buf, const void *bytes, size_t len)
{
	uint8_t *room;
	int r;

	if (len == 0)
		return 0;
	r = buf_reserve(buf, len, &room);
	if (r < 0)
		return r;
	memcpy(room, bytes, len);
	buf->len += len;
	return 0;
}

int buf_append_text(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

int buf_append_format(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	uint8_t *room;
	int len, r;

	va_start(arguments, format);
	len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (len < 0)
		return -ERR_SYSTEM;
	if ((size_t)len > buf_room(buf))
		return -ERR_TOO_LARGE;
	r = make_room(buf, (size_t)len + 1); /* vsnprintf wants a place for its NUL */
	if (r < 0)
		return r;
	room = buf->data + buf->len;
	va_start(arguments, format);
	vsnprintf((char *)room, (size_t)len + 1, format, arguments);
	va_end(arguments);
	buf_commit(buf, (size_t)len);
	return 0;
}

void buf_consume(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	if (len == buf->len) {
		buf_clear(buf);
		return;
	}
	buf->data += len;
	buf->len -= len;
}

size_t buf_room(const struct buf *buf)
{
	return buf->len < buf->max ? buf->max - buf->len : 0;
}

void buf_clear(struct buf *buf)
{
	free(buf->base);
	buf->base = NULL;
	buf->data = NULL;
	buf->len = 0;
	buf->cap = 0;
}

void buf_wipe(struct buf *buf)
{
	if (buf->base != NULL)
		mem_wipe(buf->base, buf->cap);
	buf_clear(buf);
}

void buf_finish(struct buf *buf)
{
	buf_clear(buf);
}

void buf_finish_wiped(struct buf *buf)
{
	buf_wipe(buf);
}
