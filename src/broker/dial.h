/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/address.h"
#include "base/loop.h"

/*
 * Connects to one registered address without waiting, and never reads a byte of it. fn is called
 * once, never from inside dial_start(): r 0 and a connected, non-blocking descriptor that is fn's,
 * or -ERR_TARGET_UNREACHABLE, -ERR_TARGET_SILENT, -ERR_ADDRESS_FORBIDDEN.
 */
struct dial;
typedef void dial_fn(void *context, int r, int fd);
struct dial_own {               /* where we listen ourselves: no target */
	struct address address; /* family 0: any address of this host */
	uint16_t port;
};
int dial_start(struct loop *loop, const struct address *address, uint16_t port, unsigned ms,
	const struct dial_own *own, dial_fn *fn, void *context, struct dial **ret_dial);
void dial_cancel(struct dial *dial); /* fn is not called; NULL is fine */

/* "127.0.0.1:8443", "[::]:443" as the setting gateway.listen has it. */
struct dial_own dial_own_from(const char *listen);
