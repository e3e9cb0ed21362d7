/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON bodies. jansson is the reader (it refused every ill-formed input we know); what it does not
 * limit is counted before it allocates anything.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/mem.h"
#include "front/form.h"

#define NUMBER_TEXT_SIZE 32
#define JSON_VALUES_MAX (2 * PARAMS_MAX) /* commas and brackets: what an array may hold */

static void json_release(json_t **value)
{
	json_decref(*value);
}

/* Depth, keys and values, strings skipped. Wrong JSON may pass: the reader is next. */
static int count_limits(const char *bytes, size_t len)
{
	unsigned depth = 0, keys = 0, values = 0;
	bool in_string = false;
	for (size_t i = 0; i < len; i++) {
		char byte = bytes[i];
		if (in_string && byte == '\\')
			i++;
		else if (byte == '"')
			in_string = !in_string;
		if (in_string)
			continue;
		keys += byte == ':';
		values += byte == ',' || byte == '{' || byte == '[';
		if (byte == '{' || byte == '[')
			depth++;
		else if ((byte == '}' || byte == ']') && depth > 0)
			depth--;
		if (depth > JSON_DEPTH_MAX || keys > PARAMS_MAX || values > JSON_VALUES_MAX)
			return -ERR_MALFORMED;
	}
	return 0;
}

/* form->name[0..name_len) is the path of this value. */
static int walk(struct form *form, size_t name_len, const json_t *value);

static int add(
	struct form *form, size_t name_len, enum param_type type, const char *value, size_t len)
{
	return form_add(form, &(struct param){ .place = PLACE_JSON,
				      .type = type,
				      .name = form->name,
				      .name_len = (uint16_t)name_len,
				      .value = value,
				      .value_len = (uint32_t)len });
}

static int join(
	struct form *form, size_t name_len, const char *key, size_t key_len, const json_t *value)
{
	size_t dot = name_len > 0;
	if (key_len == 0 || name_len + dot + key_len > PARAM_NAME_MAX)
		return -ERR_MALFORMED;
	form->name[name_len] = '.';
	memcpy(form->name + name_len + dot, key, key_len);
	return walk(form, name_len + dot + key_len, value);
}

static int walk_object(struct form *form, size_t name_len, const json_t *object)
{
	json_t *unconst = (json_t *)object; /* the iterator only reads */
	for (void *i = json_object_iter(unconst); i; i = json_object_iter_next(unconst, i)) {
		const char *key = json_object_iter_key(i);
		int r = join(form, name_len, key, strlen(key), json_object_iter_value(i));
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk_array(struct form *form, size_t name_len, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		char key[NUMBER_TEXT_SIZE];
		int len = snprintf(key, sizeof key, "%zu", i);
		int r = join(form, name_len, key, (size_t)len, json_array_get(array, i));
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk(struct form *form, size_t name_len, const json_t *value)
{
	char number[NUMBER_TEXT_SIZE];
	int len;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return walk_object(form, name_len, value);
	case JSON_ARRAY:
		return walk_array(form, name_len, value);
	case JSON_STRING:
		return add(form, name_len, PARAM_TEXT, json_string_value(value),
			json_string_length(value));
	case JSON_INTEGER:
		len = snprintf(
			number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return add(form, name_len, PARAM_NUMBER, number, (size_t)len);
	case JSON_REAL:
		len = snprintf(number, sizeof number, "%.17g", json_real_value(value));
		return add(form, name_len, PARAM_REAL, number, (size_t)len);
	case JSON_TRUE:
		return add(form, name_len, PARAM_BOOL, "true", 4);
	case JSON_FALSE:
		return add(form, name_len, PARAM_BOOL, "false", 5);
	case JSON_NULL:
		return add(form, name_len, PARAM_NULL, "", 0);
	}
	return -ERR_MALFORMED;
}

int form_json(struct form *form, const char *bytes, size_t len)
{
	int r = count_limits(bytes, len);
	if (r < 0)
		return r;
	json_error_t error;
	CLEANUP(json_release) json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return json_error_code(&error) == json_error_duplicate_key ? -ERR_PARAMETER_TWICE
									   : -ERR_MALFORMED;
	return json_is_object(root) ? walk_object(form, 0, root) : -ERR_MALFORMED;
}
