/* SPDX-License-Identifier: Apache-2.0 */
#include "front/http.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"

#define METHOD_MAX 7
#define CHUNK_LINE_MAX 256   /* bytes of a chunk line, extensions included */
#define CHUNK_EXTRA_MAX 4096 /* bytes of extensions and trailers in one body */

/* What a byte may be part of. */
enum {
	TOKEN = 1,  /* field name, method: RFC 9110 section 5.6.2 */
	TARGET = 2, /* request target: RFC 3986, and [ ] that real clients send in queries */
	VALUE = 4,  /* field value: visible, blank, tab, and bytes above 0x7f */
	HOST = 8,   /* authority without user information */
	DIGIT = 16,
	HEX = 32,
};

#define PLAIN (TOKEN | TARGET | VALUE) /* means nothing anywhere */
#define LETTER (PLAIN | HOST)

/* clang-format off */
static const uint8_t kinds[256] = {
	['\t'] = VALUE, [' '] = VALUE, ['!'] = PLAIN, ['"'] = VALUE, ['#'] = TOKEN | VALUE,
	['$'] = PLAIN, ['%'] = PLAIN, ['&'] = PLAIN, ['\''] = PLAIN, ['('] = TARGET | VALUE,
	[')'] = TARGET | VALUE, ['*'] = PLAIN, ['+'] = PLAIN, [','] = TARGET | VALUE,
	['-'] = LETTER, ['.'] = LETTER, ['/'] = TARGET | VALUE,
	['0' ... '9'] = LETTER | DIGIT | HEX, [':'] = TARGET | VALUE | HOST,
	[';'] = TARGET | VALUE, ['<'] = VALUE, ['='] = TARGET | VALUE,
	['>'] = VALUE, ['?'] = TARGET | VALUE, ['@'] = TARGET | VALUE,
	['A' ... 'F'] = LETTER | HEX, ['G' ... 'Z'] = LETTER, ['['] = TARGET | VALUE | HOST,
	['\\'] = VALUE, [']'] = TARGET | VALUE | HOST, ['^'] = TOKEN | VALUE, ['_'] = LETTER,
	['`'] = TOKEN | VALUE, ['a' ... 'f'] = LETTER | HEX, ['g' ... 'z'] = LETTER, ['{'] = VALUE,
	['|'] = TOKEN | VALUE, ['}'] = VALUE, ['~'] = PLAIN, [0x80 ... 0xff] = VALUE,
};
/* once: a second field of that name is a reason to refuse. */
static const struct { const char *text; uint8_t len; bool once; } names[HTTP_NAME_COUNT] = {
#define NAME(text, once) { text, sizeof(text) - 1, once }
	[HTTP_ACCEPT_ENCODING] = NAME("accept-encoding", false),
	[HTTP_AUTHORIZATION] = NAME("authorization", true),
	[HTTP_CONNECTION] = NAME("connection", false),
	[HTTP_CONTENT_ENCODING] = NAME("content-encoding", true),
	[HTTP_CONTENT_LENGTH] = NAME("content-length", true),
	[HTTP_CONTENT_TYPE] = NAME("content-type", true),
	[HTTP_COOKIE] = NAME("cookie", true),
	[HTTP_EXPECT] = NAME("expect", true),
	[HTTP_HOST] = NAME("host", true),
	[HTTP_IF_NONE_MATCH] = NAME("if-none-match", false),
	[HTTP_ORIGIN] = NAME("origin", true),
	[HTTP_REFERER] = NAME("referer", true),
	[HTTP_SEC_FETCH_SITE] = NAME("sec-fetch-site", true),
	[HTTP_TRANSFER_ENCODING] = NAME("transfer-encoding", true),
	[HTTP_UPGRADE] = NAME("upgrade", false),
	[HTTP_USER_AGENT] = NAME("user-agent", true),
	[HTTP_WEBSOCKET_EXTENSIONS] = NAME("sec-websocket-extensions", false),
	[HTTP_WEBSOCKET_KEY] = NAME("sec-websocket-key", true),
	[HTTP_WEBSOCKET_PROTOCOL] = NAME("sec-websocket-protocol", false),
	[HTTP_WEBSOCKET_VERSION] = NAME("sec-websocket-version", true),
	[HTTP_X_FORWARDED_FOR] = NAME("x-forwarded-for", false),
#undef NAME
};
/* clang-format on */

static bool all(struct slice slice, uint8_t kind)
{
	for (uint32_t i = 0; i < slice.len; i++)
		if (!(kinds[(uint8_t)slice.at[i]] & kind))
			return false;
	return true;
}

bool slice_is(struct slice slice, const char *text)
{
	return slice.at && slice.len == strlen(text) && memcmp(slice.at, text, slice.len) == 0;
}

bool slice_is_word(struct slice slice, const char *text)
{
	return slice.at && slice.len == strlen(text) && strncasecmp(slice.at, text, slice.len) == 0;
}

static struct slice trim(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (at < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct slice){ at, (uint32_t)(end - at) };
}

bool slice_has_token(struct slice slice, const char *token)
{
	const char *at = slice.at, *end = at + slice.len;
	while (at && at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		if (!comma)
			comma = end;
		if (slice_is_word(trim(at, comma), token))
			return true;
		at = comma + 1;
	}
	return false;
}

bool http_field_next(const struct http_request *request, enum http_name name, unsigned *index,
	struct slice *ret_value)
{
	for (; *index < request->field_count; (*index)++)
		if (request->fields[*index].name == name) {
			*ret_value = request->fields[(*index)++].value;
			return true;
		}
	return false;
}

bool http_has_token(const struct http_request *request, enum http_name name, const char *token)
{
	struct slice value;
	for (unsigned i = 0; http_field_next(request, name, &i, &value);)
		if (slice_has_token(value, token))
			return true;
	return false;
}

bool http_cookie(const struct http_request *request, const char *name, struct slice *ret_value)
{
	struct slice all_cookies = request->known[HTTP_COOKIE], found = {};
	const char *at = all_cookies.at, *end = at + all_cookies.len;
	size_t name_len = strlen(name);
	while (at && at < end) {
		const char *semicolon = memchr(at, ';', (size_t)(end - at));
		if (!semicolon)
			semicolon = end;
		struct slice pair = trim(at, semicolon);
		if (pair.len > name_len && memcmp(pair.at, name, name_len) == 0 &&
			pair.at[name_len] == '=') {
			if (found.at)
				return false;
			found.at = pair.at + name_len + 1;
			found.len = pair.len - (uint32_t)name_len - 1;
		}
		at = semicolon + 1;
	}
	if (found.at)
		*ret_value = found;
	return found.at != NULL;
}

/*
 * The line at `at`: returns its length without CRLF, -ERR_AGAIN when its end has not come. A bare
 * LF or a CR inside is a fault even before the rest is known.
 */
static int line_length(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	const char *stop = newline ? newline : end;
	const char *carriage = memchr(at, '\r', (size_t)(stop - at));
	if (!newline) {
		if (carriage && carriage + 1 != end)
			return -ERR_MALFORMED;
		return -ERR_AGAIN;
	}
	if (!carriage || carriage + 1 != newline)
		return -ERR_MALFORMED;
	return (int)(carriage - at);
}

/* Absolute form is taken only for ourselves: https and the authority that Host names. */
static int parse_target(
	struct slice target, struct http_request *request, struct slice *ret_authority)
{
	*ret_authority = (struct slice){};
	if (target.len == 0 || !all(target, TARGET))
		return -ERR_MALFORMED;
	const char *at = target.at, *end = at + target.len;
	if (*at != '/') {
		if (target.len < 9 || strncasecmp(at, "https://", 8) != 0)
			return -ERR_MALFORMED;
		const char *slash = memchr(at + 8, '/', target.len - 8);
		if (!slash || slash == at + 8)
			return -ERR_MALFORMED;
		*ret_authority = (struct slice){ at + 8, (uint32_t)(slash - at - 8) };
		at = slash;
	}
	const char *mark = memchr(at, '?', (size_t)(end - at));
	request->path = (struct slice){ at, (uint32_t)((mark ? mark : end) - at) };
	if (mark)
		request->query = (struct slice){ mark + 1, (uint32_t)(end - mark - 1) };
	if (memchr(at, '[', request->path.len) || memchr(at, ']', request->path.len))
		return -ERR_MALFORMED;
	return 0;
}

static int parse_request_line(
	const char *at, int len, struct http_request *request, struct slice *ret_authority)
{
	const char *end = at + len;
	const char *space = memchr(at, ' ', (size_t)len);
	if (!space || space == at || space - at > METHOD_MAX)
		return -ERR_MALFORMED;
	request->method = (struct slice){ at, (uint32_t)(space - at) };
	for (const char *p = at; p < space; p++)
		if (*p < 'A' || *p > 'Z')
			return -ERR_MALFORMED;
	const char *target = space + 1;
	space = memchr(target, ' ', (size_t)(end - target));
	if (!space || end - space != 9 || memcmp(space, " HTTP/1.", 8) != 0)
		return -ERR_MALFORMED;
	if (end[-1] != '0' && end[-1] != '1')
		return -ERR_MALFORMED;
	request->minor = (uint8_t)(end[-1] - '0');
	return parse_target(
		(struct slice){ target, (uint32_t)(space - target) }, request, ret_authority);
}

static enum http_name find_name(const char *at, size_t len)
{
	for (unsigned i = HTTP_OTHER + 1; i < HTTP_NAME_COUNT; i++)
		if (names[i].len == len && (at[0] | 0x20) == names[i].text[0] &&
			strncasecmp(at, names[i].text, len) == 0)
			return (enum http_name)i;
	return HTTP_OTHER;
}

static int parse_field(const char *at, int len, struct http_request *request)
{
	const char *colon = memchr(at, ':', (size_t)len);
	if (!colon || colon == at || !all((struct slice){ at, (uint32_t)(colon - at) }, TOKEN))
		return -ERR_MALFORMED; /* also a folded line, and white space before the colon */
	struct slice value = trim(colon + 1, at + len);
	if (!all(value, VALUE))
		return -ERR_MALFORMED;
	if (request->field_count == HTTP_FIELDS_MAX)
		return -ERR_HEAD_TOO_LARGE;
	enum http_name name = find_name(at, (size_t)(colon - at));
	if (name != HTTP_OTHER) {
		if (!request->known[name].at)
			request->known[name] = value;
		else if (names[name].once)
			return -ERR_MALFORMED;
	}
	request->fields[request->field_count++] = (struct http_field){ name, value };
	return 0;
}

/* host [":" port]; an IPv6 address in brackets. */
static bool host_valid(struct slice host)
{
	if (host.len == 0 || host.len >= HOSTNAME_SIZE || !all(host, HOST))
		return false;
	const char *at = host.at, *end = at + host.len, *port;
	if (*at == '[') {
		const char *bracket = memchr(at, ']', host.len);
		if (!bracket || bracket - at < 3)
			return false;
		for (const char *p = at + 1; p < bracket; p++)
			if (!(kinds[(uint8_t)*p] & HEX) && *p != ':' && *p != '.')
				return false;
		port = bracket + 1;
	} else {
		port = memchr(at, ':', host.len);
		if (memchr(at, '[', host.len) || memchr(at, ']', host.len))
			return false;
		if (!port)
			port = end;
		if (port == at)
			return false;
	}
	if (port == end)
		return true;
	struct slice digits = { port + 1, (uint32_t)(end - port - 1) };
	return *port == ':' && digits.len >= 1 && digits.len <= 5 && all(digits, DIGIT);
}

static int settle_length(struct http_request *request)
{
	struct slice length = request->known[HTTP_CONTENT_LENGTH];
	struct slice coding = request->known[HTTP_TRANSFER_ENCODING];
	if (coding.at) {
		if (length.at || request->minor == 0 || !slice_is_word(coding, "chunked"))
			return -ERR_MALFORMED;
		request->chunked = true;
		return 0;
	}
	if (!length.at)
		return 0;
	if (length.len == 0 || length.len > 19 || !all(length, DIGIT))
		return -ERR_MALFORMED;
	uint64_t value = 0;
	for (uint32_t i = 0; i < length.len; i++)
		value = value * 10 + (uint64_t)(length.at[i] - '0');
	if (value > HTTP_BODY_MAX)
		return -ERR_TOO_LARGE;
	request->content_length = (uint32_t)value;
	return 0;
}

/* What only the whole head can tell. */
static int settle(struct http_request *request, struct slice authority)
{
	struct slice host = request->known[HTTP_HOST];
	if (host.at ? !host_valid(host) : request->minor == 1)
		return -ERR_MALFORMED;
	if (authority.at && (!host.at || authority.len != host.len ||
				    strncasecmp(authority.at, host.at, host.len) != 0))
		return -ERR_MALFORMED;
	struct slice expect = request->known[HTTP_EXPECT];
	if (expect.at && !slice_is_word(expect, "100-continue"))
		return -ERR_MALFORMED;
	struct slice coding = request->known[HTTP_CONTENT_ENCODING];
	if (coding.at && !slice_is_word(coding, "identity"))
		return -ERR_MALFORMED;
	request->expects_continue = expect.at && request->minor == 1;
	request->close = request->minor == 0 || http_has_token(request, HTTP_CONNECTION, "close");
	return settle_length(request);
}

int http_parse(const void *bytes, size_t len, struct http_request *ret_request)
{
	struct http_request *request = ret_request;
	const char *start = bytes, *at = start, *end = at + MIN(len, (size_t)HTTP_HEAD_MAX);
	struct slice authority = {};
	memset(request, 0, offsetof(struct http_request, fields));
	memset(&request->field_count, 0,
		sizeof *request - offsetof(struct http_request, field_count));
	/* One empty line before the request is allowed for: RFC 9112 section 2.2. */
	if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		at += 2;
	for (bool first = true;; first = false) {
		int line = line_length(at, end);
		if (line == -ERR_AGAIN) {
			if (first && end - at > HTTP_LINE_MAX + 2)
				return -ERR_HEAD_TOO_LARGE;
			return len >= HTTP_HEAD_MAX ? -ERR_HEAD_TOO_LARGE : 0;
		}
		if (line < 0)
			return line;
		if (line == 0 && !first) {
			request->head_len = (uint32_t)(at + 2 - start);
			break;
		}
		if (first && line > HTTP_LINE_MAX)
			return -ERR_HEAD_TOO_LARGE;
		int r = first ? parse_request_line(at, line, request, &authority)
			      : parse_field(at, line, request);
		if (r < 0)
			return r;
		at += line + 2;
	}
	int r = settle(request, authority);
	return r < 0 ? r : (int)request->head_len;
}

/*
 * Chunked bodies. chunk = size [";" extension] CRLF data CRLF; the last has size 0 and is followed
 * by trailer lines, which are checked and forgotten, and an empty line.
 */
enum chunk_phase {
	CHUNK_SIZE, /* the line with the size, as yet incomplete */
	CHUNK_DATA,
	CHUNK_DATA_END, /* the CRLF behind the data */
	CHUNK_TRAILER,
};

static int hex_value(char digit)
{
	return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

static int chunk_size(struct http_chunked *chunked, const char *at, int len)
{
	uint64_t size = 0;
	int i = 0;
	for (; i < len && i < 8 && (kinds[(uint8_t)at[i]] & HEX); i++)
		size = size * 16 + (uint64_t)hex_value(at[i]);
	if (i == 0)
		return -ERR_MALFORMED;
	struct slice extension = { at + i, (uint32_t)(len - i) };
	if (extension.len > 0 && (at[i] != ';' || !all(extension, VALUE)))
		return -ERR_MALFORMED;
	if (chunked->spent + extension.len > CHUNK_EXTRA_MAX)
		return -ERR_MALFORMED;
	if (size + chunked->body_len > HTTP_BODY_MAX)
		return -ERR_TOO_LARGE;
	chunked->spent = (uint16_t)(chunked->spent + extension.len);
	chunked->left = (uint32_t)size;
	chunked->phase = size == 0 ? CHUNK_TRAILER : CHUNK_DATA;
	return 0;
}

/* Returns 1 for the empty line that ends the body. */
static int chunk_trailer(struct http_chunked *chunked, const char *at, int len)
{
	if (len == 0)
		return 1;
	const char *colon = memchr(at, ':', (size_t)len);
	if (!colon || colon == at || !all((struct slice){ at, (uint32_t)(colon - at) }, TOKEN) ||
		!all((struct slice){ colon + 1, (uint32_t)(at + len - colon - 1) }, VALUE))
		return -ERR_MALFORMED;
	if (find_name(at, (size_t)(colon - at)) != HTTP_OTHER ||
		chunked->spent + len > CHUNK_EXTRA_MAX)
		return -ERR_MALFORMED;
	chunked->spent = (uint16_t)(chunked->spent + len);
	return 0;
}

/* One line at raw: bytes used, 0 for more, negative; *ret_end when the body ends with it. */
static int chunk_line(struct http_chunked *chunked, const char *raw, const char *end, bool *ret_end)
{
	if (chunked->phase == CHUNK_DATA_END && *raw != '\r')
		return -ERR_MALFORMED;
	int line = line_length(raw, end);
	if (line == -ERR_AGAIN)
		return end - raw > CHUNK_LINE_MAX + 1 ? -ERR_MALFORMED : 0; /* a CR may be there */
	if (line < 0 || line > CHUNK_LINE_MAX)
		return -ERR_MALFORMED;
	int r = 0;
	if (chunked->phase == CHUNK_SIZE)
		r = chunk_size(chunked, raw, line);
	else if (chunked->phase == CHUNK_DATA_END && line != 0)
		r = -ERR_MALFORMED;
	else if (chunked->phase == CHUNK_DATA_END)
		chunked->phase = CHUNK_SIZE;
	else
		r = chunk_trailer(chunked, raw, line);
	if (r < 0)
		return r;
	*ret_end = r == 1;
	return line + 2;
}

int http_dechunk(struct http_chunked *chunked, uint8_t *bytes, size_t *len)
{
	uint8_t *raw = bytes + chunked->body_len, *end = bytes + *len;
	bool ended = false;
	int r = 1;
	while (!ended && raw < end) {
		if (chunked->phase == CHUNK_DATA) {
			size_t take = MIN((size_t)chunked->left, (size_t)(end - raw));
			memmove(bytes + chunked->body_len, raw, take);
			chunked->body_len += (uint32_t)take;
			chunked->left -= (uint32_t)take;
			raw += take;
			if (chunked->left == 0)
				chunked->phase = CHUNK_DATA_END;
			continue;
		}
		r = chunk_line(chunked, (const char *)raw, (const char *)end, &ended);
		if (r <= 0)
			break;
		raw += r;
	}
	if (r < 0)
		return r;
	size_t rest = (size_t)(end - raw);
	memmove(bytes + chunked->body_len, raw, rest);
	*len = chunked->body_len + rest;
	return ended;
}
