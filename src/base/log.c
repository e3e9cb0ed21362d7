/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#define LOG_DETAIL_SIZE 1024 /* longer details are cut, and say so */
#define LOG_LINE_MAX (8 * LOG_DETAIL_SIZE)

/*
 * The one state of the process that no context carries: every function may log, and there is one
 * stderr.
 */
static struct {
	char process[32];
	enum log_level least;
} state = { "sallyport", LOG_LEVEL_INFO };

static const char *const level_names[] = { "debug", "info", "warning", "error" };

void log_open(const char *process, enum log_level least)
{
	if (text_copy(state.process, sizeof(state.process), process) < 0)
		text_copy(state.process, sizeof(state.process), "sallyport");
	state.least = least;
}

static void write_line(enum log_level level, const char *event, const char *detail)
{
	CLEANUP(buf_finish) struct buf line = BUF(LOG_LINE_MAX);
	struct json json = json_begin(&line);
	char now[CLOCK_TEXT_SIZE];

	json_open_object(&json, NULL);
	json_text(&json, "time", clock_format_utc(clock_wall_ms(), now));
	json_text(&json, "level", level_names[level]);
	json_text(&json, "process", state.process);
	json_text(&json, "event", event);
	json_text(&json, "detail", detail);
	json_close_object(&json);
	if (json_finish(&json) < 0 || buf_append(&line, "\n", 1) < 0)
		return;
	/* One write, so that lines of several processes never mix. A reader who is slow loses it.
	 */
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		return;
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
	char detail[LOG_DETAIL_SIZE];
	int kept = errno, len;
	va_list arguments;

	if (level < state.least)
		return;
	va_start(arguments, format);
	len = vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	if (len < 0)
		detail[0] = '\0';
	if (len >= (int)sizeof(detail))
		snprintf(detail + sizeof(detail) - 4, 4, "...");
	write_line(level, event, detail);
	errno = kept;
}
