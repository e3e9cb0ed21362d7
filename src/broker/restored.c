/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/restored.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/context.h"
#include "store/copy.h"

int restored_say(struct broker *broker)
{
	CLEANUP(note_finish) struct note note;
	char from[512];
	int r = store_fact_get(broker->store, FACT_RESTORED, from, sizeof from);

	note_begin(&note);
	if (r < 0 || from[0] == '\0')
		return r == -ERR_NOT_FOUND ? 0 : r;
	json_raw(&note.json, "from", from, strlen(from));
	r = audit_write(broker, "installation.restored", "gateway", NULL, "gateway", 0, &note);
	return r < 0 ? r : store_fact_set(broker->store, FACT_RESTORED, "");
}
