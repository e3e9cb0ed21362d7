/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

#define FINGERPRINT_SIZE 52 /* with its NUL */

/* The form ssh-keygen -l shows: "SHA256:" and base64 without padding. */
const char *fingerprint_format(const uint8_t hash[HASH_LEN], char out[FINGERPRINT_SIZE]);
int fingerprint_parse(const char *text, uint8_t ret_hash[HASH_LEN]); /* -ERR_MALFORMED */
