/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vault/keyring.h"
#include "wire/messages.h"
#include "wire/releases.h"

/*
 * The vault's own log of everything it let go of: wire/releases.h, docs/formats/releases.md. One
 * JSON line each, signed by the installation key, holding the hash of the line before. A line is on
 * disk before the release happens; what cannot be written is not released.
 */
struct release_log {
	int directory, fd;
	uint64_t lines;    /* of all files: the sequence of the last one */
	uint64_t first;    /* sequence of the first line of this file */
	uint64_t released; /* since this vault started */
	uint8_t previous[HASH_LEN];
	off_t length; /* of this file */
	bool renamed; /* it is full and has another name, and there is no new one yet */
	bool failed;  /* what the disk has of the last line is not known: first it must go */
	void (*grown)(void *context); /* after each line; NULL: nobody wants to know */
	void *context;
};

struct release {
	const char *session_id;
	const char *what; /* "password", "key", "signature", "recording" */
	const char *target, *username;
	const struct identity *identity; /* NULL: none */
	const uint8_t *host_key; /* the pin the worker named; NULL: the protocol proves nothing */
};

/*
 * Opens or makes the log in the directory, which stays the caller's, and finds its end. What a
 * crash left half written is cut off: that release never happened. ret_intact is false when the
 * last line is not signed by this installation: somebody changed it. The log goes on after it, so
 * that the trace stays.
 */
int release_log_open(struct release_log *log, int directory, const uint8_t installation_public[32],
	bool *ret_intact);
void release_log_close(struct release_log *log);
/*
 * 0 when the line is on disk. -ERR_SEALED, -ERR_RELEASES_DISK: what the disk may have of it is
 * taken back, at once or before the next line.
 */
int release_log_write(
	struct release_log *log, const struct keyring *keyring, const struct release *release);
/* How long it is, and the signature that says so: for a witness. Unsigned while sealed. */
void release_log_head(const struct release_log *log, const struct keyring *keyring,
	struct msg_releases_head *ret_head);
