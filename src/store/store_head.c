/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

int store_signer_add(struct store *store, const struct signer *signer, int64_t now, int64_t *ret_id)
{
	return any_rows(RUN(store, SIGNER_ADD, keep_number, ret_id, HASH(signer->trail),
		bytes(signer->public_key, sizeof signer->public_key), integer(now)));
}

int store_signer_certified(
	struct store *store, int64_t signer, const uint8_t certificate[64], int64_t now)
{
	return any_rows(RUN(store, SIGNER_CERTIFIED, NULL, NULL, integer(signer),
		bytes(certificate, 64), integer(now)));
}

int store_head_add(struct store *store, const struct audit_head *head, int64_t signer)
{
	return any_rows(RUN(store, HEAD_ADD, NULL, NULL, integer(store->rows_from + head->sequence),
		integer(head->at), integer(signer),
		bytes(head->signature, sizeof head->signature)));
}

struct each_head {
	int64_t from; /* where this node's rows begin */
	int (*keep)(void *, const struct audit_head *);
	void *context;
	int result;
};

/* The key that signed, as the joins of statements.def give it: the certificate may be none. */
static void read_signer(struct reader *reader, struct signer *ret_signer)
{
	read_bytes(reader, ret_signer->trail, HASH_LEN);
	read_bytes(reader, ret_signer->public_key, sizeof ret_signer->public_key);
	ret_signer->certified =
		reader->next < reader->count && reader->values[reader->next].type != VALUE_NULL;
	read_bytes(reader, ret_signer->certificate, sizeof ret_signer->certificate);
}

static int keep_each_head(void *context, const struct value *values, unsigned count)
{
	struct each_head *each = context;
	struct audit_head head;
	struct reader reader = READER(values, count);

	memset(&head, 0, sizeof head);
	head.sequence = read_integer(&reader) - each->from;
	head.at = read_integer(&reader);
	read_bytes(&reader, head.signature, sizeof head.signature);
	read_signer(&reader, &head.signer);
	each->result = reader.error;
	if (each->result == 0)
		each->result = each->keep(each->context, &head);
	return each->result;
}

int store_head_list(struct store *store, int64_t after, unsigned limit,
	int (*keep)(void *, const struct audit_head *), void *context)
{
	struct each_head each = { .from = store->rows_from, .keep = keep, .context = context };
	int r = RUN(store, HEAD_LIST, keep_each_head, &each, integer(store->rows_from + after),
		integer(limit), integer(store->rows_to));

	return each.result != 0 ? each.result : any_rows(r);
}

int store_receipt_add(struct store *store, int64_t session, const struct receipt *receipt,
	int64_t signer, int64_t now)
{
	return any_rows(
		RUN(store, RECEIPT_ADD, NULL, NULL, integer(session), integer(now), integer(signer),
			text(receipt->text), bytes(receipt->signature, sizeof receipt->signature)));
}

static int keep_receipt(void *context, const struct value *values, unsigned count)
{
	struct receipt *ret_receipt = context;
	struct reader reader = READER(values, count);

	read_text(&reader, ret_receipt->text);
	read_bytes(&reader, ret_receipt->signature, sizeof ret_receipt->signature);
	read_signer(&reader, &ret_receipt->signer);
	return reader.error;
}

int store_receipt_get(struct store *store, int64_t session, struct receipt *ret_receipt)
{
	return one_row(RUN(store, RECEIPT_GET, keep_receipt, ret_receipt, integer(session)),
		ERR_NOT_FOUND);
}
