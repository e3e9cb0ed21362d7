/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/a2a.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "broker/context.h"
#include "broker/oauth1.h"
#include "broker/throttle.h"
#include "broker/vault.h"

static int retry_after(struct call *call, unsigned seconds)
{
	char text[16];

	if (seconds == 0)
		return 0;
	snprintf(text, sizeof text, "%u", seconds);
	call_header(call, "Retry-After", text);
	return -ERR_THROTTLED;
}

int a2a_call_rate(struct broker *broker, struct call *call)
{
	return retry_after(
		call, throttle_call(broker->throttle, &call->peer, clock_monotonic_ms()));
}

int a2a_may_try(struct broker *broker, struct call *call, const char *client)
{
	return retry_after(
		call, throttle_wait(broker->throttle, client, &call->peer, clock_monotonic_ms()));
}

void a2a_failed(struct broker *broker, const struct call *call, const char *client)
{
	throttle_failed(broker->throttle, client, &call->peer, clock_monotonic_ms());
	node_failed(broker, client, &call->peer);
}

static void principal_fill(struct call *call, const struct authorization_row *authorization)
{
	struct principal *principal = &call->principal;

	principal->door = DOOR_API;
	principal->authorization_id = authorization->id;
	principal->reads = authorization->reads;
	principal->writes = authorization->writes;
	memcpy(principal->application, authorization->application, sizeof principal->application);
	snprintf(call->actor, sizeof call->actor, "application:%.*s", NAME_SIZE - 13,
		authorization->application);
}

int a2a_allowed(
	const struct authorization_row *authorization, const struct address *address, int64_t now)
{
	if (authorization->disabled_at != 0 || authorization->application_disabled_at != 0)
		return -ERR_NOT_AUTHORIZED;
	if (authorization->expires_at != 0 && authorization->expires_at <= now)
		return -ERR_NOT_AUTHORIZED;
	if (authorization->ips[0] != 0 && !address_listed(address, authorization->ips))
		return -ERR_NOT_AUTHORIZED;
	return 0;
}

/* A listed referer is an origin or the beginning of a path: "https://a.example" is not in
 * "https://a.example.evil". */
static bool referer_matches(const char *referer, const char *listed, size_t len)
{
	while (len > 0 && listed[len - 1] == '/')
		len--;
	if (len == 0 || strncasecmp(referer, listed, len) != 0)
		return false;
	return referer[len] == 0 || referer[len] == '/' || referer[len] == '?' ||
	       referer[len] == '#';
}

static int referer_check(const struct authorization_row *authorization, const char *referer)
{
	const char *at = authorization->referers;

	at += strspn(at, " ,");
	if (*at == 0)
		return 0;
	while (*at != 0) {
		size_t len = strcspn(at, " ,");
		if ((len == 1 && *at == '*') || referer_matches(referer, at, len))
			return 0;
		at += len;
		at += strspn(at, " ,");
	}
	return -ERR_REFERER_REFUSED;
}

/* No certificate is all zeros, which none has, and which authorization_read_limits() refuses. */
static int certificate_check(
	const struct authorization_row *authorization, const uint8_t certificate[HASH_LEN])
{
	char fingerprint[2 * HASH_LEN + 1];

	if (authorization->fingerprint[0] == 0)
		return 0;
	hex_encode(fingerprint, certificate, HASH_LEN);
	return strcmp(fingerprint, authorization->fingerprint) == 0 ? 0 : -ERR_NOT_AUTHORIZED;
}

int a2a_admits(const struct call *call, const struct authorization_row *authorization)
{
	int r = a2a_allowed(authorization, &call->peer, call->now);
	if (r == 0)
		r = certificate_check(authorization, call->head->certificate);
	return r < 0 ? r : referer_check(authorization, call->head->referer);
}

static int admit(struct call *call, const struct authorization_row *authorization)
{
	principal_fill(call, authorization);
	return a2a_admits(call, authorization);
}

void a2a_token_bound(uint8_t out[HASH_LEN], const char *token, const uint8_t certificate[HASH_LEN])
{
	const struct hash_piece pieces[] = { { token, strlen(token) }, { certificate, HASH_LEN } };

	hash_pieces(out, pieces, ARRAY_LEN(pieces));
}

static int token_find(const struct broker *broker, const struct call *call, const char *token,
	struct authorization_row *ret_row)
{
	static const uint8_t none[HASH_LEN];
	const uint8_t *certificate = call->head->certificate;
	uint8_t hash[HASH_LEN];

	hash_token(hash, token, strlen(token));
	int r = store_token_find(broker->store, hash, steady_now(broker), ret_row);
	if (r != -ERR_NOT_FOUND || memcmp(certificate, none, HASH_LEN) == 0)
		return r;
	a2a_token_bound(hash, token, certificate);
	return store_token_find(broker->store, hash, steady_now(broker), ret_row);
}

static int identify_bearer(struct broker *broker, struct call *call, const char *token)
{
	CLEANUP(store_authorization_finish) struct authorization_row authorization = { 0 };

	token += strspn(token, " ");
	int r = a2a_may_try(broker, call, "");
	if (r < 0)
		return r;
	r = token_find(broker, call, token, &authorization);
	if (r == -ERR_NOT_FOUND) {
		a2a_failed(broker, call, "");
		return -ERR_TOKEN_INVALID;
	}
	return r < 0 ? r : admit(call, &authorization);
}

/* Tail of SIGNATURE_CHECK: both envelopes, then the base string. */
static int signature_ask(struct broker *broker, const struct oauth1 *oauth,
	const struct authorization_row *authorization, const struct buf *base)
{
	CLEANUP(buf_finish) struct buf tail = BUF(SIGNATURE_TAIL_MAX);
	struct msg_signature question = { 0 };

	question.consumer = (struct identity){ "authorization", "consumer", authorization->id, 1 };
	question.token = (struct identity){ "authorization", "token", authorization->id, 1 };
	question.consumer_len = authorization->consumer_sealed_len;
	question.token_len = authorization->token_sealed_len;
	question.base_len = (uint32_t)base->len;
	question.sha256 = oauth->sha256;
	memcpy(question.signature, oauth->signature, sizeof question.signature);
	int r = buf_append(
		&tail, authorization->consumer_sealed, authorization->consumer_sealed_len);
	if (r == 0)
		r = buf_append(&tail, authorization->token_sealed, authorization->token_sealed_len);
	if (r == 0)
		r = buf_append(&tail, base->data, base->len);
	return r < 0 ? r : vault_check_signature(broker, &question, tail.data, tail.len);
}

/* The nonce is spent only for a right signature: strangers cannot use up nonces of others. */
static int nonce_spend(struct broker *broker, const struct oauth1 *oauth, int64_t authorization_id)
{
	const struct hash_piece pieces[] = { { oauth->token, strlen(oauth->token) },
		{ oauth->nonce, strlen(oauth->nonce) } };
	uint8_t hash[HASH_LEN];

	hash_pieces(hash, pieces, 2);
	int r = store_nonce_spend(broker->store, authorization_id, oauth->timestamp, hash);
	return r == -ERR_EXISTS ? -ERR_SIGNATURE_INVALID : r;
}

static int oauth1_verify(struct broker *broker, struct call *call, const struct oauth1 *oauth)
{
	CLEANUP(store_authorization_finish) struct authorization_row authorization = { 0 };
	CLEANUP(buf_finish) struct buf base = BUF(OAUTH1_BASE_MAX);

	int r = store_authorization_by_consumer(
		broker->store, oauth->consumer_key, oauth->token, &authorization);
	if (r == -ERR_NOT_FOUND || (r == 0 && authorization.consumer_sealed_len == 0))
		return -ERR_SIGNATURE_INVALID;
	if (r == 0)
		r = oauth1_base_string(oauth, call->head, call->params, call->param_count, &base);
	if (r == 0)
		r = signature_ask(broker, oauth, &authorization, &base);
	if (r == 0)
		r = nonce_spend(broker, oauth, authorization.id);
	return r < 0 ? r : admit(call, &authorization);
}

static int identify_oauth1(struct broker *broker, struct call *call)
{
	struct oauth1 oauth;
	int r = oauth1_read(&oauth, call->head, call->params, call->param_count, call->now);

	int wait = a2a_may_try(broker, call, oauth.consumer_key);
	if (wait < 0)
		return wait;
	if (r == 0)
		r = oauth1_verify(broker, call, &oauth);
	if (r == -ERR_SIGNATURE_INVALID)
		a2a_failed(broker, call, oauth.consumer_key);
	else if (r == 0)
		throttle_succeeded(broker->throttle, oauth.consumer_key);
	return r;
}

int a2a_identify(struct broker *broker, struct call *call)
{
	const char *field = call->head->authorization;

	if (strncasecmp(field, "Bearer ", 7) == 0)
		return identify_bearer(broker, call, field + 7);
	if (oauth1_present(call->head, call->params, call->param_count))
		return identify_oauth1(broker, call);
	if (field[0] == 0)
		return -ERR_NO_CREDENTIALS;
	return -ERR_TOKEN_INVALID; /* a scheme that names nobody here */
}

int a2a_rights(const struct call *call)
{
	const struct endpoint *endpoint = call->endpoint;
	const struct principal *principal = &call->principal;
	uint32_t held = principal->writes;

	if (endpoint->need == NEED_READ)
		held |= principal->reads;
	if ((held & endpoint->resource) != 0)
		return 0;
	bool reads_only = (principal->reads & endpoint->resource & RESOURCE_PAM_CORE) != 0;
	return reads_only ? -ERR_READ_ONLY : -ERR_NOT_AUTHORIZED;
}
