/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"
#include "base/secret.h"

/*
 * Takes in a secret from a descriptor somebody passed, to its end, without ever waiting for that
 * somebody: the vault has sessions to serve. Pipes, sockets and regular files; the writer must
 * finish within INTAKE_MS.
 */
#define INTAKE_MS 3000

struct intake;
/* secret is the function's to destroy; NULL when r is an error (-ERR_TIMED_OUT, -ERR_TOO_LARGE,
 * -ERR_PARAMETER_INVALID for an empty one). The intake is gone. */
typedef void intake_fn(void *context, int r, struct secret *secret);

/*
 * Takes ownership of fd. strip_newline removes one newline at the end, as people pipe them in. fn
 * is called from the loop, never from here. On failure (negative) fn is not called.
 */
int intake_create(struct loop *loop, int fd, bool strip_newline, intake_fn *fn, void *context,
	struct intake **ret_intake);
void intake_destroy(struct intake *intake); /* gives up: fn is not called; NULL is fine */
/* Writes a few bytes that must not be lost half-way: all of them at once, or -ERR_CLOSED. */
int intake_pour(int fd, const void *bytes, size_t len);
