/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/receipt_file.h"

#include <string.h>

#include <jansson.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

static bool read_hex(const json_t *object, const char *name, uint8_t *ret_bytes, size_t len)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) && hex_decode(ret_bytes, len, json_string_value(value),
						json_string_length(value)) == (int)len;
}

static const json_t *find_receipt(const json_t *root)
{
	const json_t *session = json_object_get(root, "session");
	const json_t *places[] = { root, json_object_get(root, "receipt"),
		json_object_get(session, "receipt") };

	for (unsigned i = 0; i < ARRAY_LEN(places); i++)
		if (json_is_string(json_object_get(places[i], "text")))
			return places[i];
	return NULL;
}

static bool take_receipt(const json_t *object, struct receipt *ret_receipt)
{
	const json_t *text = json_object_get(object, "text");
	struct signer *signer = &ret_receipt->signer;

	memset(ret_receipt, 0, sizeof *ret_receipt);
	if (text == NULL || strlen(json_string_value(text)) != json_string_length(text) ||
		text_copy(ret_receipt->text, sizeof ret_receipt->text, json_string_value(text)) < 0)
		return false;
	signer->certified = !json_is_null(json_object_get(object, "certificate"));
	return read_hex(object, "signature", ret_receipt->signature, 64) &&
	       read_hex(object, "key", signer->public_key, 32) &&
	       read_hex(object, "trail", signer->trail, HASH_LEN) &&
	       (!signer->certified || read_hex(object, "certificate", signer->certificate, 64));
}

int receipt_file_read(const char *bytes, size_t len, struct receipt *ret_receipt)
{
	json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	bool taken = take_receipt(find_receipt(root), ret_receipt);

	json_decref(root);
	return taken ? 0 : -ERR_MALFORMED;
}

int receipt_file_recording(const struct receipt *receipt, char ret_session_id[SESSION_ID_SIZE],
	uint8_t ret_head[HASH_LEN])
{
	json_t *root = json_loads(receipt->text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *recording = json_object_get(root, "recording");
	const char *id = json_string_value(json_object_get(recording, "id"));
	int r = 0;

	if (json_is_null(recording) || json_is_null(json_object_get(recording, "head")))
		r = -ERR_NOT_FOUND;
	else if (id == NULL || text_copy(ret_session_id, SESSION_ID_SIZE, id) < 0 ||
		 !read_hex(recording, "head", ret_head, HASH_LEN))
		r = -ERR_MALFORMED;
	json_decref(root);
	return r;
}
