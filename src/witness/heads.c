/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/heads.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HEADS_LEAST 64

/* A line without room for a row. */
struct head_waiting {
	bool recording;
	union {
		struct audit_head audit;
		struct recording_head of;
	};
};

void heads_finish(struct heads *heads)
{
	free(STEAL(heads->rows));
	free(STEAL(heads->chains));
	heads->first = heads->count = heads->cap = 0;
}

static unsigned place(const struct heads *heads, unsigned index)
{
	return (heads->first + index) % heads->cap;
}

/* There is one audit trail; recordings are told apart by the random end of their id. */
static uint32_t chain_of(const struct head_waiting *head)
{
	uint32_t hash = 2166136261u;

	if (!head->recording)
		return 0;
	for (const char *c = head->of.session_id; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return hash | 1;
}

static bool same_chain(const struct head_waiting *a, const struct head_waiting *b)
{
	return a->recording == b->recording &&
	       (!a->recording || strcmp(a->of.session_id, b->of.session_id) == 0);
}

static bool grow(struct heads *heads)
{
	unsigned cap = heads->cap == 0 ? HEADS_LEAST : heads->cap * 2;
	struct head_waiting *rows = calloc(cap, sizeof *rows);
	uint32_t *chains = calloc(cap, sizeof *chains);

	if (rows == NULL || chains == NULL) {
		free(rows);
		free(chains);
		return false;
	}
	for (unsigned i = 0; i < heads->count; i++) {
		rows[i] = heads->rows[place(heads, i)];
		chains[i] = heads->chains[place(heads, i)];
	}
	free(heads->rows);
	free(heads->chains);
	heads->rows = rows;
	heads->chains = chains;
	heads->first = 0;
	heads->cap = cap;
	return true;
}

/* The newer one takes the place of the older: who waits longest still goes first. */
static bool replaced(struct heads *heads, const struct head_waiting *head, uint32_t chain)
{
	for (unsigned i = heads->count; i-- > 0;) {
		unsigned at = place(heads, i);
		if (heads->chains[at] != chain || !same_chain(&heads->rows[at], head))
			continue;
		heads->rows[at] = *head;
		return true;
	}
	return false;
}

static void drop_oldest(struct heads *heads)
{
	heads->first = place(heads, 1);
	heads->count--;
}

void heads_put(struct heads *heads, const struct line *line)
{
	struct head_waiting head = { .recording = line->kind == LINE_RECORDING_HEAD };

	if (head.recording)
		head.of = line->recording;
	else
		head.audit = line->audit;
	uint32_t chain = chain_of(&head);
	if (heads->count >= HEADS_PLENTY && replaced(heads, &head, chain)) {
		heads->left_out++;
		return;
	}
	if (heads->count == heads->cap && heads->cap < HEADS_MAX && !grow(heads)) {
		heads->left_out++;
		return;
	}
	if (heads->count == heads->cap) {
		drop_oldest(heads);
		heads->left_out++;
	}
	unsigned at = place(heads, heads->count++);
	heads->rows[at] = head;
	heads->chains[at] = chain;
}

int heads_take(struct heads *heads, struct line *ret_line)
{
	if (heads->count == 0)
		return 0;
	const struct head_waiting *head = &heads->rows[heads->first];
	memset(ret_line, 0, sizeof *ret_line);
	ret_line->kind = head->recording ? LINE_RECORDING_HEAD : LINE_AUDIT_HEAD;
	if (head->recording)
		ret_line->recording = head->of;
	else
		ret_line->audit = head->audit;
	drop_oldest(heads);
	if (heads->count == 0) /* what idles costs nothing */
		heads_finish(heads);
	return 1;
}
