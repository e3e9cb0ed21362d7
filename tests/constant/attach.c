/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching: the stored hash of a person's cookie, and the challenges that were given out. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"

#define mem_equal_secret(a, b, len) verdict(mem_equal_secret(a, b, len))
#include "broker/attach.c"

static const char cookie[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

static int cookies(void)
{
	struct session_row row = { .state = SESSION_LIVE };
	struct address peer = { .family = 4 };
	char wrong[sizeof cookie];

	hash_token(row.cookie_hash, cookie, sizeof cookie - 1);
	SECRET(row.cookie_hash, sizeof row.cookie_hash);
	memcpy(wrong, cookie, sizeof wrong);
	wrong[40] ^= 1;
	return row_fits(&row, cookie, &peer) == 0 &&
			       row_fits(&row, wrong, &peer) == -ERR_ATTACH_REFUSED &&
			       row_fits(&row, "", &peer) == -ERR_ATTACH_REFUSED
		       ? 0
		       : 1;
}

static int challenges(void)
{
	struct session *session = calloc(1, sizeof *session);
	uint8_t bytes[32], wrong[32];

	memcpy(bytes, challenge_new(session)->bytes, 32);
	memcpy(wrong, bytes, 32);
	wrong[0] ^= 1;
	for (unsigned i = 0; i < CHALLENGES_MAX; i++)
		SECRET(session->challenges[i].bytes, 32);
	int r = !challenge_take(session, wrong) && challenge_take(session, bytes) &&
				!challenge_take(session, bytes)
			? 0
			: 1;
	free(session);
	return r;
}

int main(void)
{
	return cookies() + challenges();
}
