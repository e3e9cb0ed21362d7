/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keyring that somebody put there: it is read before any key is known, so its head may say what
 * it likes. Nothing opens that this installation did not write.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "vault/keyring.h"

static int directory = -1;
static char path[] = "/tmp/sallyport-fuzz-XXXXXX";

static void remove_directory(void)
{
	unlinkat(directory, "keyring", 0);
	rmdir(path);
}

static void make_directory(void)
{
	assert(mkdtemp(path) != NULL);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(directory >= 0);
	atexit(remove_directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t material[ROOT_MATERIAL_LEN] = "fuzz";
	struct keyring *keyring = NULL;
	if (directory < 0)
		make_directory();
	int fd = openat(directory, "keyring", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
	int r = keyring_load(directory, &keyring);
	if (r == 0) {
		const struct keyring_lock *lock = keyring_lock(keyring);
		assert(lock->wrapped_len <= WRAPPED_MAX && lock->memory <= 1u << 30);
		assert(lock->source >= SOURCE_ROOT_KEY && lock->source <= SOURCE_TOKEN);
		r = keyring_open(keyring, material);
		assert(r == -ERR_CRYPTO && keyring_sealed(keyring));
	}
	keyring_destroy(keyring);
	return 0;
}
