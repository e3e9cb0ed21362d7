/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/agent.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "vault/sshwire.h"

#define USERAUTH_REQUEST 50 /* RFC 4252 section 6 */

/* --- framing -------------------------------------------------------------------------------- */

int agent_next(const struct buf *in, const uint8_t **ret_message, size_t *ret_len)
{
	struct sshwire wire = SSHWIRE(in->data, in->len);
	uint32_t len;
	if (sshwire_u32(&wire, &len) < 0)
		return 0;
	if (len == 0 || len > AGENT_MESSAGE_MAX)
		return -ERR_MALFORMED;
	if (wire.left < len)
		return 0;
	*ret_message = wire.at;
	*ret_len = len;
	return 1;
}

int agent_read_pin(
	const uint8_t *message, size_t len, uint8_t ret_pin[HASH_LEN], struct sshspan *ret_exchange)
{
	struct sshwire wire = SSHWIRE(message, len);
	struct sshspan pin;
	uint8_t type;
	if (sshwire_byte(&wire, &type) < 0 || type != AGENT_EXTENSION ||
		sshwire_word(&wire, AGENT_PIN_WORD) < 0 || sshwire_string(&wire, &pin) < 0 ||
		pin.len != HASH_LEN)
		return -ERR_MALFORMED;
	*ret_exchange = (struct sshspan){ NULL, 0 };
	if (wire.left != 0 && (sshwire_string(&wire, ret_exchange) < 0 || wire.left != 0))
		return -ERR_MALFORMED;
	memcpy(ret_pin, pin.bytes, HASH_LEN);
	return 0;
}

int agent_write_status(struct buf *out, uint8_t type)
{
	int r = sshwire_put_u32(out, 1);
	return r < 0 ? r : sshwire_put_byte(out, type);
}

int agent_write_secret(struct buf *out, size_t len)
{
	int r = sshwire_put_u32(out, (uint32_t)(1 + 4 + len));
	if (r == 0)
		r = sshwire_put_byte(out, AGENT_SUCCESS);
	return r < 0 ? r : sshwire_put_u32(out, (uint32_t)len);
}

int agent_write_identities(struct buf *out, const struct sshkey *key)
{
	size_t len;
	const uint8_t *blob = sshkey_blob(key, &len);
	int r = sshwire_put_u32(out, (uint32_t)(1 + 4 + 4 + len + 4));
	if (r == 0)
		r = sshwire_put_byte(out, AGENT_IDENTITIES_ANSWER);
	if (r == 0)
		r = sshwire_put_u32(out, 1);
	if (r == 0)
		r = sshwire_put_string(out, blob, len);
	return r < 0 ? r : sshwire_put_word(out, ""); /* comment */
}

/* --- what may be signed --------------------------------------------------------------------- */

static bool blob_ours(const struct agent *agent, struct sshspan blob)
{
	struct sshspan own;
	own.bytes = sshkey_blob(agent->key, &own.len);
	return sshspan_equal(own, blob);
}

/*
 * The bytes a client signs to log in (RFC 4252 section 7): session identifier, then the request
 * itself with its boolean true. Anything else a key could sign, another login, a file, a
 * certificate, does not parse as this.
 */
static int login_check(const struct agent *agent, struct sshspan data, const char *algorithm)
{
	struct sshwire wire = SSHWIRE(data.bytes, data.len);
	struct sshspan session, blob;
	uint8_t type, has_signature;
	if (sshwire_string(&wire, &session) < 0 || !exchange_made(agent->exchange, session))
		return -ERR_NOT_AUTHORIZED;
	if (sshwire_byte(&wire, &type) < 0 || type != USERAUTH_REQUEST ||
		sshwire_word(&wire, agent->username) < 0 ||
		sshwire_word(&wire, "ssh-connection") < 0 || sshwire_word(&wire, "publickey") < 0 ||
		sshwire_byte(&wire, &has_signature) < 0 || has_signature != 1 ||
		sshwire_word(&wire, algorithm) < 0 || sshwire_string(&wire, &blob) < 0 ||
		wire.left != 0 || !blob_ours(agent, blob))
		return -ERR_NOT_AUTHORIZED;
	return 0;
}

int agent_check(const struct agent *agent, const uint8_t *message, size_t len,
	struct agent_request *ret_request)
{
	struct sshwire wire = SSHWIRE(message, len);
	struct sshspan blob, data;
	uint8_t type;
	uint32_t flags;
	if (sshwire_byte(&wire, &type) < 0 || type != AGENT_SIGN_REQUEST ||
		sshwire_string(&wire, &blob) < 0 || sshwire_string(&wire, &data) < 0 ||
		sshwire_u32(&wire, &flags) < 0 || wire.left != 0)
		return -ERR_MALFORMED;
	if (!blob_ours(agent, blob) || agent->signatures >= AGENT_SIGNATURES_MAX)
		return -ERR_NOT_AUTHORIZED;
	const char *algorithm = sshkey_algorithm(agent->key, flags);
	if (algorithm == NULL)
		return -ERR_NOT_FOUND;
	int r = login_check(agent, data, algorithm);
	if (r < 0)
		return r;
	*ret_request =
		(struct agent_request){ .data = data.bytes, .data_len = data.len, .flags = flags };
	return 0;
}

int agent_sign(struct agent *agent, const struct agent_request *request, struct buf *out)
{
	CLEANUP(buf_finish) struct buf signature = BUF(SSHKEY_SIGNATURE_MAX);
	agent->signatures++;
	int r = sshkey_sign(
		agent->key, request->flags, request->data, request->data_len, &signature);
	if (r == 0)
		r = sshwire_put_u32(out, (uint32_t)(1 + 4 + signature.len));
	if (r == 0)
		r = sshwire_put_byte(out, AGENT_SIGN_RESPONSE);
	return r < 0 ? r : sshwire_put_string(out, signature.data, signature.len);
}
