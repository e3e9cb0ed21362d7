/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/attribute.h"

#include <stdbool.h>

#include "base/mem.h"

/* ---- reading ---- */

/* 2: RGB, 5: one of 256; anything else changes nothing. */
static uint32_t make_color(uint32_t before, int32_t mode, const int32_t values[3])
{
	if (mode == 2)
		return (before & ~COLOR_MASK) | COLOR_RGB | (uint32_t)(values[0] & 0xff) << 16 |
		       (uint32_t)(values[1] & 0xff) << 8 | (uint32_t)(values[2] & 0xff);
	if (mode == 5)
		return (before & ~COLOR_MASK) | COLOR_256 | (uint32_t)(values[0] & 0xff);
	return before;
}

static bool has_subs(const struct params *params, unsigned at)
{
	return params->sub_end[at] > params->sub_first[at];
}

/*
 * 38, 48 and 58 come as 38;5;N, 38;2;R;G;B, 38:5:N, 38:2::R:G:B and mixtures of these. Slots are
 * target, mode, colour space, then three values; returns how many more parameters were used.
 */
static unsigned extract(const struct params *params, unsigned at, int32_t slots[6])
{
	unsigned shift = 0, advance = 0;

	do {
		slots[advance + shift] = params->values[at + advance];
		if (has_subs(params, at + advance)) {
			unsigned first = params->sub_first[at + advance];
			unsigned count = params->sub_end[at + advance] - first, i = 0;
			do {
				if (slots[1] == 5)
					shift = 1;
				slots[advance + i + 1 + shift] = params->subs[first + i];
			} while (++i < count && i + advance + 1 + shift < 6);
			break;
		}
		if ((slots[1] == 5 && advance + shift >= 2) ||
			(slots[1] == 2 && advance + shift >= 5))
			break;
		if (slots[1] != 0)
			shift = 1;
	} while (++advance + at < params->count && advance + shift < 6);
	for (unsigned i = 2; i < 6; i++)
		slots[i] = MAX(slots[i], 0);
	return advance;
}

static unsigned apply_color(struct attributes *attributes, const struct params *params, unsigned at)
{
	int32_t slots[8] = { 0, 0, -1 };
	unsigned used = extract(params, at, slots);

	if (slots[0] == 38)
		attributes->fg = make_color(attributes->fg, slots[1], slots + 3);
	else if (slots[0] == 48)
		attributes->bg = make_color(attributes->bg, slots[1], slots + 3);
	else if (slots[0] == 58)
		attributes->line = make_color(attributes->line, slots[1], slots + 3);
	return used;
}

static void set_line_style(struct attributes *attributes, int32_t style)
{
	uint32_t legal = style < 0 || style > 5 ? 1 : (uint32_t)style;

	attributes->line = (attributes->line & ~LINE_STYLE_MASK) | legal << LINE_STYLE_SHIFT;
	attributes->fg &= ~(uint32_t)ATTRIBUTE_UNDERLINE;
	attributes->bg &= ~(uint32_t)ATTRIBUTE_LINED;
	if (legal != 0) {
		attributes->fg |= ATTRIBUTE_UNDERLINE;
		attributes->bg |= ATTRIBUTE_LINED;
	}
}

/* Bits that one number sets or clears beside the foreground and beside the background. */
static const struct effect {
	uint8_t code;
	bool set;
	uint32_t fg, bg;
} effects[] = {
	{ 1, true, ATTRIBUTE_BOLD, 0 },
	{ 2, true, 0, ATTRIBUTE_DIM },
	{ 3, true, 0, ATTRIBUTE_ITALIC },
	{ 5, true, ATTRIBUTE_BLINK, 0 },
	{ 7, true, ATTRIBUTE_INVERSE, 0 },
	{ 8, true, ATTRIBUTE_INVISIBLE, 0 },
	{ 9, true, ATTRIBUTE_STRUCK, 0 },
	{ 22, false, ATTRIBUTE_BOLD, ATTRIBUTE_DIM },
	{ 23, false, 0, ATTRIBUTE_ITALIC },
	{ 25, false, ATTRIBUTE_BLINK, 0 },
	{ 27, false, ATTRIBUTE_INVERSE, 0 },
	{ 28, false, ATTRIBUTE_INVISIBLE, 0 },
	{ 29, false, ATTRIBUTE_STRUCK, 0 },
	{ 39, false, COLOR_MASK, 0 },
	{ 49, false, 0, COLOR_MASK },
	{ 53, true, 0, ATTRIBUTE_OVERLINE },
	{ 55, false, 0, ATTRIBUTE_OVERLINE },
};

static void apply_effect(struct attributes *attributes, int32_t code)
{
	for (unsigned i = 0; i < ARRAY_LEN(effects); i++) {
		const struct effect *effect = &effects[i];
		if (effect->code != code)
			continue;
		attributes->fg =
			effect->set ? attributes->fg | effect->fg : attributes->fg & ~effect->fg;
		attributes->bg =
			effect->set ? attributes->bg | effect->bg : attributes->bg & ~effect->bg;
	}
}

static void set_16(uint32_t *color, int32_t number)
{
	*color = (*color & ~COLOR_MASK) | COLOR_16 | (uint32_t)number;
}

/* True when it was one of the short ways to name a colour. */
static bool apply_16(struct attributes *attributes, int32_t code)
{
	if (code >= 30 && code <= 37)
		set_16(&attributes->fg, code - 30);
	else if (code >= 40 && code <= 47)
		set_16(&attributes->bg, code - 40);
	else if (code >= 90 && code <= 97)
		set_16(&attributes->fg, code - 90 + 8);
	else if (code >= 100 && code <= 107)
		set_16(&attributes->bg, code - 100 + 8);
	else
		return false;
	return true;
}

void attributes_apply(struct attributes *attributes, const struct params *params)
{
	for (unsigned i = 0; i < params->count; i++) {
		int32_t code = params->values[i];

		if (apply_16(attributes, code))
			continue;
		if (code == 0)
			*attributes = (struct attributes){};
		else if (code == 4)
			set_line_style(attributes,
				has_subs(params, i) ? params->subs[params->sub_first[i]] : 1);
		else if (code == 21)
			set_line_style(attributes, 2);
		else if (code == 24)
			set_line_style(attributes, 0);
		else if (code == 38 || code == 48 || code == 58)
			i += apply_color(attributes, params, i);
		else if (code == 59)
			attributes->line |= COLOR_MASK;
		else
			apply_effect(attributes, code);
	}
}

struct attributes attributes_erased(const struct attributes *attributes)
{
	return (struct attributes){ .bg = attributes->bg & COLOR_MASK };
}

/* ---- writing ---- */

static int write_color(struct buf *out, uint32_t color, unsigned base)
{
	unsigned number = color & 0xff;

	switch (color & COLOR_MODE) {
	case COLOR_16:
		return buf_append_format(
			out, ";%u", number < 8 ? base + number : base + 52 + number);
	case COLOR_256:
		return buf_append_format(out, ";%u;5;%u", base + 8, number);
	case COLOR_RGB:
		return buf_append_format(out, ";%u;2;%u;%u;%u", base + 8, color >> 16 & 0xff,
			color >> 8 & 0xff, number);
	default:
		return 0;
	}
}

static int write_line(struct buf *out, const struct attributes *attributes)
{
	unsigned style = attributes->line >> LINE_STYLE_SHIFT & 7;
	uint32_t color = attributes->line & COLOR_MASK;
	int r = 0;

	/* ESC 8 brings the mark back and not the style: the page then draws no line. */
	if ((attributes->fg & ATTRIBUTE_UNDERLINE) != 0 && style > 0)
		r = style == 1 ? buf_append_text(out, ";4")
			       : buf_append_format(out, ";4:%u", style);
	if (r < 0 || (color & COLOR_MODE) == 0)
		return r;
	if (color == COLOR_MASK)
		return buf_append_text(out, ";59");
	if ((color & COLOR_MODE) == COLOR_RGB)
		return buf_append_format(out, ";58:2::%u:%u:%u", color >> 16 & 0xff,
			color >> 8 & 0xff, color & 0xff);
	return buf_append_format(out, ";58:5:%u", color & 0xff);
}

int attributes_write(struct buf *out, const struct attributes *attributes)
{
	int r = buf_append_text(out, "\033[");

	for (unsigned i = 0; i < ARRAY_LEN(effects) && r == 0; i++) {
		const struct effect *effect = &effects[i];
		if (effect->set &&
			((attributes->fg & effect->fg) != 0 || (attributes->bg & effect->bg) != 0))
			r = buf_append_format(out, ";%u", effect->code);
	}
	if (r == 0)
		r = write_line(out, attributes);
	if (r == 0)
		r = write_color(out, attributes->fg, 30);
	if (r == 0)
		r = write_color(out, attributes->bg, 40);
	return r == 0 ? buf_append_text(out, "m") : r;
}
