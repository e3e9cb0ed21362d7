/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sodium.h>

#include "vault/keyring.h"

/* The inside of a keyring: for keyring.c and keyring_file.c. */
#define KEY_LEN 32

struct version {
	uint32_t number;
	bool erased;
	int64_t made;
	uint8_t root[KEY_LEN];
	uint8_t recording_secret[KEY_LEN];
};

/* One piece of guarded memory: its pages are few and each allocation costs whole ones. */
struct keys {
	uint8_t master[KEY_LEN];
	uint8_t former[KEY_LEN]; /* master key, while a rotation may still fail */
	uint8_t installation_seed[KEY_LEN];
	uint8_t installation_secret[crypto_sign_SECRETKEYBYTES];
	struct version versions[KEYRING_VERSIONS_MAX];
	uint8_t body[KEYRING_SCRATCH]; /* while it is being sealed or opened; keyring_scratch() */
};

struct keyring {
	struct keyring_lock lock;
	uint8_t installation_id[KEYRING_ID_LEN];
	uint8_t installation_public[32];
	uint32_t count; /* versions */
	bool sealed;
	uint8_t *file; /* as it lies on disk: what is opened again after it was sealed */
	size_t file_len;
	struct keys *keys;
};

/* keyring_file.c */
int keyring_file_read(struct keyring *keyring, int directory);
/* Opens what was read with keys->master. -ERR_CRYPTO, -ERR_MALFORMED. */
int keyring_file_open(struct keyring *keyring);
int keyring_file_write(struct keyring *keyring, int directory); /* keyring_rotate()'s errors */
