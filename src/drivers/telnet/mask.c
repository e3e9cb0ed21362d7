/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/telnet/mask.h"

#include <string.h>

#include "base/mem.h"

void mask_init(struct mask *mask, const struct secret *secret)
{
	mask->secret = secret;
	mask->held = BUF(MASK_HELD_MAX);
}

void mask_finish(struct mask *mask)
{
	mask->secret = NULL;
	buf_finish_wiped(&mask->held);
}

static int show_held(struct mask *mask, size_t len, struct buf *out)
{
	int r = buf_append(out, mask->held.data, len);

	if (r == 0 && len > 0)
		buf_consume(&mask->held, len);
	return r;
}

/* How many of the newest bytes could be the beginning of the secret. */
static size_t beginning(const struct buf *held, const char *secret, size_t secret_len)
{
	for (size_t len = MIN(held->len, secret_len - 1); len > 0; len--)
		if (memcmp(held->data + held->len - len, secret, len) == 0)
			return len;
	return 0;
}

int mask_pass(struct mask *mask, const void *bytes, size_t len, struct buf *out)
{
	const char *secret = mask->secret != NULL ? secret_reveal(mask->secret) : "";
	size_t whole = mask->secret != NULL ? secret_len(mask->secret) : 0;
	uint8_t *found;
	int r;

	if (whole == 0)
		return buf_append(out, bytes, len);
	r = buf_append(&mask->held, bytes, len);
	while (r == 0 && mask->held.len > 0 &&
		(found = memmem(mask->held.data, mask->held.len, secret, whole)) != NULL) {
		r = show_held(mask, (size_t)(found - mask->held.data), out);
		if (r == 0)
			r = buf_append_text(out, MASK_STARS);
		buf_consume(&mask->held, whole);
	}
	return r < 0 ? r
		     : show_held(mask, mask->held.len - beginning(&mask->held, secret, whole), out);
}

int mask_release(struct mask *mask, struct buf *out)
{
	return show_held(mask, mask->held.len, out);
}
