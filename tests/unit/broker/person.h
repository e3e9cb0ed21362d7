/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "house.h"

#include <openssl/evp.h>

/* A person with a browser's key, at the URL of a session whose target listens in this process. */
struct person {
	EVP_PKEY *key;
	struct msg_redeemed redeemed;
	int listener; /* the target */
};

/* Makes a session by the API; *redeem is what the page will ask. */
void person_open(struct house *house, struct person *person, struct msg_redeem *redeem);
/* The same, with further parameters of the call: "&remoteAddr=203.0.113.9". */
void person_open_with(
	struct house *house, struct person *person, struct msg_redeem *redeem, const char *params);
void person_close(struct person *person);
int person_redeem(struct house *house, struct person *person, const struct msg_redeem *ask);
/* Challenge and proof; 0 with the granted descriptor, an error, or 1: waits for the recording. */
int person_attach(struct house *house, struct person *person, const char *from, int *ret_fd,
	void (*spoil)(struct msg_prove *));
/* From the opened URL to a released secret, with every message checked. Returns the row id. */
int64_t person_bring_up(struct house *house, struct person *person, const struct msg_redeem *ask);
/* The same for one whose URL is opened here: the secret is released, and live. */
int64_t person_arrive(struct house *house, struct person *person);
int64_t person_go_live(struct house *house, struct person *person);
/* What recorder and supervisor say. */
void person_moved(struct house *house, int64_t id, enum view_state state, int why);
void person_sealed(struct house *house, int64_t id);
void person_exited(struct house *house, int64_t id);
void person_close_fds(struct house_message *message);
struct session_row person_row(struct house *house, int64_t id);
