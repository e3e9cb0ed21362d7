/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

/*
 * Names that are shown to people and written to logs: UTF-8 without control characters, without
 * characters that turn the direction of the text around, not empty, no blanks at the ends.
 */
bool name_fits(const char *name);
/* Letters, digits, '.', '-' and '_', beginning with a letter or a digit. */
bool hostname_fits(const char *hostname);
/* "USER@HOST": the last '@' divides, since account names may contain one. -ERR_MALFORMED. */
int account_split(
	const char *account, char ret_username[USERNAME_SIZE], char ret_hostname[HOSTNAME_SIZE]);
/* The row id or the 40 digits of a session. */
bool session_id_fits(const char *session_id);
