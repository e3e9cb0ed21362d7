/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/list.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/a2a.h"
#include "broker/answer.h"
#include "broker/context.h"

int call_list_row(struct call *call, int64_t key)
{
	struct list *list = &call->list;

	list->after = key;
	list->left--;
	list->rows++;
	list->full = call->entity.len >= LIST_PAGE_BYTES;
	return list->full ? LIST_FULL : 0;
}

/* One page. When it was the last, the list is closed and the answer is whole. */
static int page_write(struct call *call)
{
	struct list *list = &call->list;
	struct store_page page = { .after = list->after,
		.last = list->last,
		.limit = (unsigned)MIN(list->left, (int64_t)LIST_PAGE_ROWS),
		.offset = list->offset,
		.since = list->since };
	int r = 0;

	list->rows = 0;
	list->full = false;
	list->offset = 0;
	if (page.limit > 0)
		r = list->fn(call, &page);
	if (r != 0 && r != LIST_FULL)
		return r;
	bool over = list->left == 0 || (!list->full && list->rows < page.limit);
	if (over) {
		json_close_array(&call->json);
		list->name = NULL;
	}
	return call->json.error;
}

/* A date; 0 when it was not given. */
static int since_read(const struct call *call, int64_t *ret_since)
{
	const char *since = call_text(call, "since");

	if (since == NULL || since[0] == 0) {
		*ret_since = 0;
		return 0;
	}
	return clock_parse(since, ret_since) < 0 ? -ERR_PARAMETER_INVALID : 0;
}

static int begin(struct call *call, const char *name, list_fn *fn, int64_t last, int64_t since)
{
	json_open_array(call_json(call), name);
	call->list = (struct list){ .name = name,
		.fn = fn,
		.last = last,
		.left = call_number(call, "limit", INT64_MAX),
		.offset = call_number(call, "offset", 0),
		.since = since,
		.began_ms = clock_monotonic_ms() };
	return page_write(call);
}

int call_list(struct call *call, const char *name, list_fn *fn)
{
	int64_t since;
	int r = since_read(call, &since);

	return r < 0 ? r : begin(call, name, fn, INT64_MAX, since);
}

int call_counted_list(
	struct call *call, const char *name, const char *noun, count_fn *count, list_fn *fn)
{
	struct store_count found = { 0, 0 };
	char message[64];
	int64_t since;
	int r = since_read(call, &since);

	if (r == 0)
		r = count(call, since, &found);
	if (r < 0)
		return r;
	snprintf(message, sizeof message, "%lld %s found", (long long)found.count, noun);
	call_message(call, message, NULL);
	return begin(call, name, fn, found.last, since);
}

static bool room_for_one_more(const struct call *call)
{
	unsigned all = 0, own = 0;

	for (const struct call *other = call->broker->calls.lists; other != NULL;
		other = other->next) {
		all++;
		own += other->principal.authorization_id == call->principal.authorization_id;
	}
	return all < LISTS_MAX && own < LISTS_OF_ONE;
}

static void wait_for_reader(struct call *call)
{
	struct calls *calls = &call->broker->calls;

	call->head = NULL;
	call->next = calls->lists;
	calls->lists = call;
}

void list_answer(struct call *call)
{
	bool goes_on = call->result == 0 && call->list.name != NULL;

	if (goes_on && !room_for_one_more(call)) {
		call->result = -ERR_FULL;
		call->broker->figures.refused++;
		goes_on = false;
	}
	if (answer_send(call, call->result) < 0 || !goes_on)
		call_destroy(call);
	else
		wait_for_reader(call);
}

static void take_out(struct call *call)
{
	struct call **at = &call->broker->calls.lists;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	call->next = NULL;
}

static void drop(struct call *call)
{
	take_out(call);
	call_destroy(call);
}

static struct call *find(
	const struct broker *broker, const struct channel *channel, uint32_t serial)
{
	struct call *call = broker->calls.lists;

	while (call != NULL && (call->channel != channel || call->serial != serial))
		call = call->next;
	return call;
}

/* What was right when the list began may be withdrawn before it ends. */
static int allowed(struct broker *broker, struct call *call)
{
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };

	if (clock_monotonic_ms() - call->list.began_ms > LIST_MS)
		return -ERR_TIMED_OUT;
	if (call->door == DOOR_CONTROL)
		return 0;
	int r = store_authorization_get(broker->store, call->principal.authorization_id, &row);
	if (r == 0)
		r = a2a_allowed(&row, &call->peer, clock_wall_ms());
	call->principal.reads = row.reads;
	call->principal.writes = row.writes;
	return r == 0 ? a2a_rights(call) : r;
}

static void send_page(struct broker *broker, void *context, int result)
{
	struct call *call = context;
	int r = result < 0 ? result : call->result;

	(void)broker;
	call->list.busy = false;
	if (call->channel == NULL)
		r = -ERR_CLOSED; /* nobody wants it any more */
	else if (r == 0)
		r = answer_part(call, call->list.name != NULL ? REPLY_ASKS : REPLY_LAST);
	else
		answer_broken(call);
	if (r < 0)
		log_warning("list.broken", "trace %s: %s", call->trace, error_text(r));
	if (r < 0 || call->list.name == NULL)
		drop(call);
}

int list_more(struct broker *broker, struct channel *channel, const struct message *message)
{
	const struct msg_result *more = message->payload;
	struct call *call = find(broker, channel, message->serial);

	if (call == NULL) /* it was broken meanwhile */
		return 0;
	if (more->result < 0 && call->list.busy)
		call->channel = NULL;
	else if (more->result < 0)
		drop(call);
	if (more->result < 0)
		return 0;
	if (call->list.busy)
		return -ERR_MALFORMED;
	int r = turn_open(broker);
	if (r < 0) {
		send_page(broker, call, r);
		return 0;
	}
	buf_clear(&call->entity);
	call->result = allowed(broker, call);
	if (call->result == 0)
		call->result = page_write(call);
	call->list.busy = true;
	turn_answer(broker, send_page, call);
	return 0;
}

void lists_forget(struct broker *broker, const struct channel *channel)
{
	struct call *next;

	for (struct call *call = broker->calls.lists; call != NULL; call = next) {
		next = call->next;
		if (call->channel == channel)
			drop(call);
	}
}

void lists_end(struct broker *broker)
{
	while (broker->calls.lists != NULL) {
		assert(!broker->calls.lists->list.busy); /* the turn was closed before */
		answer_broken(broker->calls.lists);
		drop(broker->calls.lists);
	}
}
