/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/a2a.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "broker/throttle.h"

/*
 * POST oauth2/token: an access token for an application (RFC 6749 section 4.4). The client proves
 * itself by the form or by Basic, never by the query. Error bodies are those of the RFC, with a
 * `message` besides.
 */
#define CLIENT_SIZE 128

static const struct field fields[] = {
	{ "grant_type", FIELD_TEXT, 128, ERR_NONE, ERR_NONE },
	{ "client_id", FIELD_TEXT, CLIENT_SIZE - 1, ERR_NONE, ERR_CLIENT_INVALID },
	{ "client_secret", FIELD_TEXT, CLIENT_SIZE - 1, ERR_NONE, ERR_CLIENT_INVALID },
	{ "tenant", FIELD_TEXT, 256, ERR_NONE, ERR_NONE },
	{ "scope", FIELD_TEXT, 1024, ERR_NONE, ERR_NONE },
	{},
};

struct client {
	char id[CLIENT_SIZE], secret[CLIENT_SIZE];
};

static int refuse_invalid(struct call *call)
{
	if (strncasecmp(call->head->authorization, "Basic ", 6) == 0)
		call_header(call, "WWW-Authenticate", "Basic realm=\"OAuth\"");
	call_raw(call, 401,
		"{\"error\":\"invalid_client\",\"error_description\":\"Client authentication "
		"failed\","
		"\"message\":\"Client authentication failed.\"}");
	return -ERR_CLIENT_INVALID;
}

static int refuse_request(struct call *call)
{
	call_raw(call, 400,
		"{\"error\":\"invalid_request\",\"error_description\":\"The request is missing a "
		"required "
		"parameter, includes an invalid parameter value, or repeats one\","
		"\"message\":\"The request is malformed.\"}");
	return -ERR_MALFORMED;
}

static int refuse_grant(struct call *call)
{
	call_raw(call, 400,
		"{\"error\":\"unsupported_grant_type\",\"error_description\":\"The authorization "
		"grant type "
		"is not supported by the authorization server\","
		"\"message\":\"The authorization grant type is not supported.\"}");
	return -ERR_GRANT_UNSUPPORTED;
}

/* Basic: base64 of id ":" secret, each form-encoded (RFC 6749 section 2.3.1). 1 taken, 0 none. */
static int client_from_basic(const char *field, struct client *client)
{
	uint8_t plain[2 * 3 * CLIENT_SIZE + 2];

	if (strncasecmp(field, "Basic ", 6) != 0)
		return 0;
	field += 6 + strspn(field + 6, " ");
	int len = base64_decode(plain, sizeof plain, field, strlen(field));
	const char *colon = len > 0 ? memchr(plain, ':', (size_t)len) : NULL;
	if (colon == NULL)
		return -ERR_CLIENT_INVALID;
	size_t id_len = (size_t)(colon - (const char *)plain);
	int id = percent_decode(client->id, sizeof client->id - 1, (const char *)plain, id_len, 1);
	int secret = percent_decode(
		client->secret, sizeof client->secret - 1, colon + 1, (size_t)len - id_len - 1, 1);
	mem_wipe(plain, sizeof plain);
	if (id <= 0 || secret < 0)
		return -ERR_CLIENT_INVALID;
	client->id[id] = 0;
	client->secret[secret] = 0;
	return 1;
}

static bool secret_in_query(const struct call *call)
{
	for (unsigned i = 0; i < call->param_count; i++)
		if (call->params[i].place == PLACE_QUERY && call->params[i].name_len == 13 &&
			strncasecmp(call->params[i].name, "client_secret", 13) == 0)
			return true;
	return false;
}

/* One way of proving itself, not two (RFC 6749 section 2.3). */
static int client_take(struct call *call, struct client *client)
{
	const char *id = call_text(call, "client_id"), *secret = call_text(call, "client_secret");

	if (secret_in_query(call))
		return refuse_request(call);
	int basic = client_from_basic(call->head->authorization, client);
	if (basic < 0)
		return refuse_invalid(call);
	if (basic == 1) {
		if (secret != NULL || (id != NULL && strcmp(id, client->id) != 0))
			return refuse_request(call);
		return 0;
	}
	if (id == NULL || secret == NULL)
		return refuse_invalid(call);
	int r = text_copy(client->id, sizeof client->id, id);
	assert(r == 0); /* the fields say how long they may be */
	r = text_copy(client->secret, sizeof client->secret, secret);
	assert(r == 0);
	return 0;
}

/* An unknown client costs the same comparison as a wrong secret. */
static int client_prove(struct broker *broker, struct call *call, const struct client *client,
	struct authorization_row *authorization)
{
	uint8_t hash[HASH_LEN];

	int r = store_authorization_by_client(broker->store, client->id, authorization);
	if (r < 0 && r != -ERR_NOT_FOUND)
		return r;
	hash_sha256(hash, client->secret, strlen(client->secret));
	int right = mem_equal_secret(hash, authorization->client_secret_hash, HASH_LEN);
	if (r < 0 || !right || strcmp(authorization->auth, "oauth2") != 0)
		return -ERR_CLIENT_INVALID;
	return a2a_admits(call, authorization) < 0 ? -ERR_CLIENT_INVALID : 0;
}

static int token_issue(
	struct broker *broker, struct call *call, const struct authorization_row *authorization)
{
	int64_t lifetime = broker->settings->api_token_lifetime;
	char token[TOKEN_SIZE], body[TOKEN_SIZE + 80];
	uint8_t hash[HASH_LEN];

	if (authorization->expires_at != 0)
		lifetime = MIN(lifetime, (authorization->expires_at - call_now(call)) / 1000);
	random_hex(token, (TOKEN_SIZE - 1) / 2);
	if (authorization->fingerprint[0] != 0)
		a2a_token_bound(hash, token, call->head->certificate);
	else
		hash_token(hash, token, TOKEN_SIZE - 1);
	int r = store_token_add(
		broker->store, hash, authorization->id, call_steady(call) + lifetime * 1000);
	if (r == 0) {
		snprintf(body, sizeof body,
			"{\"token_type\":\"Bearer\",\"expires_in\":%lld,\"access_token\":\"%s\"}",
			(long long)lifetime, token);
		call_raw(call, 200, body);
		call_object(call, "authorization:%lld", (long long)authorization->id);
		snprintf(call->actor, sizeof call->actor, "application:%.100s",
			authorization->application);
		json_number(call_audit(call), "expires_in", lifetime);
	}
	mem_wipe(token, sizeof token);
	mem_wipe(body, sizeof body);
	return r;
}

static int answer_client(struct broker *broker, struct call *call, const struct client *client)
{
	CLEANUP(store_authorization_finish) struct authorization_row authorization = { 0 };

	int r = a2a_may_try(broker, call, client->id);
	if (r < 0)
		return r;
	json_text(call_audit(call), "client_id", client->id);
	r = client_prove(broker, call, client, &authorization);
	if (r == -ERR_CLIENT_INVALID) {
		a2a_failed(broker, call, client->id);
		return refuse_invalid(call);
	}
	if (r == 0)
		throttle_succeeded(broker->throttle, client->id);
	return r < 0 ? r : token_issue(broker, call, &authorization);
}

static int answer(struct broker *broker, struct call *call)
{
	const char *grant = call_text(call, "grant_type");
	struct client client = { 0 };

	call_header(call, "Cache-Control", "no-store");
	call_header(call, "Pragma", "no-cache");
	if (grant == NULL || grant[0] == 0)
		return refuse_request(call);
	if (strcmp(grant, "client_credentials") != 0)
		return refuse_grant(call);
	int r = client_take(call, &client);
	if (r == 0)
		r = answer_client(broker, call, &client);
	mem_wipe(&client, sizeof client);
	return r;
}

const struct endpoint oauth2_token = {
	.door = DOOR_API,
	.method = "POST",
	.path = "oauth2/token",
	.need = NEED_NOBODY,
	.resource = 0,
	.audit = "token.issued",
	.fields = fields,
	.message = "",
	.answer = answer,
};
