/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store_private.h"

#define ROWS_BITS 40 /* rows of the trail a node has room for */

void store_node_name(const char *setting, char ret_name[HOSTNAME_SIZE])
{
	memset(ret_name, 0, HOSTNAME_SIZE);
	if (text_copy(ret_name, HOSTNAME_SIZE, setting) == 0 && setting[0] != '\0')
		return;
	if (gethostname(ret_name, HOSTNAME_SIZE - 1) < 0 || ret_name[0] == '\0')
		text_copy(ret_name, HOSTNAME_SIZE, "gateway");
}

void store_node_set(struct store *store, int64_t node)
{
	store->node = node;
	store->rows_from = node > 1 ? (node - 1) << ROWS_BITS : 0;
	store->rows_to = store->rows_from + (INT64_C(1) << ROWS_BITS);
}

int store_node_enter(struct store *store, const char *name, int64_t now, int64_t *ret_node)
{
	return one_row(
		RUN(store, NODE_ENTER, keep_number, ret_node, text(name), integer(now)), ERR_STORE);
}

int store_node_seen(struct store *store, int64_t now)
{
	return one_row(RUN(store, NODE_SEEN, NULL, NULL, integer(store->node), integer(now)),
		ERR_NOT_FOUND);
}

int store_node_leave(struct store *store, int64_t now)
{
	return any_rows(RUN(store, NODE_LEAVE, NULL, NULL, integer(store->node), integer(now)));
}

struct each_node {
	int (*keep)(void *, const struct node_row *);
	void *context;
	int result;
};

static int keep_node(void *context, const struct value *values, unsigned count)
{
	struct each_node *each = context;
	struct reader reader = READER(values, count);
	struct node_row node;

	node.id = read_integer(&reader);
	read_text(&reader, node.name);
	node.seen_at = read_integer(&reader);
	node.gone_at = read_integer(&reader);
	each->result = reader.error;
	if (each->result == 0)
		each->result = each->keep(each->context, &node);
	return each->result;
}

int store_node_list(
	struct store *store, int (*keep)(void *, const struct node_row *), void *context)
{
	struct each_node each = { .keep = keep, .context = context };
	int r = RUN(store, NODE_LIST, keep_node, &each);

	return each.result != 0 ? each.result : any_rows(r);
}

int store_node_lost(struct store *store, int64_t now, int64_t seen_before,
	int (*keep)(void *, const struct node_row *), void *context)
{
	struct each_node each = { .keep = keep, .context = context };
	int r = RUN(store, NODE_LOST, keep_node, &each, integer(store->node), integer(now),
		integer(seen_before));

	return each.result != 0 ? each.result : any_rows(r);
}

int store_session_node(struct store *store, int64_t id, int64_t *ret_node)
{
	return one_row(RUN(store, SESSION_NODE, keep_number, ret_node, integer(id)), ERR_NOT_FOUND);
}

int store_session_hold(struct store *store, int64_t id)
{
	return one_row(RUN(store, SESSION_HOLD, NULL, NULL, integer(id)), ERR_WRONG_MOMENT);
}

int store_ending_ask(struct store *store, const struct ending_row *ending, int64_t now)
{
	return any_rows(RUN(store, ENDING_ASK, NULL, NULL, integer(ending->session),
		integer(ending->node), integer(ending->why), text(ending->reason),
		text(ending->actor), text(ending->origin), integer(now)));
}

int store_ending_asked(struct store *store, int64_t session)
{
	return RUN(store, ENDING_ASKED, NULL, NULL, integer(session));
}

int store_ending_done(struct store *store, int64_t session)
{
	return any_rows(RUN(store, ENDING_DONE, NULL, NULL, integer(session)));
}

struct each_ending {
	int (*keep)(void *, const struct ending_row *);
	void *context;
	int result;
};

static int keep_ending(void *context, const struct value *values, unsigned count)
{
	struct each_ending *each = context;
	struct reader reader = READER(values, count);
	struct ending_row ending;

	ending.session = read_integer(&reader);
	ending.node = read_integer(&reader);
	ending.why = (int32_t)read_integer(&reader);
	read_text(&reader, ending.reason);
	read_text(&reader, ending.actor);
	read_text(&reader, ending.origin);
	each->result = reader.error;
	if (each->result == 0)
		each->result = each->keep(each->context, &ending);
	return each->result;
}

int store_ending_list(struct store *store, unsigned limit,
	int (*keep)(void *, const struct ending_row *), void *context)
{
	struct each_ending each = { .keep = keep, .context = context };
	int r = RUN(store, ENDING_LIST, keep_ending, &each, integer(store->node), integer(limit));

	return each.result != 0 ? each.result : any_rows(r);
}
