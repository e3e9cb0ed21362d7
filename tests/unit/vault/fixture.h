/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "vault/keyring.h"
#include "vault/source.h"
#include "wire/messages.h"
#include "wire/releases.h"

/* A directory of its own for each test; left empty-handed by fixture_finish(). */
struct fixture {
	char path[64];
	int directory;
	struct keyring *keyring;
};

void fixture_begin(struct fixture *fixture);        /* an empty directory */
void fixture_installation(struct fixture *fixture); /* with root.key and an open keyring */
void fixture_keyring(struct fixture *fixture);      /* the same in a directory that is there */
struct keyring *fixture_open(const struct fixture *fixture); /* as it lies there, by root.key */
void fixture_finish(struct fixture *fixture);                /* removes the files */

/* Files in the fixture's directory. */
size_t fixture_read(const struct fixture *fixture, const char *name, void *out, size_t size);
void fixture_write(const struct fixture *fixture, const char *name, const void *bytes, size_t len,
	mode_t mode);
bool fixture_has(const struct fixture *fixture, const char *name);

/* The log of releases, all its files: 0 and how many lines; -ERR_CRYPTO and the first wrong one. */
int fixture_log_check(
	const struct fixture *fixture, const uint8_t installation_public[32], uint64_t *ret_line);
struct identity fixture_identity(int64_t id, int64_t version);
/*
 * What a key exchange with the host of that key hashes; its SHA-256 names the session. And the
 * key's pin.
 */
#define FIXTURE_HOST "the blob of a host key"
void fixture_exchange(struct buf *out, const char *host);
void fixture_session(const char *host, uint8_t ret_name[32]);
void fixture_pin(const char *host, uint8_t ret_pin[HASH_LEN]);
/* What a worker says: the pin of a password; a host's pin and an exchange with that or another one;
 * the wish for a login to be signed, in the session with that host. */
void fixture_put_pin(struct buf *out, const uint8_t pin[HASH_LEN]);
void fixture_put_exchange(struct buf *out, const char *host, const char *shown);
void fixture_put_login(struct buf *out, const char *host, const char *username,
	const char *algorithm, const uint8_t *blob, size_t len);
/* Runs a program from PATH in the fixture's directory; input may be NULL; its exit status. */
int fixture_run(const struct fixture *fixture, const char *input, const char *const *argv);
/* Begins a fixture whose directory holds key and key.pub, made by ssh-keygen; format may be NULL.
 */
void fixture_keygen(struct fixture *fixture, const char *type, const char *bits, const char *format,
	const char *passphrase);
/* A full disk, as far as this process sees: no file may grow beyond this. RLIM_INFINITY lifts it.
 */
void fixture_file_limit(unsigned long bytes);
