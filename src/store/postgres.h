/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/backend.h"

/* The ways to open a PostgreSQL store beside that of every backend. */
struct way;
int postgres_open_by(const struct way *way, bool only_read, void **ret_connection);
int postgres_open_read(const char *where, const char *directory, void **ret_connection);
