/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../store/fixture.h"
#include "desk.h"

#define PASSPHRASE "horse battery"
#define BEGUN "{\"response\":{},\"backup\":{\"store\":\"sqlite\"}}"

/*
 * The desk's directory as an installation with a store that is in use, its gateway played; and the
 * passphrase in the file `passphrase`. Whoever made it closes the store.
 */
static inline struct store *installation_make(struct desk *desk)
{
	static const char *const rooms[] = { "tls", "vault", "recordings", "store", "out" };
	struct store *store;
	char path[128];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(path, sizeof path, "%s/%s", desk->directory, rooms[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof path, "%s/store", desk->directory);
	assert_int_equal(store_open("sqlite", path, &store), 0);
	struct fixture fixture = { .store = store };
	fixture_fill(&fixture);
	desk_file(desk, "vault/keyring", "SALLYKEY and more");
	desk_file(desk, "tls/key.pem", "a key");
	desk_file(desk, "recordings/one.rec", "shown");
	desk_file(desk, "recordings/reserve", "room");
	desk_file(desk, "installation.pem", "public");
	desk_file(desk, "sallyport.conf", "");
	desk_file(desk, "passphrase", PASSPHRASE "\n");
	desk_gateway(desk);
	desk->answers[0] = BEGUN;
	return store;
}

static inline const char *installation_path(const struct desk *desk, const char *name)
{
	static char paths[4][192];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", desk->directory, name);
	return path;
}

static inline bool installation_has(const struct desk *desk, const char *name)
{
	struct stat stat;

	return lstat(installation_path(desk, name), &stat) == 0;
}

/* sallyport WORDS out/FILE, with the passphrase from its file and one more word or NULL. */
static inline int installation_backup(struct desk *desk, const char *file, const char *word)
{
	return desk_run(desk, "backup", installation_path(desk, file), "--passphrase-file",
		installation_path(desk, "passphrase"), word, NULL);
}
