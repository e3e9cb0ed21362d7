/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart/form-data (RFC 7578), as strictly as RFC 2046 section 5.1.1 can be read: no preamble,
 * no epilogue, CRLF only. A part is one parameter; files are parameters whose file name nobody
 * asked for.
 */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "front/form.h"

#define BOUNDARY_MAX 70 /* RFC 2046 */
#define PART_LINE_MAX 1024
#define PART_FIELDS_MAX 8

static bool boundary_byte(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= 'A' && byte <= 'Z') || (byte != 0 && strchr("'()+_,-./:=? ", byte) != NULL);
}

/*
 * The value of `name` among the parameters behind the first semicolon: token or quoted string
 * without escapes. 1 found, 0 absent, negative when the parameters are not well-formed or it is
 * there twice.
 */
static int parameter_find(struct slice field, const char *name, struct slice *ret_value)
{
	const char *at = memchr(field.at, ';', field.len), *end = field.at + field.len;
	int found = 0;
	while (at && at < end) {
		do
			at++;
		while (at < end && (*at == ' ' || *at == '\t'));
		const char *equals = memchr(at, '=', (size_t)(end - at));
		if (!equals)
			return -ERR_MALFORMED;
		struct slice key = { at, (uint32_t)(equals - at) };
		const char *value = equals + 1, *stop;
		bool quoted = value < end && *value == '"';
		value += quoted;
		stop = memchr(value, quoted ? '"' : ';', (size_t)(end - value));
		if ((quoted && !stop) || (stop && memchr(value, '\\', (size_t)(stop - value))))
			return -ERR_MALFORMED;
		if (!stop)
			stop = end;
		if (slice_is_word(key, name)) {
			*ret_value = (struct slice){ value, (uint32_t)(stop - value) };
			if (found++)
				return -ERR_MALFORMED;
		}
		at = stop + quoted;
		while (at < end && (*at == ' ' || *at == '\t'))
			at++;
		if (at < end && *at != ';')
			return -ERR_MALFORMED;
	}
	return found;
}

static int boundary_find(struct slice content_type, char ret_delimiter[BOUNDARY_MAX + 5])
{
	struct slice boundary;
	if (parameter_find(content_type, "boundary", &boundary) != 1)
		return -ERR_MALFORMED;
	if (boundary.len == 0 || boundary.len > BOUNDARY_MAX ||
		boundary.at[boundary.len - 1] == ' ')
		return -ERR_MALFORMED;
	for (uint32_t i = 0; i < boundary.len; i++)
		if (!boundary_byte(boundary.at[i]))
			return -ERR_MALFORMED;
	memcpy(ret_delimiter, "\r\n--", 4);
	memcpy(ret_delimiter + 4, boundary.at, boundary.len);
	ret_delimiter[4 + boundary.len] = '\0';
	return (int)(4 + boundary.len);
}

static int part_disposition(struct slice value, struct slice *ret_name)
{
	if (ret_name->at || !slice_is_word(media_type(value), "form-data"))
		return -ERR_MALFORMED;
	return parameter_find(value, "name", ret_name) == 1 ? 0 : -ERR_MALFORMED;
}

static bool coding_plain(struct slice value)
{
	return slice_is_word(value, "7bit") || slice_is_word(value, "8bit") ||
	       slice_is_word(value, "binary");
}

static int part_field(const char *at, const char *end, struct slice *ret_name)
{
	const char *colon = memchr(at, ':', (size_t)(end - at));
	if (!colon || colon == at || end - at > PART_LINE_MAX)
		return -ERR_MALFORMED;
	for (const char *p = at; p < end; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || (p < colon && *p == ' '))
			return -ERR_MALFORMED;
	struct slice key = { at, (uint32_t)(colon - at) }, value = { colon + 1, 0 };
	while (value.at < end && *value.at == ' ')
		value.at++;
	value.len = (uint32_t)(end - value.at);
	if (slice_is_word(key, "content-disposition"))
		return part_disposition(value, ret_name);
	if (slice_is_word(key, "content-transfer-encoding") && !coding_plain(value))
		return -ERR_MALFORMED;
	return 0;
}

/* The fields of one part; *at is moved behind the empty line. */
static int part_head(const char **at, const char *end, struct slice *ret_name)
{
	*ret_name = (struct slice){};
	for (unsigned i = 0; i <= PART_FIELDS_MAX; i++) {
		const char *line_end = memmem(*at, (size_t)(end - *at), "\r\n", 2);
		const char *line = *at;
		if (!line_end)
			return -ERR_MALFORMED;
		*at = line_end + 2;
		if (line_end == line)
			return ret_name->at ? 0 : -ERR_MALFORMED;
		int r = part_field(line, line_end, ret_name);
		if (r < 0)
			return r;
	}
	return -ERR_MALFORMED;
}

static int part_add(struct form *form, struct slice name, const char *value, const char *end)
{
	if (name.len > PARAM_NAME_MAX)
		return -ERR_MALFORMED;
	return form_add(form, &(struct param){ .place = PLACE_FORM,
				      .type = PARAM_TEXT,
				      .name = name.at,
				      .name_len = (uint16_t)name.len,
				      .value = value,
				      .value_len = (uint32_t)(end - value) });
}

int form_multipart(struct form *form, struct slice content_type, const char *bytes, size_t len)
{
	char delimiter[BOUNDARY_MAX + 5];
	const char *at = bytes, *end = bytes + len;
	int delimiter_len = boundary_find(content_type, delimiter);
	if (delimiter_len < 0)
		return delimiter_len;
	/* The first delimiter stands at the very beginning, without its CRLF. */
	if (len < (size_t)delimiter_len - 2 ||
		memcmp(at, delimiter + 2, (size_t)delimiter_len - 2) != 0)
		return -ERR_MALFORMED;
	at += delimiter_len - 2;
	while (end - at >= 2 && memcmp(at, "\r\n", 2) == 0) {
		struct slice name;
		at += 2;
		int r = part_head(&at, end, &name);
		if (r < 0)
			return r;
		const char *stop = memmem(at, (size_t)(end - at), delimiter, (size_t)delimiter_len);
		if (!stop)
			return -ERR_MALFORMED;
		r = part_add(form, name, at, stop);
		if (r < 0)
			return r;
		at = stop + delimiter_len;
	}
	if (end - at < 2 || memcmp(at, "--", 2) != 0)
		return -ERR_MALFORMED;
	at += 2;
	return at == end || (end - at == 2 && memcmp(at, "\r\n", 2) == 0) ? 0 : -ERR_MALFORMED;
}
