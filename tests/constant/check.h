/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <valgrind/memcheck.h>

/*
 * Under memcheck a secret is memory without a value: a branch or an address that depends on it is
 * reported. What everybody may know in the end, the verdict, gets its value back where it is said.
 */
#define SECRET(place, len) VALGRIND_MAKE_MEM_UNDEFINED(place, len)
#define PUBLIC(place, len) VALGRIND_MAKE_MEM_DEFINED(place, len)

static inline int verdict(int r)
{
	PUBLIC(&r, sizeof r);
	return r;
}
