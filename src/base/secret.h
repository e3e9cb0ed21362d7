/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * An open secret. Opaque, so that nothing can print, compare or copy one by accident; its memory is
 * guarded, locked where the limit allows, and wiped on destroy.
 */
struct secret;

struct secret *secret_create(const void *bytes, size_t len); /* copies; NULL without memory */
/*
 * Reads until end of file, at most SECRET_MAX bytes (-ERR_TOO_LARGE). Does not close. strip_newline
 * removes one trailing newline: secrets that people pipe in.
 */
int secret_read(int fd, int strip_newline, struct secret **ret_secret);
size_t secret_len(const struct secret *secret);
/* The one exit: NUL-terminated. Files that call it are listed in tests/house/secrets. */
const char *secret_reveal(const struct secret *secret);
void secret_destroy(struct secret *secret); /* wipes; NULL is fine */
void secret_destroyp(struct secret **secret);
