/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fingerprint.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"

#define PREFIX "SHA256:"
#define DIGITS 43 /* base64 of 32 bytes, without its one '=' */

const char *fingerprint_format(const uint8_t hash[HASH_LEN], char out[FINGERPRINT_SIZE])
{
	char digits[BASE64_SIZE(HASH_LEN)];
	base64_encode(digits, hash, HASH_LEN);
	snprintf(out, FINGERPRINT_SIZE, PREFIX "%.*s", DIGITS, digits);
	return out;
}

int fingerprint_parse(const char *text, uint8_t ret_hash[HASH_LEN])
{
	char digits[BASE64_SIZE(HASH_LEN)];
	uint8_t hash[HASH_LEN];
	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 || strlen(text) != strlen(PREFIX) + DIGITS)
		return -ERR_MALFORMED;
	snprintf(digits, sizeof digits, "%s=", text + strlen(PREFIX));
	if (base64_decode(hash, sizeof hash, digits, strlen(digits)) != HASH_LEN)
		return -ERR_MALFORMED;
	memcpy(ret_hash, hash, HASH_LEN);
	return 0;
}
