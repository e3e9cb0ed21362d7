/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "worker/parser.h"

/*
 * How a cell looks, as SGR and DECSCA say it, in the bits in which the page's terminal keeps it. A
 * colour is two bits of mode and what the mode needs.
 */
#define COLOR_MASK 0x03ffffffu
#define COLOR_MODE 0x03000000u
#define COLOR_16 0x01000000u  /* u8: one of the first sixteen, said the short way */
#define COLOR_256 0x02000000u /* u8 */
#define COLOR_RGB 0x03000000u /* u24 */

enum { /* beside the foreground */
	ATTRIBUTE_INVERSE = 0x04000000,
	ATTRIBUTE_BOLD = 0x08000000,
	ATTRIBUTE_UNDERLINE = 0x10000000,
	ATTRIBUTE_BLINK = 0x20000000,
	ATTRIBUTE_INVISIBLE = 0x40000000,
};
#define ATTRIBUTE_STRUCK 0x80000000u
enum { /* beside the background */
	ATTRIBUTE_ITALIC = 0x04000000,
	ATTRIBUTE_DIM = 0x08000000,
	ATTRIBUTE_LINED = 0x10000000, /* line says how it is underlined */
	ATTRIBUTE_PROTECTED = 0x20000000,
	ATTRIBUTE_OVERLINE = 0x40000000,
};
#define LINE_STYLE_SHIFT 26 /* three bits: 1 single, 2 double, 3 curly, 4 dotted, 5 dashed */
#define LINE_STYLE_MASK (7u << LINE_STYLE_SHIFT)

struct attributes {
	uint32_t fg, bg;
	uint32_t line; /* colour and style of the underline */
};

void attributes_apply(struct attributes *attributes, const struct params *params); /* SGR */
/* What an erased cell gets: the background and nothing else. */
struct attributes attributes_erased(const struct attributes *attributes);
/* The one SGR that makes `attributes` from any other. */
int attributes_write(struct buf *out, const struct attributes *attributes);
