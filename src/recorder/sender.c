/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/sender.h"

#include <stddef.h>

static struct sender *find(struct senders *senders, uint64_t page)
{
	for (unsigned i = 0; i < SENDERS_MAX; i++)
		if (senders->rows[i].page == page)
			return &senders->rows[i];
	return NULL;
}

/* The one that was away longest; there are more rows than can be attached. */
static struct sender *oldest(struct senders *senders)
{
	struct sender *found = NULL;

	for (unsigned i = 0; i < SENDERS_MAX; i++) {
		struct sender *row = &senders->rows[i];
		if (!row->attached && (found == NULL || row->used < found->used))
			found = row;
	}
	return found;
}

struct sender *sender_attach(struct senders *senders, uint64_t page, bool *ret_known)
{
	*ret_known = false;
	if (page == 0)
		return NULL;
	struct sender *row = find(senders, page);
	*ret_known = row != NULL;
	if (row == NULL && (row = oldest(senders)) != NULL)
		*row = (struct sender){ .page = page };
	if (row != NULL) {
		row->attached = true;
		row->used = ++senders->used;
	}
	return row;
}

void sender_detach(struct sender *sender)
{
	if (sender != NULL)
		sender->attached = false;
}
