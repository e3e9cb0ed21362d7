/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

static int keep_audit(void *context, const struct value *values, unsigned count)
{
	struct audit_row *ret_row = context;
	struct reader reader = READER(values, count);
	ret_row->sequence = read_integer(&reader);
	ret_row->at = read_integer(&reader);
	read_text(&reader, ret_row->event);
	read_text(&reader, ret_row->actor);
	read_text(&reader, ret_row->from);
	read_text(&reader, ret_row->object);
	ret_row->result = read_integer(&reader);
	read_text(&reader, ret_row->detail);
	read_bytes(&reader, ret_row->before, sizeof ret_row->before);
	read_bytes(&reader, ret_row->hash, sizeof ret_row->hash);
	return reader.error;
}

struct each_audit {
	int64_t from; /* where this node's rows begin */
	int (*keep)(void *, const struct audit_row *);
	void *context;
	int result;
};

static int keep_each_audit(void *context, const struct value *values, unsigned count)
{
	struct each_audit *each = context;
	struct audit_row row;
	each->result = keep_audit(&row, values, count);
	row.sequence -= each->from;
	if (each->result == 0)
		each->result = each->keep(each->context, &row);
	return each->result;
}

int store_audit_add(struct store *store, const struct audit_row *row)
{
	return any_rows(RUN(store, AUDIT_ADD, NULL, NULL, integer(store->rows_from + row->sequence),
		integer(row->at), text(row->event), text(row->actor), text(row->from),
		text(row->object), integer(row->result), text(row->detail), HASH(row->before),
		HASH(row->hash)));
}

int store_audit_last(struct store *store, struct audit_row *ret_row)
{
	int r = one_row(RUN(store, AUDIT_LAST, keep_audit, ret_row, integer(store->rows_from),
				integer(store->rows_to)),
		ERR_NOT_FOUND);
	ret_row->sequence -= store->rows_from;
	return r;
}

int store_audit_list(struct store *store, int64_t after, unsigned limit,
	int (*keep)(void *, const struct audit_row *), void *context)
{
	struct each_audit each = { .from = store->rows_from, .keep = keep, .context = context };
	int r = RUN(store, AUDIT_LIST, keep_each_audit, &each, integer(store->rows_from + after),
		integer(limit), integer(store->rows_to));
	return each.result != 0 ? each.result : any_rows(r);
}
