/* SPDX-License-Identifier: Apache-2.0 */
#include "front/headers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"

#define HEAD_MAX 4096 /* bytes of one head of ours */

static const char security_lines[] =
	"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"X-Frame-Options: DENY\r\n"
	"Referrer-Policy: no-referrer\r\n"
	"Cross-Origin-Opener-Policy: same-origin\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n"
	"Cross-Origin-Embedder-Policy: require-corp\r\n"
	"Permissions-Policy: accelerometer=(), autoplay=(), camera=(), clipboard-read=(self), "
	"clipboard-write=(self), display-capture=(), fullscreen=(self), geolocation=(), "
	"gyroscope=(), "
	"magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), "
	"screen-wake-lock=(), usb=()\r\n";

/* An answer that is data: nothing in it may ever run or be framed. */
static const char data_policy[] =
	"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 413, "Content Too Large" },
	{ 426, "Upgrade Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

const char *status_reason(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return status < 400 ? "OK" : "Error";
}

/* "Date: Mon, 23 Nov 2026 14:05:09 GMT": made once a second. */
static const char *date_line(int64_t wall_ms)
{
	static char line[48];
	static time_t made;
	static const char days[] = "SunMonTueWedThuFriSat",
			  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t second = (time_t)(wall_ms / 1000);
	struct tm tm;
	if (second == made && line[0])
		return line;
	gmtime_r(&second, &tm);
	snprintf(line, sizeof line, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
		days + 3 * (tm.tm_wday % 7), tm.tm_mday % 100, months + 3 * (tm.tm_mon % 12),
		(tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
	made = second;
	return line;
}

struct writer {
	char *at;
	size_t room;
	bool full;
};

static void put(struct writer *writer, const char *text, size_t len)
{
	if (len > writer->room) {
		writer->full = true;
		return;
	}
	memcpy(writer->at, text, len);
	writer->at += len;
	writer->room -= len;
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void put_format(
	struct writer *writer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int len = vsnprintf(writer->at, writer->room, format, arguments);
	va_end(arguments);
	if (len < 0 || (size_t)len >= writer->room) {
		writer->full = true;
		return;
	}
	writer->at += len;
	writer->room -= (size_t)len;
}

static void put_body_lines(struct writer *writer, const struct head *head)
{
	if (head->type)
		put_format(writer, "Content-Type: %s\r\n", head->type);
	if (head->chunked)
		put_text(writer, "Transfer-Encoding: chunked\r\n");
	else if (!head->until_close && head->status >= 200 && head->status != 204 &&
		 head->status != 304)
		put_format(writer, "Content-Length: %llu\r\n", (unsigned long long)head->body_len);
}

int head_write(struct buf *out, const struct head *head)
{
	uint8_t *room;
	int r = buf_reserve(out, HEAD_MAX, &room);
	if (r < 0)
		return r;
	struct writer writer = { (char *)room, HEAD_MAX, false };
	put_format(&writer, "HTTP/1.1 %d %s\r\n", head->status, status_reason(head->status));
	put_text(&writer, date_line(head->wall_ms));
	put_body_lines(&writer, head);
	put_format(&writer, "Cache-Control: %s\r\n", head->cache ? head->cache : "no-store");
	if (head->close)
		put_text(&writer, "Connection: close\r\n");
	put(&writer, security_lines, sizeof security_lines - 1);
	put_format(&writer, "Content-Security-Policy: %s\r\n",
		head->policy ? head->policy : data_policy);
	if (head->extra)
		put_text(&writer, head->extra);
	put(&writer, "\r\n", 2);
	if (writer.full)
		return -ERR_TOO_LARGE;
	buf_commit(out, HEAD_MAX - writer.room);
	return 0;
}

bool header_lines_valid(const char *lines)
{
	const char *at = lines;
	while (*at) {
		const char *end = strstr(at, "\r\n"), *colon = strchr(at, ':');
		if (!end || !colon || colon == at || colon > end)
			return false;
		for (const char *p = at; p < end; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				return false;
		at = end + 2;
	}
	return true;
}
