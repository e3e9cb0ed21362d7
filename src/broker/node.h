/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "store/store_node.h"

/*
 * Several gateways on one store (store_shared()): each is a node with a name, a trail of its own
 * and the sessions that were opened on it. What one wants of another's session it writes down and
 * says so (NOTIFY); whoever it is for looks then, and every NODE_LOOK_MS in any case. A node is
 * there as long as it renews its lease; one that did not for node.lease is gone, and whoever sees
 * it first ends its sessions on record. It learns that by its lease, and begins anew.
 *
 * On an embedded store all of this does nothing.
 */
#define NODE_LOOK_MS 1000
#define NODE_LEASE_MS 5000 /* between two renewals */
#define NODE_FAILURES 32   /* failed logins that wait to be told; more are not */

struct broker;
struct moving;
struct node {
	bool shared;
	char name[HOSTNAME_SIZE];
	int64_t id;
	uint64_t look_at, renew_at; /* monotonic */
	unsigned failure_count;
	struct {
		char client[LOGIN_SIZE];
		struct address address;
	} failures[NODE_FAILURES];
};

int node_enter(struct broker *broker); /* once the store is open, before anything is read */
void node_tick(struct broker *broker);
void node_heard(struct broker *broker); /* the store has news: perhaps of another */
void node_leave(struct broker *broker); /* in order; in an open turn */

/* 1: nobody else is there now; 0 or an error. */
int node_alone(struct broker *broker);

/* Somebody failed to authenticate: the others count it too. Told with the commit, by node_say(). */
void node_failed(struct broker *broker, const char *client, const struct address *address);
void node_say(struct broker *broker); /* turn.c, before the commit */

/* A session that lives on another node: 1, 0 or an error. */
int node_elsewhere(struct broker *broker, const struct session_row *row);
/* Asks its node to end it; in an open turn. */
int node_ask_end(struct broker *broker, const struct session_row *row, const struct moving *moving);
/* Whether that was asked already. */
bool node_asked(struct broker *broker, const struct session_row *row);
