/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"

/*
 * View stream, version 1. A frame is
 *   u8 type, u8 zero, u16 zero, u32 payload length, payload     (little endian)
 * back to back on a byte stream (SOCK_STREAM between processes, binary WebSocket messages to the
 * page; message boundaries mean nothing). The stream offset counts every byte, headers included, of
 * frames with type below 0x40, from the start of the session.
 *
 * A reader that meets an unknown type below 0x40 or from 0x80 skips it; an unknown type of input is
 * an error. Version rule: new types may be added; a changed payload is a new type.
 *
 * The page proves itself by an ECDSA P-256 SHA-256 signature over
 *   "sallyport attach 1" NUL, the 40 digits of the session id, the 32 bytes of the challenge.
 */
#define VIEW_VERSION 1
#define VIEW_HEADER_LEN 8
#define VIEW_PROOF_CONTEXT "sallyport attach 1"

enum view_type {
#define FRAME(name, type, least, most, what) VIEW_##name = type,
#include "wire/view.def"
#undef FRAME
};

enum view_state {
	VIEW_CONNECTING = 1,
	VIEW_LOGGING_IN = 2,
	VIEW_LIVE = 3,
	VIEW_OVER = 4,
};

/* Reports a program may need; the worker makes the bytes, from this table alone. */
enum view_report {
	REPORT_STATUS = 1,         /* DSR 5: ESC [ 0 n */
	REPORT_CURSOR = 2,         /* DSR 6: ESC [ a ; b R, within the screen */
	REPORT_PRIMARY = 3,        /* DA1: ESC [ ? 62 ; 22 c */
	REPORT_SECONDARY = 4,      /* DA2: ESC [ > 0 ; 0 ; 0 c */
	REPORT_CURSOR_PRIVATE = 5, /* DECXCPR: ESC [ ? a ; b R */
};

/* Why nobody was attached. */
enum view_gap {
	GAP_CLOSED = 1,  /* the page was closed or left */
	GAP_LOST = 2,    /* the connection broke */
	GAP_RENEWED = 3, /* the gateway was renewed */
	GAP_CRASHED = 4, /* the front ended without a word */
	GAP_STALLED = 5, /* it took nothing for too long while others waited */
};

/*
 * KEYFRAME: the screen so far, for a reader that begins here. Between its parts come no frames of
 * the target; a reader that has everything before them ignores them.
 */
#define VIEW_KEYFRAME_LEN 8       /* before a part's bytes */
#define VIEW_KEYFRAME_PARTS_MAX 8 /* more than half a MiB is no screen */
struct view_keyframe {
	uint16_t columns, rows;
	uint8_t part, parts;
	uint8_t state; /* enum view_state */
	const uint8_t *bytes;
	uint32_t len;
};

struct view_frame {
	uint8_t type;
	uint32_t len;
	const uint8_t *payload;
};

const char *view_name(uint8_t type); /* "TEXT", or "?" */
int view_known(uint8_t type);
static inline int view_shared(uint8_t type)
{
	return type < 0x40;
}
static inline int view_input(uint8_t type)
{
	return type >= 0x40 && type < 0x80;
}
/*
 * The first whole frame in bytes[len]: returns its whole length and fills *ret_frame (pointing into
 * bytes); 0 when more bytes are needed; -ERR_MALFORMED for a length or type the table does not
 * allow.
 */
int view_next(const uint8_t *bytes, size_t len, struct view_frame *ret_frame);
int view_write(struct buf *out, uint8_t type, const void *payload, size_t len);
/* The fields of a KEYFRAME; bytes point into the frame. -ERR_MALFORMED, of another type too. */
int view_keyframe_read(const struct view_frame *frame, struct view_keyframe *ret_keyframe);
void view_keyframe_write(uint8_t out[VIEW_KEYFRAME_LEN], const struct view_keyframe *keyframe);
int view_write_two(
	struct buf *out, uint8_t type, const void *a, size_t a_len, const void *b, size_t b_len);

/* Where frames end, for who passes a stream on without reading it. */
struct view_edge {
	uint8_t header[VIEW_HEADER_LEN];
	uint8_t fill;  /* bytes of the header that came */
	uint32_t left; /* bytes of the payload to come */
};
void view_edge_pass(struct view_edge *edge, const uint8_t *bytes, size_t len);
static inline int view_edge_whole(const struct view_edge *edge)
{
	return edge->fill == 0 && edge->left == 0;
}

/* Little-endian fields. */
static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}
static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8);
}
static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)v), put16(p + 2, (uint16_t)(v >> 16));
}
static inline void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v), put32(p + 4, (uint32_t)(v >> 32));
}
