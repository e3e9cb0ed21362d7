/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire/wire.h"

/*
 * The other processes this broker has a channel to. Of each kind one takes what is new; beside it
 * there may be older ones, which `sallyport reload` retired and which finish what they have.
 */
struct broker;

struct peer {
	struct peer *next;
	struct broker *broker;
	enum party party;
	uint32_t generation;
	bool retired; /* takes nothing new */
	bool listing; /* a recorder that has yet to say all it has */
	struct channel *channel;
	uint64_t number; /* from 1; nobody else has had it */
};

#define RETIRE_MS 2000 /* for fronts to read their last answers, and for a probe to end */

/* For process_on_peer(): a peer, at the start or after it was started again. */
void peers_meet(void *context, const struct msg_peer *peer, int fd);
void peers_finish(struct broker *broker);
/* The peer at the other end; NULL: that channel is history. */
struct peer *peer_of(const struct broker *broker, const struct channel *channel);
/* What waits names a peer by its number: an address may be somebody else's by then. 0: none. */
uint64_t peer_number(const struct broker *broker, const struct channel *channel);
struct channel *peer_numbered(const struct broker *broker, uint64_t number); /* NULL: history */
unsigned peers_count(const struct broker *broker, enum party party);
void peers_tell(struct broker *broker, enum party party, enum msg_type type, const void *payload);
/* For process_on_retire(): another broker opens the store when this one has ended. */
void peers_retire(void *context);
/* Every turn: one that retires and has answered everything ends. */
void peers_look(struct broker *broker);
