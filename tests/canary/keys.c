/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys VAULT [RECORDING..]: the keys of an installation as "name hex" lines, so that they can be
 * looked for where they should not be. A passphrase comes on standard input.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "vault/keyring.h"
#include "vault/source.h"
#include "wire/recording.h"
#include "wire/recording_key.h"

static void say(const char *name, unsigned number, const uint8_t *bytes, size_t len)
{
	char hex[129];

	hex_encode(hex, bytes, len);
	printf("%s-%u %s\n", name, number, hex);
}

static void recording_say(const struct keyring *keyring, const char *path, unsigned number)
{
	static uint8_t bytes[RECORDING_HEADER_MAX];
	static struct recording_header header;
	uint8_t head[HASH_LEN], public_key[32], key[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);

	fd_closep(&fd);
	if (len <= 0 || recording_header_read(bytes, (size_t)len, &header, head) <= 0 ||
		keyring_recording_public(keyring, header.key_version, public_key) < 0 ||
		recording_key_unwrap(header.session_id, header.wrapped, public_key,
			keyring_recording_secret(keyring, header.key_version), key) < 0)
		return;
	say("data key of recording", number, key, sizeof key);
}

static int open_it(struct keyring *keyring, int directory)
{
	CLEANUP(secret_destroyp) struct secret *passphrase = NULL;
	uint8_t material[ROOT_MATERIAL_LEN];

	if (keyring_lock(keyring)->source == SOURCE_ROOT_KEY)
		return source_root_key_open(directory, keyring);
	int r = secret_read(0, 1, &passphrase);
	if (r == 0)
		r = source_passphrase(keyring_lock(keyring), passphrase, material);
	return r < 0 ? r : keyring_open(keyring, material);
}

int main(int argc, char **argv)
{
	CLEANUP(keyring_destroyp) struct keyring *keyring = NULL;

	if (argc < 2 || sodium_init() < 0)
		return 2;
	int directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || keyring_load(directory, &keyring) < 0 ||
		open_it(keyring, directory) < 0)
		return 1;
	for (uint32_t i = 1; i <= keyring_newest(keyring); i++) {
		if (keyring_root(keyring, i) != NULL) /* or it was erased */
			say("root key", i, keyring_root(keyring, i), 32);
		say("recording secret", i, keyring_recording_secret(keyring, i), 32);
	}
	for (int i = 2; i < argc; i++)
		recording_say(keyring, argv[i], (unsigned)i - 1);
	return 0;
}
