/* SPDX-License-Identifier: Apache-2.0 */
#include "api/authorization.h"

#include <string.h>

#include "api/control.h"
#include "api/names.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/items.h"
#include "base/mem.h"

static int read_referers(struct call *call, char *out, size_t size)
{
	char item[URL_SIZE];
	const char *cursor = control_text(call, "referer");
	size_t used = 0;
	int r;
	out[0] = '\0';
	while ((r = items_next(&cursor, item, sizeof item)) > 0) {
		size_t len = strlen(item);
		bool web = strncmp(item, "https://", 8) == 0 || strncmp(item, "http://", 7) == 0;
		if (!web || !name_fits(item) || used + len + 2 > size)
			return call_fail(call, -ERR_PARAMETER_INVALID,
				"A referer is a URL that begins with https:// or http://");
		if (used > 0)
			out[used++] = ' ';
		memcpy(out + used, item, len + 1);
		used += len;
	}
	return r;
}

static int read_ips(struct call *call, struct authorization_row *row)
{
	const char *ips = call_text(call, "ip");
	if (ips == NULL)
		return 0;
	if (ips[0] != '\0' && !address_list_valid(ips))
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"The addresses are not a list of addresses, networks or *");
	return text_copy(row->ips, sizeof row->ips, ips);
}

static int read_expiry(struct call *call, struct authorization_row *row)
{
	const char *expires = control_text(call, "expires");
	if (expires[0] == '\0')
		return 0;
	if (strcmp(expires, "never") == 0) {
		row->expires_at = 0;
		return 0;
	}
	if (clock_parse(expires, &row->expires_at) < 0)
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"The time has the form 2027-01-31 or 2027-01-31T18:00:00Z, or is never");
	if (row->expires_at <= call_now(call))
		return call_fail(call, -ERR_PARAMETER_INVALID, "The time of expiry is past");
	return 0;
}

/* As openssl x509 -fingerprint -sha256 prints it, colons or not. */
static int read_fingerprint(struct call *call, struct authorization_row *row)
{
	static const uint8_t none[HASH_LEN];
	const char *given = call_text(call, "fingerprint");
	char digits[2 * HASH_LEN + 1];
	uint8_t hash[HASH_LEN];
	size_t used = 0;
	if (given == NULL)
		return 0;
	if (strcmp(given, "none") == 0) {
		row->fingerprint[0] = '\0';
		return 0;
	}
	for (; *given != '\0' && used < sizeof digits; given++)
		if (*given != ':')
			digits[used++] = *given;
	if (used != 2 * HASH_LEN || hex_decode(hash, sizeof hash, digits, used) != HASH_LEN ||
		memcmp(hash, none, HASH_LEN) == 0)
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"The fingerprint is the SHA-256 of a certificate, 64 hex digits, or none");
	hex_encode(row->fingerprint, hash, sizeof hash);
	return 0;
}

int authorization_read_limits(struct call *call, struct authorization_row *row)
{
	int r = read_ips(call, row);
	if (r == 0)
		r = read_fingerprint(call, row);
	if (r == 0 && call_text(call, "referer") != NULL)
		r = read_referers(call, row->referers, sizeof row->referers);
	return r == 0 ? read_expiry(call, row) : r;
}

static int one_account(
	struct call *call, int64_t authorization_id, const char *account, cover_fn *each)
{
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	int r = control_account(call, account, &credential);
	if (r == 0)
		r = each(call_store(call), authorization_id, credential.id);
	return r != -ERR_NOT_FOUND ? r
				   : call_fail(call, -ERR_CREDENTIAL_NOT_FOUND,
					     "No such credential: %s", account);
}

/* Returns how many there were. */
static int account_list(
	struct call *call, int64_t authorization_id, const char *list, cover_fn *each)
{
	char account[USERNAME_SIZE + HOSTNAME_SIZE];
	int count = 0, r;
	while (list != NULL && (r = items_next(&list, account, sizeof account)) != 0) {
		if (r == -ERR_TOO_LARGE || count == CREDENTIALS_MAX)
			return -ERR_TOO_LARGE;
		r = one_account(call, authorization_id, account, each);
		if (r < 0)
			return r;
		count++;
	}
	return count;
}

int authorization_accounts(struct call *call, int64_t authorization_id, cover_fn *each)
{
	const char *item;
	int count = account_list(call, authorization_id, call_text(call, "credentials"), each);
	for (unsigned i = 0; count >= 0 && (item = call_item(call, "credentials", i)) != NULL;
		i++) {
		int r = account_list(call, authorization_id, item, each);
		count = r < 0 ? r : count + r;
	}
	return count;
}
