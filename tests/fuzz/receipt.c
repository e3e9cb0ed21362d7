/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receipt's file comes from anywhere. Whatever is in it, what is read is bounded, the same when
 * it is written again, and vouched for by nobody.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "ctl/receipt_file.h"
#include "wire/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *hex(const void *bytes, size_t len)
{
	char text[2 * 64 + 1];

	hex_encode(text, bytes, len);
	return json_string(text);
}

static void check_again(const struct receipt *receipt)
{
	const struct signer *signer = &receipt->signer;
	CLEANUP(mem_freep) struct receipt *again = malloc(sizeof *again);
	json_t *object = json_pack("{s:s, s:o, s:o, s:o, s:o}", "text", receipt->text, "signature",
		hex(receipt->signature, 64), "key", hex(signer->public_key, 32), "trail",
		hex(signer->trail, HASH_LEN), "certificate",
		signer->certified ? hex(signer->certificate, 64) : json_null());
	char *text = json_dumps(object, 0);

	assert(text != NULL && receipt_file_read(text, strlen(text), again) == 0);
	assert(memcmp(again, receipt, sizeof *again) == 0);
	free(text);
	json_decref(object);
}

static void check(const struct receipt *receipt)
{
	static const uint8_t nobody[32] = { 1 };
	char session_id[SESSION_ID_SIZE];
	uint8_t head[HASH_LEN];

	assert(strlen(receipt->text) <= RECEIPT_MAX);
	receipt_check(receipt->text, strlen(receipt->text), receipt->signature,
		receipt->signer.public_key);
	assert(signer_check(&receipt->signer, nobody) < 0);
	int r = receipt_file_recording(receipt, session_id, head);
	assert(r == 0 || r == -ERR_NOT_FOUND || r == -ERR_MALFORMED);
	assert(r < 0 || strlen(session_id) < SESSION_ID_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(mem_freep) struct receipt *receipt = malloc(sizeof *receipt);
	char *exact = malloc(size + 1);

	if (size > 0)
		memcpy(exact, data, size);
	int r = receipt_file_read(exact, size, receipt);
	assert(r == 0 || r == -ERR_MALFORMED);
	if (r == 0) {
		check(receipt);
		check_again(receipt);
	}
	/* and as the text of one whose signature was right */
	if (size <= RECEIPT_MAX && (size == 0 || memchr(data, 0, size) == NULL)) {
		memset(receipt, 0, sizeof *receipt);
		if (size > 0)
			memcpy(receipt->text, data, size);
		check(receipt);
	}
	free(exact);
	return 0;
}
