/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* Little-endian numbers of the vault's own formats (envelope, keyring). */
static inline void bytes_put32(uint8_t *out, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static inline void bytes_put64(uint8_t *out, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t bytes_get32(const uint8_t *in)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < 4; i++)
		value |= (uint32_t)in[i] << (8 * i);
	return value;
}

static inline uint64_t bytes_get64(const uint8_t *in)
{
	return bytes_get32(in) | (uint64_t)bytes_get32(in + 4) << 32;
}
