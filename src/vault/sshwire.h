/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * SSH's own data types (RFC 4251 section 5): big-endian numbers and counted strings. The reader
 * never copies and never goes past its end; a length is compared with what is left, not added to.
 */
struct sshwire {
	const uint8_t *at;
	size_t left;
};
struct sshspan {
	const uint8_t *bytes;
	size_t len;
};

#define SSHWIRE(bytes_, len_) ((struct sshwire){ .at = (bytes_), .left = (len_) })

/* All return 0 or -ERR_MALFORMED. */
int sshwire_byte(struct sshwire *wire, uint8_t *ret_value);
int sshwire_u32(struct sshwire *wire, uint32_t *ret_value);
int sshwire_string(struct sshwire *wire, struct sshspan *ret_span);
/* A string that must be exactly this word. */
int sshwire_word(struct sshwire *wire, const char *word);
/* A positive mpint in its shortest form; the span is without the leading zero. */
int sshwire_mpint(struct sshwire *wire, struct sshspan *ret_span);
bool sshspan_is(struct sshspan span, const char *word);
bool sshspan_equal(struct sshspan a, struct sshspan b);

int sshwire_put_byte(struct buf *out, uint8_t value);
int sshwire_put_u32(struct buf *out, uint32_t value);
int sshwire_put_string(struct buf *out, const void *bytes, size_t len);
int sshwire_put_word(struct buf *out, const char *word);
/* Big-endian magnitude, with or without leading zeros. */
int sshwire_put_mpint(struct buf *out, const uint8_t *bytes, size_t len);
