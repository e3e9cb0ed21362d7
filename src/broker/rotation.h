/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/broker.h"
#include "store/store.h"
#include "wire/messages.h"

/*
 * After the vault has a new root key, every stored secret is brought under it, a few at a time
 * beside everything else, and when the last one is on disk the vault is told to erase the old keys.
 * Nothing is kept about how far it came: the envelopes know their keys and the vault knows its
 * oldest, so whoever is killed, it goes on where it was.
 */
#define ROTATION_STEP 16      /* envelopes brought over in one turn of the loop */
#define ROTATION_PAUSE_MS 2   /* before the next few: others are served */
#define ROTATION_AGAIN_MS 500 /* after something that passes by itself */

struct rotation {
	struct timer *timer;
	struct envelope_cursor cursor;
	uint32_t goal;             /* the version everything is brought under; 0: nothing to do */
	uint32_t serial;           /* of RETIRE, while it is asked */
	uint64_t rewrapped, stuck; /* in this walk; stuck: the vault cannot open them */
};

/* The vault's state was heard: is there something to do? */
void rotation_look(struct broker *broker);
/* Is it the vault's answer to a question of ours? Asked before the state is looked at. */
bool rotation_heard(struct broker *broker, uint32_t serial, const struct msg_vault_state *state);
/* Without the vault there is nobody to ask. */
void rotation_stop(struct broker *broker);

struct rotation_progress {
	bool going;    /* old root keys are still there */
	int64_t left;  /* envelopes under them */
	int64_t stuck; /* of those: cannot be opened, and hold their keys back */
};
int rotation_progress(struct broker *broker, struct rotation_progress *ret_progress);
