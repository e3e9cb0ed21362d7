/* SPDX-License-Identifier: Apache-2.0 */
/* PUT and DELETE credential/{}: in use or not. Nothing is ever deleted. */
#include "api/credential.h"
#include "api/ended.h"
#include "api/endpoints.h"
#include "base/mem.h"

static const struct field fields[] = { {} };

static int activate(struct broker *broker, struct call *call)
{
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	int r = credential_find(call, &row);

	(void)broker;
	if (r < 0)
		return r;
	return row.disabled_at == 0 ? -ERR_CREDENTIAL_ACTIVE
				    : store_credential_set_disabled(call_store(call), row.id, 0);
}

static int deactivate(struct broker *broker, struct call *call)
{
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	int r = credential_find(call, &row);

	if (r < 0)
		return r;
	if (row.disabled_at != 0)
		return -ERR_CREDENTIAL_INACTIVE;
	r = store_credential_set_disabled(call_store(call), row.id, call_now(call));
	return r < 0 ? r
		     : end_and_note(broker, call, ENDING_CREDENTIAL, row.id,
			       "The credential was deactivated");
}

const struct endpoint credential_activate = {
	.door = DOOR_API,
	.method = "PUT",
	.path = "credential/{}",
	.copy = "credential",
	.need = NEED_WRITE,
	.resource = RESOURCE_PAM_CORE,
	.audit = "credential.enabled",
	.fields = fields,
	.message = "Credential successfully activated",
	.answer = activate,
};

const struct endpoint credential_deactivate = {
	.door = DOOR_API,
	.method = "DELETE",
	.path = "credential/{}",
	.copy = "credential",
	.need = NEED_WRITE,
	.resource = RESOURCE_PAM_CORE,
	.audit = "credential.disabled",
	.fields = fields,
	.message = "Credential successfully deactivated",
	.answer = deactivate,
};
