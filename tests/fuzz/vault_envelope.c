/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store holds envelopes, and who holds the store may write any bytes there. None may open that
 * this installation did not seal, and none may be read past its end.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "vault/envelope.h"

static struct keyring *keyring;

static void make_keyring(void)
{
	char path[] = "/tmp/sallyport-fuzz-XXXXXX";
	assert(mkdtemp(path) != NULL);
	int directory = open(path, O_RDONLY | O_DIRECTORY);
	static const struct keyring_lock lock = { .source = SOURCE_ROOT_KEY };
	static const uint8_t material[ROOT_MATERIAL_LEN] = "fuzz";
	int r = keyring_create(directory, &lock, material);
	if (r == 0)
		r = keyring_load(directory, &keyring);
	if (r == 0)
		r = keyring_open(keyring, material);
	assert(r == 0);
	unlinkat(directory, "keyring", 0);
	close(directory);
	rmdir(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity identity = { .object = "credential", .field = "content", .id = 1 };
	struct envelope_head head;
	struct secret *secret = NULL;
	uint8_t out[SEALED_MAX];
	size_t len;
	if (keyring == NULL)
		make_keyring();
	uint8_t *exact = malloc(size + 1); /* so that one byte too far is seen */
	memcpy(exact, data, size);
	int shape = envelope_inspect(exact, size, &head);
	int r = envelope_open(keyring, &identity, SECRET_PASSWORD, exact, size, &secret);
	assert(r < 0 && secret == NULL);
	assert(shape == 0 ? r == -ERR_CRYPTO : r == -ERR_MALFORMED);
	r = envelope_rewrap(keyring, &identity, SECRET_TOKEN, exact, size, out, &len);
	assert(r < 0);
	free(exact);
	return 0;
}
