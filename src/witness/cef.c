/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/cef.h"

#include <inttypes.h>
#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/version.h"

#define SEVERITY_HEAD 1
#define SEVERITY_DONE 3
#define SEVERITY_REFUSED 6
#define SEVERITY_FORKED 10

/* In the header a bar ends a field, in the extension an equals sign a name. */
static int escape(struct buf *out, const char *text, size_t len, char special)
{
	int r = 0;

	for (size_t i = 0; i < len && r == 0; i++) {
		char c = text[i];
		if (c == '\\' || c == special)
			r = buf_append(out, "\\", 1);
		else if (c == '\n' || c == '\r') {
			r = buf_append_text(out, c == '\n' ? "\\n" : "\\r");
			continue;
		}
		if ((unsigned char)c < ' ' || c == 0x7f) /* a terminal's, in a damaged store */
			c = '?';
		if (r == 0)
			r = buf_append(out, &c, 1);
	}
	return r;
}

static int header(struct buf *out, const char *event, int severity)
{
	int r = buf_append_format(out, "CEF:0|Sallyport|Sallyport|%s|", gateway_version);

	for (int i = 0; i < 2 && r == 0; i++) { /* what it is, by id and by name */
		r = escape(out, event, strlen(event), '|');
		if (r == 0)
			r = buf_append(out, "|", 1);
	}
	return r < 0 ? r : buf_append_format(out, "%d|", severity);
}

static int field(struct buf *out, const char *name, const char *text)
{
	if (text[0] == '\0')
		return 0;
	int r = buf_append_format(out, "%s=", name);
	if (r == 0)
		r = escape(out, text, strlen(text), '=');
	return r < 0 ? r : buf_append(out, " ", 1);
}

static int from(struct buf *out, const char *text)
{
	struct address address;

	if (address_parse(&address, text) < 0)
		return 0;
	if (address.family == 4)
		return field(out, "src", text);
	int r = field(out, "c6a2", text);
	return r < 0 ? r : field(out, "c6a2Label", "Source IPv6 Address");
}

static int labelled(struct buf *out, const char *name, const char *label, const char *text)
{
	if (text[0] == '\0')
		return 0;
	int r = buf_append_format(out, "%sLabel=%s ", name, label);
	return r < 0 ? r : field(out, name, text);
}

static int write_row(struct buf *out, const struct audit_row *row)
{
	int r = header(out, row->event, row->result < 0 ? SEVERITY_REFUSED : SEVERITY_DONE);

	if (r == 0)
		r = buf_append_format(
			out, "rt=%" PRId64 " externalId=%" PRId64 " ", row->at, row->sequence);
	if (r == 0)
		r = field(out, "suser", row->actor);
	if (r == 0)
		r = from(out, row->from);
	if (r == 0)
		r = labelled(out, "cs2", "object", row->object);
	if (r == 0)
		r = field(out, "outcome", row->result < 0 ? "failure" : "success");
	return r == 0 && row->result < 0 ? field(out, "reason", error_name(row->result)) : r;
}

static int write_audit_head(struct buf *out, const struct audit_head *head)
{
	int r = header(out, "audit.head", SEVERITY_HEAD);

	return r < 0 ? r
		     : buf_append_format(out, "rt=%" PRId64 " externalId=%" PRId64 " ", head->at,
			       head->sequence);
}

static int write_recording_head(struct buf *out, const struct recording_head *head)
{
	int r = header(out, "recording.head", SEVERITY_HEAD);

	return r < 0 ? r : labelled(out, "cs2", "session", head->session_id);
}

static int write_fields(struct buf *out, const struct line *line)
{
	switch (line->kind) {
	case LINE_ROW:
		return write_row(out, &line->row);
	case LINE_AUDIT_HEAD:
		return write_audit_head(out, &line->audit);
	case LINE_RECORDING_HEAD:
		return write_recording_head(out, &line->recording);
	default:
		return header(out, "mirror.forked", SEVERITY_FORKED);
	}
}

int cef_write(struct buf *out, const struct line *line)
{
	CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX);
	int r = write_fields(out, line);

	if (r == 0)
		r = line_write(&text, line);
	if (r == 0)
		r = buf_append_text(out, "cs1Label=line cs1=");
	return r < 0 ? r : escape(out, (char *)text.data, text.len - 1, '=');
}
