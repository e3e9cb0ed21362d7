/* SPDX-License-Identifier: Apache-2.0 */
#include "front/form.h"

#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

#define PARAM_HEAD_LEN 8 /* params.h: place, type, two lengths */

void form_begin(struct form *form)
{
	buf_clear(&form->out);
	form->out.max = FORM_OUT_MAX;
	form->count = 0;
}

void form_finish(struct form *form)
{
	buf_finish(&form->out);
}

static bool name_valid(const char *name, size_t len)
{
	if (len == 0 || len > PARAM_NAME_MAX || !utf8_valid(name, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return true;
}

static int check_twice(const struct form *form, const struct param *param)
{
	for (unsigned i = 0; i < form->count; i++) {
		const struct form_seen *seen = &form->seen[i];
		if (seen->name_len != param->name_len ||
			strncasecmp((const char *)form->out.data + seen->name, param->name,
				param->name_len) != 0)
			continue;
		if (seen->place == param->place || seen->value_len != param->value_len ||
			memcmp(form->out.data + seen->value, param->value, param->value_len) != 0)
			return -ERR_PARAMETER_TWICE;
	}
	return 0;
}

int form_add(struct form *form, const struct param *param)
{
	if (!name_valid(param->name, param->name_len) || param->value_len > PARAM_VALUE_MAX ||
		memchr(param->value, 0, param->value_len) ||
		!utf8_valid(param->value, param->value_len))
		return -ERR_MALFORMED;
	if (form->count == PARAMS_MAX)
		return -ERR_MALFORMED;
	int r = check_twice(form, param);
	if (r < 0)
		return r;
	uint32_t at = (uint32_t)form->out.len;
	r = params_write(&form->out, param);
	if (r < 0)
		return r == -ERR_TOO_LARGE ? -ERR_MALFORMED : r;
	form->seen[form->count++] = (struct form_seen){ .name = at + PARAM_HEAD_LEN,
		.value = at + PARAM_HEAD_LEN + param->name_len,
		.value_len = param->value_len,
		.name_len = param->name_len,
		.place = (uint8_t)param->place };
	return 0;
}

static int add_pair(struct form *form, enum param_place place, const char *at, const char *end)
{
	const char *equals = memchr(at, '=', (size_t)(end - at));
	const char *name_end = equals ? equals : end, *value = equals ? equals + 1 : end;
	int name_len = percent_decode(form->name, PARAM_NAME_MAX, at, (size_t)(name_end - at), 1);
	int value_len =
		percent_decode(form->value, sizeof form->value, value, (size_t)(end - value), 1);
	if (name_len < 0 || value_len < 0)
		return -ERR_MALFORMED;
	return form_add(form, &(struct param){ .place = place,
				      .type = PARAM_TEXT,
				      .name = form->name,
				      .name_len = (uint16_t)name_len,
				      .value = form->value,
				      .value_len = (uint32_t)value_len });
}

int form_urlencoded(struct form *form, enum param_place place, const char *bytes, size_t len)
{
	const char *at = bytes, *end = bytes + len;
	while (at < end) {
		const char *ampersand = memchr(at, '&', (size_t)(end - at));
		const char *stop = ampersand ? ampersand : end;
		int r = stop == at ? 0 : add_pair(form, place, at, stop);
		if (r < 0)
			return r;
		at = stop + 1;
	}
	return 0;
}

struct slice media_type(struct slice content_type)
{
	struct slice type = content_type;
	if (!type.at)
		return type;
	const char *semicolon = memchr(type.at, ';', type.len);
	if (semicolon)
		type.len = (uint32_t)(semicolon - type.at);
	while (type.len > 0 && (type.at[type.len - 1] == ' ' || type.at[type.len - 1] == '\t'))
		type.len--;
	return type;
}

static bool starts_object(const char *bytes, size_t len)
{
	size_t i = 0;
	while (i < len && strchr(" \t\r\n", bytes[i]) && bytes[i])
		i++;
	return i < len && bytes[i] == '{';
}

/* Clients often send a form and call it JSON, or the reverse: the first character tells. */
int form_body(struct form *form, struct slice content_type, const char *bytes, size_t len,
	bool *ret_signed)
{
	struct slice type = media_type(content_type);
	*ret_signed = false;
	if (len == 0)
		return 0;
	if (slice_is_word(type, "multipart/form-data"))
		return form_multipart(form, content_type, bytes, len);
	if (starts_object(bytes, len))
		return form_json(form, bytes, len);
	bool is_form = slice_is_word(type, "application/x-www-form-urlencoded");
	if (!is_form && slice_present(type) && !slice_is_word(type, "application/json"))
		return -ERR_MALFORMED;
	*ret_signed = is_form;
	return form_urlencoded(form, PLACE_FORM, bytes, len);
}
