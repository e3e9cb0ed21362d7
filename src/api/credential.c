/* SPDX-License-Identifier: Apache-2.0 */
#include "api/credential.h"

#include "api/names.h"
#include "api/segment.h"
#include "wire/messages.h"

int account_find(struct store *store, const char *account, struct credential_row *ret_credential)
{
	char username[USERNAME_SIZE], hostname[HOSTNAME_SIZE];
	struct device_row device;

	if (account_split(account, username, hostname) < 0)
		return -ERR_NOT_FOUND;
	int r = store_device_find(store, hostname, &device);
	return r < 0 ? r : store_credential_find(store, device.id, username, ret_credential);
}

static int row_find(struct call *call, const char *name, struct credential_row *ret_credential)
{
	int64_t id = segment_id(name);
	int r = -ERR_NOT_FOUND;

	if (id != 0)
		r = store_credential_get(call_store(call), id, ret_credential);
	if (r == -ERR_NOT_FOUND)
		r = store_credential_identified(call_store(call), name, ret_credential);
	return r == -ERR_NOT_FOUND ? account_find(call_store(call), name, ret_credential) : r;
}

static int name_in_audit(struct call *call, const struct credential_row *credential)
{
	struct device_row device;
	int r = store_device_get(call_store(call), credential->device_id, &device);

	if (r == 0)
		call_object(call, "credential:%s@%s", credential->username, device.hostname);
	return r;
}

int credential_find(struct call *call, struct credential_row *ret_credential)
{
	int r = row_find(call, call_segment(call, 0), ret_credential);

	if (r < 0)
		return r == -ERR_NOT_FOUND ? -ERR_CREDENTIAL_UNKNOWN : r;
	r = name_in_audit(call, ret_credential);
	if (r == 0)
		r = store_authorization_covers(call_store(call),
			call_principal(call)->authorization_id, ret_credential->id);
	if (r < 0)
		return r;
	if (r == 0)
		return -ERR_CREDENTIAL_NO_ACCESS;
	return ret_credential->kind == SECRET_SSH_KEY ? -ERR_CREDENTIAL_KIND : 0;
}
