/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens, client secrets, cookies and tickets: hashed, then compared or looked up by hash.
 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "check.h"

int main(void)
{
	char token[64];
	uint8_t hash[HASH_LEN], stored[HASH_LEN];

	memset(token, 'a', sizeof token);
	SECRET(token, sizeof token);
	hash_token(hash, token, sizeof token);
	hash_token(stored, token, sizeof token);
	if (!verdict(mem_equal_secret(hash, stored, HASH_LEN)))
		return 1;
	stored[31] ^= 1;
	if (verdict(mem_equal_secret(hash, stored, HASH_LEN)))
		return 1;
	hash_sha256(hash, token, sizeof token);
	mem_wipe(token, sizeof token);
	return 0;
}
