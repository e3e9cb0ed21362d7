/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * OpenSSL as the vault uses it: what it gives back of its memory is wiped, since it reads private
 * keys through buffers that it only frees; the numbers of private keys lie in its own locked heap.
 */

/*
 * Before anything else of OpenSSL. It looks for its configuration, modules and random source when
 * it is first used: all of that happens here, because the sandbox would kill it later.
 * -ERR_CRYPTO: it does not work.
 */
int openssl_wake(void);
/* False: the limit on locked memory was too low for the heap of private keys. */
bool openssl_locked(void);
