/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording key: the key of one recording, from the vault to the caller's descriptor. Nobody reads
 * a recording back without this line in the audit trail. recording secrets: the same for its second
 * key, of what was typed and not shown, with a line of its own.
 */
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "base/encode.h"
#include "base/mem.h"
#include "broker/vault.h"

static const struct field fields[] = {
	{ "session_id", FIELD_TEXT, SESSION_ID_SIZE - 1, ERR_PARAMETER_MISSING,
		ERR_RECORDING_NOT_FOUND },
	{ "wrapped", FIELD_TEXT, 2 * sizeof(((struct msg_recording_open *)0)->wrapped),
		ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "key_version", FIELD_INTEGER, UINT32_MAX, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{},
};

/*
 * The caller read the wrapped key from the file's header. It cannot be another recording's: the
 * vault finds the session id sealed in with the key and compares.
 */
static int read_wrapped(
	struct call *call, const char *session_id, struct msg_recording_open *ret_open)
{
	const char *hex = control_text(call, "wrapped");
	int len = hex_decode(ret_open->wrapped, sizeof ret_open->wrapped, hex, strlen(hex));

	if (len < 0)
		return -ERR_PARAMETER_INVALID;
	ret_open->wrapped_len = (uint16_t)len;
	ret_open->key_version = (uint32_t)call_number(call, "key_version", 0);
	return text_copy(ret_open->session_id, sizeof ret_open->session_id, session_id);
}

static int open_one(struct broker *broker, struct call *call, bool secrets)
{
	const char *session_id = control_text(call, "session_id");
	struct session_row session;
	struct msg_recording_open open = { .secrets = secrets };

	call_object(call, "recording:%s", session_id);
	if (!session_id_fits(session_id))
		return -ERR_RECORDING_NOT_FOUND;
	if (call_fd_out(call) < 0)
		return call_fail(call, -ERR_PARAMETER_MISSING, "There is nowhere to write the key");
	int r = store_session_by_session_id(call_store(call), session_id, &session);
	if (r == -ERR_NOT_FOUND)
		return -ERR_RECORDING_NOT_FOUND;
	if (r == 0)
		r = read_wrapped(call, session_id, &open);
	if (r == 0)
		r = vault_open_recording(broker, &open, call_fd_out(call));
	if (r < 0)
		return r;
	json_text(call_audit(call), "user", session.user);
	json_text(call_audit(call), "device", session.device);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	return open_one(broker, call, false);
}

static int answer_secrets(struct broker *broker, struct call *call)
{
	return open_one(broker, call, true);
}

const struct endpoint control_recording_key = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "recording/key",
	.need = NEED_WRITE,
	.audit = "recording.opened",
	.fields = fields,
	.message = "Key written",
	.answer = answer,
};

const struct endpoint control_recording_secrets = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "recording/secrets",
	.need = NEED_WRITE,
	.audit = "recording.secrets_opened",
	.fields = fields,
	.message = "Key written",
	.answer = answer_secrets,
};
