/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "vault/vault.h"

/* What `sallyport init` passes: keys are made in the one process that ever holds them. */
#define DIRECTORY_FD 3
#define PASSPHRASE_FD 4 /* only when the installation is to start sealed */

/* SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 section 4) up to the key itself. */
static const uint8_t spki[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21,
	0x00 };

static int fail(const char *what, int r)
{
	fprintf(stderr, "sallyport-vault: %s: %s\n", what, error_text(r));
	return 1;
}

static int print_public(const struct keyring *keyring)
{
	uint8_t info[sizeof spki + 32];
	char text[BASE64_SIZE(sizeof info)];
	memcpy(info, spki, sizeof spki);
	memcpy(info + sizeof spki, keyring_installation_public(keyring), 32);
	base64_encode(text, info, sizeof info);
	printf("-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", text);
	return fflush(stdout) == 0 ? 0 : fail("standard output", -ERR_SYSTEM);
}

int vault_create(void)
{
	CLEANUP(secret_destroyp) struct secret *passphrase = NULL;
	CLEANUP(keyring_destroyp) struct keyring *keyring = NULL;
	int r = 0;
	if (fcntl(PASSPHRASE_FD, F_GETFD) >= 0) {
		r = secret_read(PASSPHRASE_FD, 1, &passphrase);
		if (r == 0 && secret_len(passphrase) == 0)
			r = -ERR_PARAMETER_MISSING;
	}
	if (r < 0)
		return fail("the passphrase", r);
	r = keyring_create(DIRECTORY_FD, passphrase);
	if (r < 0)
		return fail("the keyring", r);
	r = keyring_load(DIRECTORY_FD, &keyring);
	if (r == 0 && passphrase != NULL)
		r = keyring_unseal(keyring, passphrase); /* read back as it will be read later */
	if (r < 0)
		return fail("the new keyring", r);
	return print_public(keyring);
}
