/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/steady.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"

#define JUMP_MS 1000

static int64_t difference(void)
{
	return clock_wall_ms() - (int64_t)clock_machine_ms();
}

int64_t steady_now(const struct broker *broker)
{
	return broker->steady.began + (int64_t)clock_machine_ms();
}

static int audit_jump(struct broker *broker, int64_t by_ms, const char *seen)
{
	CLEANUP(note_finish) struct note note;
	char time[CLOCK_TEXT_SIZE];
	int r = turn_open(broker);

	note_begin(&note);
	json_number(&note.json, "by_ms", by_ms);
	json_text(&note.json, "before", clock_format_utc(clock_wall_ms() - by_ms, time));
	json_text(&note.json, "seen", seen);
	if (r == 0)
		r = audit_write(broker, "clock.jumped", "gateway", NULL, "clock", 0, &note);
	log_warning("clock.jumped", "by %lld ms", (long long)by_ms);
	return r;
}

int steady_begin(struct broker *broker)
{
	const struct settings *settings = broker->settings;
	int64_t now = clock_wall_ms();
	struct audit_row last;

	broker->steady = (struct steady){ difference(), difference(), 0 };
	int r = store_audit_last(broker->store, &last);
	if (r == -ERR_NOT_FOUND)
		return 0;
	bool past = r == 0 && now + JUMP_MS < last.at;
	if (r == 0)
		r = turn_open(broker);
	if (r == 0 && past)
		r = audit_jump(broker, now - last.at, "at the start");
	if (r == 0)
		r = store_lifetimes_cut(broker->store,
			past ? 0 : now + settings->ticket_lifetime * 1000,
			past ? 0 : now + settings->api_token_lifetime * 1000);
	return r;
}

void steady_look(struct broker *broker)
{
	struct steady *steady = &broker->steady;
	int64_t by_ms = difference() - steady->looked;

	if (llabs(by_ms) <= JUMP_MS)
		return;
	steady->jumped_at = clock_machine_ms();
	if (audit_jump(broker, by_ms, "while running") == 0)
		steady->looked += by_ms; /* otherwise said again at the next tick */
}
