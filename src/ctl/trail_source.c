/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "ctl/lines.h"
#include "ctl/trail.h"
#include "store/store.h"
#include "wire/line.h"

/* ---- a store ---- */

#define PAGE 1000
#define HEADS_SCHEMA 2 /* the first that has them */

struct pages {
	struct trail *trail;
	struct store *store;
	bool has_heads; /* an older schema has not */
	bool dry;       /* no more of them, as this page of rows sees the store */
	struct audit_head heads[PAGE];
	unsigned head_count, head;
	int64_t heads_after; /* where the next page begins */
	unsigned rows;       /* in the page at hand */
	int error;
};

static int keep_head(void *context, const struct audit_head *head)
{
	struct pages *pages = context;

	pages->heads[pages->head_count++] = *head;
	pages->heads_after = head->sequence;
	return 0;
}

/* The next head, or NULL after the last one. */
static const struct audit_head *next_head(struct pages *pages)
{
	if (pages->head == pages->head_count && pages->has_heads && !pages->dry) {
		pages->head = pages->head_count = 0;
		pages->error =
			store_head_list(pages->store, pages->heads_after, PAGE, keep_head, pages);
		pages->dry = pages->head_count == 0 || pages->error < 0;
	}
	return pages->head < pages->head_count ? &pages->heads[pages->head] : NULL;
}

static int take_row(void *context, const struct audit_row *row)
{
	struct pages *pages = context;
	const struct audit_head *head;

	pages->rows++;
	int done = trail_row(pages->trail, row);
	while (done == 0 && (head = next_head(pages)) != NULL && head->sequence <= row->sequence) {
		done = trail_head(pages->trail, head);
		pages->head++;
	}
	return pages->error < 0 ? pages->error : done;
}

static int schema_of(struct store *store)
{
	char number[16];

	if (store_fact_get(store, "schema", number, sizeof number) < 0)
		return 0;
	return (int)strtol(number, NULL, 10);
}

static int walk_rows(struct pages *pages)
{
	int r = 0;

	do {
		pages->rows = 0;
		pages->dry = false;
		r = store_audit_list(
			pages->store, pages->trail->report->last, PAGE, take_row, pages);
	} while (r == 0 && pages->rows > 0);
	return r;
}

static int walk_store(struct pages *pages)
{
	int r = walk_rows(pages);
	const struct audit_head *head = r == 0 ? next_head(pages) : NULL;

	if (head != NULL) { /* of a row that came meanwhile, or of one that was there once */
		int64_t wanted = head->sequence;
		r = walk_rows(pages);
		if (r == 0 && pages->trail->report->last < wanted)
			trail_broken(pages->trail, "missing");
	}
	if (pages->error < 0)
		return pages->error;
	return r < 0 ? r : 0;
}

int trail_from_store(struct trail *trail, struct store *store)
{
	CLEANUP(mem_freep) struct pages *pages = calloc(1, sizeof *pages);

	if (pages == NULL)
		return -ERR_SYSTEM;
	pages->trail = trail;
	pages->store = store;
	pages->has_heads = schema_of(store) >= HEADS_SCHEMA;
	return walk_store(pages);
}

/* ---- a mirror ---- */

static int take_continued(struct trail *trail, const struct line_place *place)
{
	if (trail->report->last == 0 && trail->report->first == 0)
		trail_goes_on(trail, place->sequence, place->hash);
	else if (place->sequence != trail->report->last ||
		 memcmp(place->hash, trail->head, HASH_LEN) != 0)
		trail_broken(trail, "missing");
	return trail->done;
}

static int take_line(struct trail *trail, const struct line *line)
{
	switch (line->kind) {
	case LINE_ROW:
		return trail_row(trail, &line->row);
	case LINE_AUDIT_HEAD:
		return trail_head(trail, &line->audit);
	case LINE_CONTINUED:
		return take_continued(trail, &line->place);
	case LINE_FORKED:
		trail_broken(trail, "the store went back behind what was mirrored");
		return 1;
	default:
		return 0;
	}
}

/* What a write that was cut, or that is under way, leaves at the end. */
static bool begins_like_a_line(const struct lines_line *it)
{
	static const char begin[] = "{\"kind\":\"";

	return memcmp(it->text, begin, MIN(it->len, sizeof begin - 1)) == 0;
}

int trail_from_mirror(struct trail *trail, int fd)
{
	CLEANUP(mem_freep) struct line *line = malloc(sizeof *line);
	CLEANUP(lines_finish) struct lines lines;
	struct lines_line it;
	int r = lines_init(&lines, fd), done = 0;

	if (line == NULL)
		r = -ERR_SYSTEM;
	while (r >= 0 && done == 0 && (r = lines_next(&lines, &it)) > 0) {
		if (it.whole && line_read(it.text, it.len, line) == 0)
			done = take_line(trail, line);
		else if (it.whole || it.len == 0 || !begins_like_a_line(&it))
			trail_broken(trail, "its line is not as it was written");
	}
	return r < 0 ? r : 0;
}
