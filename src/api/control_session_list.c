/* SPDX-License-Identifier: Apache-2.0 */
/* session list: newest first; state may be one of the four, or "open" for all that have not ended.
 */
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MOST 1000
#define PAGE_FULL 1 /* the list is stopped: not an error */

static const struct field fields[] = {
	{ "limit", FIELD_INTEGER, LIMIT_MOST, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "before", FIELD_INTEGER, INT64_MAX, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "state", FIELD_TEXT, 15, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

struct page {
	struct json *json;
	const char *state; /* "": any */
	int64_t before, left;
};

static bool is_wanted(const struct page *page, const struct session_row *session)
{
	if (page->before > 0 && session->id >= page->before)
		return false;
	if (strcmp(page->state, "open") == 0)
		return session->state != SESSION_ENDED;
	return page->state[0] == '\0' ||
	       strcmp(page->state, session_state_name(session->state)) == 0;
}

static int write_session(void *context, const struct session_row *session)
{
	struct page *page = context;
	if (page->left == 0)
		return PAGE_FULL;
	if (is_wanted(page, session)) {
		control_session_write(page->json, NULL, session);
		page->left--;
	}
	return 0;
}

static bool is_state(const char *word)
{
	bool known = word[0] == '\0' || strcmp(word, "open") == 0;
	for (int i = SESSION_CREATED; i <= SESSION_ENDED && !known; i++)
		known = strcmp(word, session_state_name(i)) == 0;
	return known;
}

static int answer(struct broker *broker, struct call *call)
{
	struct store *store = call_store(call);
	struct page page = { .json = call_json(call),
		.state = control_text(call, "state"),
		.before = call_number(call, "before", 0),
		.left = call_number(call, "limit", LIMIT_DEFAULT) };
	bool any = page.state[0] == '\0' || strcmp(page.state, "ended") == 0;
	if (!is_state(page.state))
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"The state is created, redeemed, live, ended or open");
	json_open_array(page.json, "sessions");
	/* the unended are few; among all of them they would be looked for row by row */
	int r = any ? store_session_list(store, page.before, INT32_MAX, write_session, &page)
		    : store_session_unended(store, write_session, &page);
	json_close_array(page.json);
	return r == PAGE_FULL ? 0 : r;
}

const struct endpoint control_session_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "session/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Sessions",
	.answer = answer,
};
