/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ended.h"

int end_and_note(struct broker *broker, struct call *call, enum ending_of what, int64_t id,
	const char *reason)
{
	int ended = ending_of(broker, what, id, reason);

	if (ended < 0)
		return ended;
	json_number(call_audit(call), "sessions_ended", ended);
	return 0;
}
