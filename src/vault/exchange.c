/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/exchange.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

int exchange_read(struct sshspan bytes, const uint8_t pin[HASH_LEN], struct exchange *ret_exchange)
{
	struct sshwire wire = SSHWIRE(bytes.bytes, bytes.len);
	struct sshspan part;
	uint8_t hash[HASH_LEN];
	for (unsigned i = 0; i < 5; i++)
		if (sshwire_string(&wire, &part) < 0)
			return -ERR_MALFORMED;
	if (wire.left == 0) /* the numbers, which nobody but the two can make up */
		return -ERR_MALFORMED;
	hash_sha256(hash, part.bytes, part.len);
	if (memcmp(hash, pin, HASH_LEN) != 0)
		return -ERR_HOST_KEY_CHANGED;
	if (EVP_Q_digest(NULL, "SHA256", NULL, bytes.bytes, bytes.len, ret_exchange->sha256,
		    NULL) != 1 ||
		EVP_Q_digest(NULL, "SHA384", NULL, bytes.bytes, bytes.len, ret_exchange->sha384,
			NULL) != 1 ||
		EVP_Q_digest(NULL, "SHA512", NULL, bytes.bytes, bytes.len, ret_exchange->sha512,
			NULL) != 1)
		return -ERR_CRYPTO;
	return 0;
}

bool exchange_made(const struct exchange *exchange, struct sshspan session)
{
	switch (session.len) {
	case sizeof exchange->sha256:
		return memcmp(session.bytes, exchange->sha256, session.len) == 0;
	case sizeof exchange->sha384:
		return memcmp(session.bytes, exchange->sha384, session.len) == 0;
	case sizeof exchange->sha512:
		return memcmp(session.bytes, exchange->sha512, session.len) == 0;
	default:
		return false;
	}
}
