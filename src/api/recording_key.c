/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording key: the key of one recording, from the vault to the caller's descriptor. Nobody reads
 * a recording back without this line in the audit trail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "base/mem.h"
#include "broker/ending.h"
#include "broker/vault.h"
#include "wire/recording.h"

static const struct field fields[] = {
	{ "session_id", FIELD_TEXT, SESSION_ID_SIZE - 1, ERR_PARAMETER_MISSING,
		ERR_RECORDING_NOT_FOUND },
	{},
};

/* Bytes from the start of the file, as many as a header can have. */
static ssize_t read_start(int directory, const char *session_id, uint8_t *out, size_t size)
{
	char name[SESSION_ID_SIZE + sizeof RECORDING_SUFFIX];
	snprintf(name, sizeof name, "%s" RECORDING_SUFFIX, session_id);
	CLEANUP(fd_closep) int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ERR_RECORDING_NOT_FOUND : -ERR_SYSTEM;
	size_t len = 0;
	ssize_t got = 1;
	while (len < size && (got = read(fd, out + len, size - len)) > 0)
		len += got;
	return got < 0 ? -ERR_SYSTEM : (ssize_t)len;
}

static int read_wrapped(int directory, const char *session_id, struct msg_recording_open *ret_open)
{
	CLEANUP(mem_freep) uint8_t *bytes = malloc(RECORDING_HEADER_MAX);
	CLEANUP(mem_freep) struct recording_header *header = calloc(1, sizeof *header);
	uint8_t head[HASH_LEN];
	if (bytes == NULL || header == NULL)
		return -ERR_SYSTEM;
	ssize_t len = read_start(directory, session_id, bytes, RECORDING_HEADER_MAX);
	if (len < 0)
		return len;
	int r = recording_header_read(bytes, len, header, head);
	if (r <= 0)
		return r < 0 ? r : -ERR_MALFORMED;
	if (strcmp(header->session_id, session_id) != 0 ||
		header->wrapped_len > sizeof ret_open->wrapped)
		return -ERR_CRYPTO;
	memcpy(ret_open->wrapped, header->wrapped, header->wrapped_len);
	ret_open->wrapped_len = header->wrapped_len;
	ret_open->key_version = header->key_version;
	return text_copy(ret_open->session_id, sizeof ret_open->session_id, session_id);
}

static int answer(struct broker *broker, struct call *call)
{
	const char *session_id = control_text(call, "session_id");
	struct session_row session;
	struct msg_recording_open open = { 0 };
	call_object(call, "recording:%s", session_id);
	if (!session_id_fits(session_id))
		return -ERR_RECORDING_NOT_FOUND;
	if (call_fd_out(call) < 0)
		return call_fail(call, -ERR_PARAMETER_MISSING, "There is nowhere to write the key");
	int r = store_session_by_session_id(call_store(call), session_id, &session);
	if (r == -ERR_NOT_FOUND)
		return -ERR_RECORDING_NOT_FOUND;
	if (r == 0)
		r = read_wrapped(broker_recordings(broker), session_id, &open);
	if (r == 0)
		r = vault_open_recording(broker, &open, call_fd_out(call));
	if (r < 0)
		return r;
	json_text(call_audit(call), "user", session.user);
	json_text(call_audit(call), "device", session.device);
	return 0;
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
