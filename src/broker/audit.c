/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/audit.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "store/chain.h"
#include "broker/context.h"

static int keep_trail(void *context, const struct audit_row *first)
{
	memcpy(context, first->hash, HASH_LEN);
	return 0;
}

int audit_load(struct broker *broker)
{
	struct audit_row row;
	int r = store_audit_last(broker->store, &row);

	broker->audit = (struct audit){ 0 };
	if (r == -ERR_NOT_FOUND)
		return 0;
	if (r < 0)
		return r;
	broker->audit.sequence = row.sequence;
	memcpy(broker->audit.hash, row.hash, HASH_LEN);
	int trail = store_audit_list(broker->store, 0, 1, keep_trail, broker->audit.trail);
	broker->turn.before = broker->audit;
	return trail;
}

void note_begin(struct note *note)
{
	note->text = BUF(sizeof((struct audit_row *)0)->detail - 1);
	note->json = json_begin(&note->text);
	json_open_object(&note->json, NULL);
}

void note_finish(struct note *note)
{
	buf_finish(&note->text);
}

static void detail_fill(struct audit_row *row, struct note *note)
{
	if (note == NULL) {
		text_copy(row->detail, sizeof row->detail, "{}");
		return;
	}
	json_close_object(&note->json);
	if (json_finish(&note->json) < 0) {
		text_copy(row->detail, sizeof row->detail, "{\"too_large\":true}");
		return;
	}
	int r = text_copy_len(row->detail, sizeof row->detail, note->text.data, note->text.len);
	assert(r == 0); /* the note's ceiling is the row's */
}

/* Names that are too long for a row are told by their beginning: looked up elsewhere anyway. */
static void text_cut(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size);

	if (len == size) { /* cut, and not inside of a character */
		len--;
		while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, text, len);
	out[len] = 0;
}

int audit_write(struct broker *broker, const char *event, const char *actor,
	const struct address *from, const char *object, int result, struct note *note)
{
	struct audit_row row = {
		.sequence = broker->audit.sequence + 1, .at = clock_wall_ms(), .result = result
	};

	text_cut(row.event, sizeof row.event, event);
	text_cut(row.actor, sizeof row.actor, actor);
	text_cut(row.object, sizeof row.object, object != NULL ? object : "");
	if (from != NULL)
		address_format(from, row.from);
	detail_fill(&row, note);
	memcpy(row.before, broker->audit.hash, HASH_LEN);
	chain_hash(&row, row.hash);
	int r = store_audit_add(broker->store, &row);
	if (r < 0) {
		broker->turn.poisoned = true;
		return r;
	}
	broker->audit.sequence = row.sequence;
	memcpy(broker->audit.hash, row.hash, HASH_LEN);
	if (row.sequence == 1)
		memcpy(broker->audit.trail, row.hash, HASH_LEN);
	return 0;
}
