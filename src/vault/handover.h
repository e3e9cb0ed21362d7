/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/loop.h"
#include "vault/keyring.h"

/*
 * How a vault that takes another's place gets the master key: from that vault, over a socket pair
 * that the supervisor made for the two of them and keeps no end of. A vault that was open stays
 * open, wherever its key once came from.
 *
 * The new one asks: wire format, installation, and a public key made for this one question. The old
 * one answers when all of it is its own and the kernel says that the asker runs under its uid; the
 * master key is sealed to the asker's key (crypto_box_seal), so that whoever else reads the socket
 * has nothing. One question, one answer, one packet each.
 */
#define HANDOVER_MS 3000

/* The new vault: 0 and the open keyring of the directory. -ERR_SEALED: the old one is not open. */
int handover_ask(int fd, const struct keyring *mine, int directory, struct keyring **ret_keyring);

/* The old vault: answers when it is asked. Until the asker is gone nothing may change the keys. */
struct handover;
int handover_create(struct loop *loop, int fd, const struct keyring *keyring,
	struct handover **ret_handover);                  /* takes fd, always */
void handover_destroy(struct handover *handover);         /* NULL is fine */
bool handover_under_way(const struct handover *handover); /* false for NULL, and when he is gone */
