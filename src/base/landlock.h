/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * Landlock by its system calls, because the kernel headers of the oldest distribution know only
 * its first rights. What the running kernel does not know is left away.
 */
#define LANDLOCK_EXECUTE (UINT64_C(1) << 0)
#define LANDLOCK_WRITE_FILE (UINT64_C(1) << 1)
#define LANDLOCK_READ_FILE (UINT64_C(1) << 2)
#define LANDLOCK_READ_DIR (UINT64_C(1) << 3)
#define LANDLOCK_REMOVE_FILE (UINT64_C(1) << 5)
#define LANDLOCK_MAKE_REG (UINT64_C(1) << 8)
#define LANDLOCK_TRUNCATE (UINT64_C(1) << 14)
#define LANDLOCK_BIND_TCP (UINT64_C(1) << 0)
#define LANDLOCK_CONNECT_TCP (UINT64_C(1) << 1)

struct landlock_path {
	int dir;
	uint64_t rights;
};

/* What the kernel offers: 0 for none. */
int landlock_version(void);
/*
 * Shuts the calling thread in: of files only `paths`, of TCP only net_free (the rights that stay
 * free), no signal and no abstract socket of anyone outside. Needs no_new_privs. -ERR_SYSTEM.
 */
int landlock_enter(const struct landlock_path *paths, unsigned count, uint64_t net_free);
