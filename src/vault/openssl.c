/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/openssl.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define SECURE_HEAP (256 * 1024) /* bytes for private numbers; a power of two */
#define SECURE_LEAST 32

static bool locked;

static void *take(size_t size, const char *file, int line)
{
	return malloc(size);
}

static void give_back(void *piece, const char *file, int line)
{
	if (piece == NULL)
		return;
	mem_wipe(piece, malloc_usable_size(piece));
	free(piece);
}

/* Never realloc(): it would leave the old place as it was. */
static void *resize(void *piece, size_t size, const char *file, int line)
{
	void *fresh = size > 0 ? malloc(size) : NULL;
	if (size > 0 && fresh == NULL)
		return NULL;
	if (piece != NULL && fresh != NULL)
		memcpy(fresh, piece, MIN(size, malloc_usable_size(piece)));
	give_back(piece, file, line);
	return fresh;
}

int openssl_wake(void)
{
	static const char *const digests[] = { "SHA1", "SHA256", "SHA384", "SHA512" };
	uint8_t bytes[EVP_MAX_MD_SIZE];
	const int len = sizeof bytes;
	int good = CRYPTO_set_mem_functions(take, resize, give_back) == 1 &&
		   OPENSSL_init_crypto(
			   OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
	locked = CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST) == 1;
	for (unsigned i = 0; i < ARRAY_LEN(digests); i++)
		good = good && EVP_Q_digest(NULL, digests[i], NULL, "", 0, bytes, NULL);
	return good && RAND_bytes(bytes, len) == 1 && RAND_priv_bytes(bytes, len) == 1
		       ? 0
		       : -ERR_CRYPTO;
}

bool openssl_locked(void)
{
	return locked;
}
