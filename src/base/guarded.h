/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory for keys and open secrets. Each piece lies in pages of its own, its end at the end of the
 * last one: between two pages that cannot be touched, never swapped, in no core file, not there in
 * a child. After guarded_hide() the pages are secret memory (memfd_secret) as well, which the
 * kernel takes out of its own map: neither a debugger nor /proc/PID/mem nor a bug elsewhere in the
 * kernel's reading reaches it.
 */
void *guarded_create(size_t size);  /* zeros, aligned for any type; NULL without memory */
void guarded_destroy(void *memory); /* wipes; NULL is fine */
/*
 * From now on in secret memory. False when the kernel has none (older than 5.14, or it was started
 * with secretmem.enable=0) or the limit on locked memory is too low: nothing changes then.
 */
bool guarded_hide(void);
bool guarded_locked(void); /* false: the limit on locked memory was too low for some of it */
