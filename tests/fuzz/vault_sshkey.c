/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key file is text from anyone. The first byte chooses: the text as it is, or the bytes of an
 * OpenSSH container, put into its armor. What is proved must be able to sign.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "vault/sshkey.h"

static size_t armor(const uint8_t *data, size_t size, char *out, size_t room)
{
	char *digits = malloc(BASE64_SIZE(size));
	base64_encode(digits, data, size);
	int len = snprintf(out, room,
		"-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n",
		digits);
	free(digits);
	return len < 0 || (size_t)len >= room ? 0 : (size_t)len;
}

static void use(const struct sshkey *key)
{
	CLEANUP(buf_finish) struct buf out = BUF(SSHKEY_SIGNATURE_MAX);
	char words[REASON_SIZE];
	size_t len;
	uint32_t flags = strcmp(sshkey_type(key), "ssh-rsa") == 0 ? SSHKEY_FLAG_SHA256 : 0;
	assert(sshkey_blob(key, &len) != NULL && len > 0 && len <= SSHKEY_BLOB_MAX);
	sshkey_describe(key, words);
	assert(sshkey_algorithm(key, flags) != NULL);
	int proved = sshkey_prove(key);
	assert(proved == 0 || proved == -ERR_KEY_UNREADABLE);
	int r = sshkey_sign(key, flags, "x", 1, &out);
	assert(r == 0 || r == -ERR_CRYPTO);
	assert(proved < 0 || r == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(sshkey_destroyp) struct sshkey *key = NULL;
	char text[SECRET_MAX];
	if (size < 1 || size > SECRET_MAX / 2)
		return 0;
	size_t len = size - 1;
	if (data[0] & 1)
		len = armor(data + 1, size - 1, text, sizeof text);
	else
		memcpy(text, data + 1, len);
	struct secret *secret = secret_create(text, len);
	assert(secret != NULL);
	int r = sshkey_parse(secret, &key);
	assert(r == 0 || r == -ERR_KEY_UNREADABLE || r == -ERR_KEY_ENCRYPTED);
	if (r == 0)
		use(key);
	secret_destroy(secret);
	return 0;
}
