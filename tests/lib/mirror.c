/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker keeps of a screen, for tests that hold it against the page's terminal. Reads
 * requests from standard input: a letter, u32 length, that many bytes.
 *
 *	S u16 columns, u16 rows: begin anew     N bytes of a target     R like S: another size
 *	I the session rests     K answers with a keyframe     W answers with the width of every
 *	code point
 *
 * An answer is u32 length and that many bytes; a keyframe that cannot be made has none.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "wire/view.h"
#include "worker/digest.h"
#include "worker/width.h"

#define CODES 0x110000

static void answer(const uint8_t *bytes, size_t len)
{
	uint8_t head[4];

	put32(head, (uint32_t)len);
	fwrite(head, 1, sizeof head, stdout);
	fwrite(bytes, 1, len, stdout);
	fflush(stdout);
}

static void answer_keyframe(struct digest *digest)
{
	const uint8_t *bytes = NULL;
	size_t len = 0;

	digest_keyframe(digest, &bytes, &len);
	answer(bytes, len);
}

static void answer_widths(void)
{
	static uint8_t widths[CODES];

	for (uint32_t code = 0; code < CODES; code++)
		widths[code] = (uint8_t)width_of(code);
	answer(widths, sizeof widths);
}

static void take(struct digest *digest, int letter, const uint8_t *bytes, size_t len)
{
	switch (letter) {
	case 'S':
		digest_finish(digest);
		digest_init(digest, get16(bytes), get16(bytes + 2));
		break;
	case 'N':
		digest_note(digest, bytes, len);
		break;
	case 'R':
		digest_resize(digest, get16(bytes), get16(bytes + 2));
		break;
	case 'I':
		digest_rest(digest);
		break;
	case 'K':
		answer_keyframe(digest);
		break;
	case 'W':
		answer_widths();
		break;
	}
}

int main(void)
{
	static uint8_t head[5], bytes[VIEW_FRAME_MAX];
	struct digest digest = {};

	while (fread(head, 1, sizeof head, stdin) == sizeof head) {
		size_t len = get32(head + 1);
		if (len > sizeof bytes || fread(bytes, 1, len, stdin) != len)
			return 1;
		take(&digest, head[0], bytes, len);
	}
	digest_finish(&digest);
	return 0;
}
