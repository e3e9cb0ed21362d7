/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* The one random source: the kernel's. Waits until it is ready; never fails (aborts instead). */
void random_bytes(void *bytes, size_t len);
/* 2 * bytes hex digits and a NUL. */
void random_hex(char *out, size_t bytes);
