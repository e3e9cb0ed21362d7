/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/limits.h"
#include "store/store.h"

#define CONNECTIVITIES_MAX 16 /* of one device */

#define CONNECTIVITIES_SIZE (CONNECTIVITIES_MAX * (PROTOCOL_SIZE + 8))

struct connectivity {
	char protocol[PROTOCOL_SIZE]; /* lower case */
	uint16_t port;
};
/*
 * "SSH:22,RDP:3389"; without a port the protocol's own. Returns how many there are,
 * -ERR_PROTOCOL_INVALID or -ERR_PORT_INVALID. A device may be registered for protocols that this
 * build has no driver for.
 */
int connectivities_parse(const char *list, struct connectivity ret_list[CONNECTIVITIES_MAX]);
/* The protocol in lower case when it is one that a device can speak, else -ERR_PROTOCOL_INVALID. */
int protocol_parse(const char *word, char ret_protocol[PROTOCOL_SIZE]);
/* "SSH:22", as it is shown. */
const char *connectivity_format(const char *protocol, uint16_t port, char out[PROTOCOL_SIZE + 8]);
/* What a device speaks, in that form: "SSH:22,RDP:3389". */
int connectivities_text(struct store *store, int64_t device_id, char ret_list[CONNECTIVITIES_SIZE]);
