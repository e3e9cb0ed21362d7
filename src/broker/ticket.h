/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

struct broker;

/*
 * The value of a session URL: base64 of "rbs:" and base64 of a handle of 96 bytes (handle.h), 176
 * characters, safe in a query as it stands. Only its hash is kept.
 */
#define TICKET_RANDOM 96
#define TICKET_LEN 176
void ticket_make(const struct broker *broker, const char *session_id, char value[TICKET_LEN + 1],
	uint8_t ret_hash[HASH_LEN]);
/* -ERR_TICKET_REFUSED: not what a ticket looks like; ret_hash is a hash all the same. */
int ticket_hash(const struct broker *broker, const char *value, uint8_t ret_hash[HASH_LEN]);

struct channel;
struct message;
/* TICKET_REDEEM: one conditional UPDATE decides; the answer leaves after the commit. */
int ticket_redeem(struct broker *broker, struct channel *front, struct message *message);
