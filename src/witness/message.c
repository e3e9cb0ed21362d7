/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/message.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/version.h"
#include "witness/cef.h"

#define FACILITY 13 /* log audit */
#define SEVERITY_WARNING 4
#define SEVERITY_INFO 6
#define SEVERITY_ALERT 1
#define MESSAGE_MOST (3 * LINE_BYTES_MAX)

void message_host(const char *name, char out[MESSAGE_HOST_SIZE])
{
	size_t len = 0;

	for (; name[len] != '\0' && len + 1 < MESSAGE_HOST_SIZE; len++)
		out[len] = name[len] > ' ' && name[len] < 0x7f ? name[len] : '?';
	out[len] = '\0';
	if (len == 0)
		text_copy(out, MESSAGE_HOST_SIZE, "-");
}

static int severity(const struct line *line)
{
	if (line->kind == LINE_FORKED)
		return SEVERITY_ALERT;
	return line->kind == LINE_ROW && line->row.result < 0 ? SEVERITY_WARNING : SEVERITY_INFO;
}

static const char *kind(const struct line *line)
{
	static const char *const names[] = { [LINE_ROW] = "audit.row",
		[LINE_AUDIT_HEAD] = "audit.head",
		[LINE_RECORDING_HEAD] = "recording.head",
		[LINE_CONTINUED] = "mirror.continued",
		[LINE_FORKED] = "mirror.forked" };

	return names[line->kind];
}

static int64_t moment(const struct line *line)
{
	switch (line->kind) {
	case LINE_ROW:
		return line->row.at;
	case LINE_AUDIT_HEAD:
		return line->audit.at;
	default:
		return clock_wall_ms();
	}
}

static int write_head(struct buf *out, const struct line *line, const char *host)
{
	char time[CLOCK_TEXT_SIZE];

	return buf_append_format(out,
		"<%d>1 %s %s sallyport - %s [origin software=\"Sallyport\" swVersion=\"%s\"] ",
		FACILITY * 8 + severity(line), clock_format_utc(moment(line), time), host,
		kind(line), gateway_version);
}

static int write_line(struct buf *out, const struct line *line)
{
	CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX);
	int r = line_write(&text, line);

	return r < 0 ? r : buf_append(out, text.data, text.len - 1);
}

int message_write(struct buf *out, const struct line *line, const char *host, bool cef)
{
	CLEANUP(buf_finish) struct buf message = BUF(MESSAGE_MOST);
	int r = write_head(&message, line, host);

	if (r == 0)
		r = cef ? cef_write(&message, line) : write_line(&message, line);
	if (r == 0 && buf_room(out) < message.len + 16)
		r = -ERR_TOO_LARGE;
	if (r == 0)
		r = buf_append_format(out, "%zu ", message.len);
	return r < 0 ? r : buf_append(out, message.data, message.len);
}
