/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The vault's small files, whole: keys and marks. A name is beneath the directory and never a
 * symbolic link.
 */

/*
 * Reads a regular file of less than `size` bytes and returns its length: callers ask for one byte
 * more than they want. -ERR_NOT_FOUND, -ERR_TOO_LARGE, -ERR_SYSTEM; private: -ERR_NOT_AUTHORIZED
 * when others than its owner may read it.
 */
int file_read(int directory, const char *name, bool private, uint8_t *out, size_t size);
/* A new file, mode 0600, synced with its directory. -ERR_EXISTS, -ERR_SYSTEM. */
int file_make(int directory, const char *name, const void *bytes, size_t len);
/*
 * Synced under the other name `fresh` first, then renamed: whoever crashes here leaves the old file
 * or the new one. -ERR_SYSTEM: the old one is in place. -ERR_DISK: one of them is.
 */
int file_replace(int directory, const char *name, const char *fresh, const void *bytes, size_t len);
/* Both synced. A file that is not there is not there. -ERR_SYSTEM. */
int file_remove(int directory, const char *name);
int file_move(int directory, const char *from, const char *to);
