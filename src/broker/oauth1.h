/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "wire/messages.h"
#include "wire/params.h"

/*
 * OAuth 1.0 (RFC 5849) as far as it is text: reading the parameters of the Authorization field or
 * the query, and building the signature base string. The signature is checked inside the vault.
 */
#define OAUTH1_PARAMS_MAX 16
#define OAUTH1_BASE_MAX (64 * 1024)

struct oauth1 {
	bool in_header;
	char consumer_key[64], token[64];
	char signature[64];
	char nonce[129];
	char body_hash[48]; /* "" when it was not sent */
	int64_t timestamp;  /* seconds */
	bool sha256;
	/* every oauth_ parameter but the signature, decoded: they are signed too */
	struct {
		char name[32];
		char value[160];
	} params[OAUTH1_PARAMS_MAX];
	unsigned param_count;
};

/* Does this call carry OAuth 1.0 parameters at all? */
bool oauth1_present(const struct msg_api_call *head, const struct param *params, unsigned count);
/*
 * Reads and checks what needs no key: methods, version, time (now in milliseconds, at most
 * OAUTH1_SKEW_S away), presence, body hash. -ERR_SIGNATURE_INVALID for anything else.
 */
#define OAUTH1_SKEW_S 300
int oauth1_read(struct oauth1 *ret_oauth, const struct msg_api_call *head,
	const struct param *params, unsigned count, int64_t now);
/* RFC 5849 section 3.4.1. */
int oauth1_base_string(const struct oauth1 *oauth, const struct msg_api_call *head,
	const struct param *params, unsigned count, struct buf *out);
