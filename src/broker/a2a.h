/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call_inside.h"

/*
 * Who calls: an application by one of its authorizations, proved by a Bearer token (RFC 6750) or an
 * OAuth 1.0 signature. Fills call->principal and call->actor. Failed proofs count against client
 * and address; -ERR_THROTTLED sets the Retry-After line.
 */
int a2a_identify(struct broker *broker, struct call *call);
/* May it do this, from here, now: rights, address, referer, expiry, status. */
struct authorization_row;
int a2a_allowed(
	const struct authorization_row *authorization, const struct address *address, int64_t now);
int a2a_admits(const struct call *call, const struct authorization_row *authorization);
int a2a_rights(const struct call *call);
/*
 * What a token is looked up by when its authorization asks for a certificate: with another one, or
 * with none, it is no token (RFC 8705 section 3).
 */
void a2a_token_bound(uint8_t out[HASH_LEN], const char *token, const uint8_t certificate[HASH_LEN]);

/* Before anything is looked at: calls of one address per second. */
int a2a_call_rate(struct broker *broker, struct call *call);
/* Around every proof: may it be tried now; how it went. client: "" when it is not known. */
int a2a_may_try(struct broker *broker, struct call *call, const char *client);
void a2a_failed(struct broker *broker, const struct call *call, const char *client);
