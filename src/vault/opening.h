/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/secret.h"
#include "wire/wire.h"

/*
 * How the vault comes to its keys, and how it gives them up. It is open or it is sealed; sealed it
 * knows why, and what would open it. `sallyport seal` leaves the file `sealed` beside the keyring:
 * with it the vault stays sealed through every restart, whatever could open it by itself.
 *
 * After a wrong passphrase or PIN the next is looked at only after a while, which doubles.
 */
#define OPENING_FREE_TRIES 2 /* anybody mistypes once */
#define OPENING_WAIT_MOST_MS 60000

struct vault;

struct opening {
	int why;                     /* while sealed: -ERR_... */
	int root_key, root_key_next; /* given by the service manager; -1 */
	bool starting;               /* the loop runs until a token has answered */
	unsigned wrong;              /* in a row */
	uint64_t not_before;         /* monotonic: when the next try is looked at */
};

/* At the start, with the process's channel to its supervisor: as far as nobody need be asked. */
void opening_start(struct vault *vault);
/* Was it sealed by command while it was another's? Then it is sealed here too. */
void opening_look(struct vault *vault);
/* The next try to open it is looked at after so many milliseconds. */
uint32_t opening_wait(const struct opening *opening);
/* What would open it. */
enum vault_wants opening_wants(const struct vault *vault);

/* UNSEAL; its secret, when it was a passphrase; VAULT_SEAL. */
int opening_answer_unseal(struct vault *vault, struct message *message);
int opening_passphrase(struct vault *vault, const struct secret *passphrase);
int opening_answer_seal(struct vault *vault, struct message *message);
