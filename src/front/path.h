/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

/*
 * The one form of a path that everything behind the front sees: percent-decoded once, ASCII in
 * lower case, without its one tolerated trailing slash. Empty segments, dot segments, encoded
 * slashes, control characters and what is not UTF-8 are refused, not resolved.
 * Returns its length, -ERR_MALFORMED, or -ERR_TOO_LARGE when out[size] cannot hold it.
 */
int path_canonical(char *out, size_t size, const char *raw, size_t len);
/* The same in the letter case it was sent in: names of accounts have one. */
int path_decoded(char *out, size_t size, const char *raw, size_t len);

/* "/session/<40 hex digits><rest>": copies the id. */
bool path_session(const char *path, const char *rest, char ret_session[SESSION_ID_SIZE]);
