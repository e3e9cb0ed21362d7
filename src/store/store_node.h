/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/store.h"

/*
 * Of a server's store: several gateways may be at it, each with a name, and one of a name. What
 * each writes into the trail is a trail of its own, chosen by store_node_set(); 0, and the only one
 * of an embedded store, is how a store is opened.
 */
bool store_shared(const struct store *store);
struct node_row {
	int64_t id;
	char name[HOSTNAME_SIZE];
	int64_t seen_at, gone_at;
};
/* The setting node.name, or the host's name. */
void store_node_name(const char *setting, char ret_name[HOSTNAME_SIZE]);
void store_node_set(struct store *store, int64_t node);
int store_claim(struct store *store); /* -ERR_STORE_TAKEN: somebody has this node */
int store_node_enter(struct store *store, const char *name, int64_t now, int64_t *ret_node);
int store_node_seen(struct store *store, int64_t now); /* NOT_FOUND: it was said to be gone */
int store_node_leave(struct store *store, int64_t now);
int store_node_list(
	struct store *store, int (*keep)(void *, const struct node_row *), void *context);
/* Those not seen since, which are gone from now on. */
int store_node_lost(struct store *store, int64_t now, int64_t seen_before,
	int (*keep)(void *, const struct node_row *), void *context);
/* Printable words, fewer than STORE_WORDS: the others hear them with the commit, or never. */
#define STORE_WORDS 2048
int store_tell(struct store *store, const char *words);
/* What others said since. */
void store_hear(struct store *store, void (*fn)(void *, const char *words), void *context);

/* Opened on this node, and not ended. */
int store_session_open_on(struct store *store, int64_t node,
	int (*keep)(void *, const struct session_row *), void *context);
int store_session_node(struct store *store, int64_t id, int64_t *ret_node);
/* One in CREATED stays that until the end of the transaction; else -ERR_WRONG_MOMENT. */
int store_session_hold(struct store *store, int64_t id);
/* What one node asks of another: an end. Asked once, until it is done. */
struct ending_row {
	int64_t session, node;
	int32_t why;
	char reason[REASON_SIZE], actor[NAME_SIZE], origin[ADDRESS_SIZE];
};
int store_ending_ask(struct store *store, const struct ending_row *ending, int64_t now);
int store_ending_list(struct store *store, unsigned limit,
	int (*keep)(void *, const struct ending_row *), void *context); /* of our node */
int store_ending_asked(struct store *store, int64_t session);           /* 1, 0 or an error */
int store_ending_done(struct store *store, int64_t session);
