/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * What both sides of the first key exchange hashed, for the vault (vault/exchange.h). libssh has no
 * call for it; it lets OpenSSL hash these bytes in one piece, and this file answers for that
 * function in this executable.
 */
void exchange_watch(void); /* the next one is kept */
/* NULL: none was seen, or one over EXCHANGE_MAX. Valid until exchange_forget(). */
const void *exchange_kept(size_t *ret_len);
void exchange_forget(void); /* wipes: the keys of the session can be computed from it */
