/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/charset.h"

#include <string.h>

#include "base/mem.h"

static const char known[] = {
#define CHARSET(designator) designator,
#define GLYPH(designator, byte, code)
#include "worker/charset.def"
#undef CHARSET
#undef GLYPH
};

static const struct glyph {
	char designator, byte;
	uint16_t code;
} glyphs[] = {
#define CHARSET(designator)
#define GLYPH(designator, byte, code) { designator, byte, code },
#include "worker/charset.def"
#undef CHARSET
#undef GLYPH
};

bool charset_known(uint8_t designator)
{
	return designator != 0 && memchr(known, designator, sizeof known) != NULL;
}

uint32_t charset_translate(uint8_t designator, uint32_t code)
{
	if (designator == CHARSET_ASCII || code >= 0x7f)
		return code;
	for (unsigned i = 0; i < ARRAY_LEN(glyphs); i++)
		if ((uint8_t)glyphs[i].designator == designator && (uint8_t)glyphs[i].byte == code)
			return glyphs[i].code;
	return code;
}
