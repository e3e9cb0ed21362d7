/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A character set goes by the byte that designates it; ASCII is the one that changes nothing. */
#define CHARSET_ASCII 'B'

bool charset_known(uint8_t designator);
uint32_t charset_translate(uint8_t designator, uint32_t code);
