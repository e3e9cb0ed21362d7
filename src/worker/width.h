/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* How many columns a code point takes: 0 (it joins the one before, or is a control), 1 or 2. */
unsigned width_of(uint32_t code);
