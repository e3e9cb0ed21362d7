/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/fields.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/context.h"

int fields_read(struct call *call, const uint8_t *tail, size_t len)
{
	struct param param;
	int r;

	/* One byte more, so that the last value gets its NUL too. */
	if (len + 1 > sizeof call->tail_inline) {
		call->tail = malloc(len + 1);
		if (call->tail == NULL) {
			call->tail = call->tail_inline;
			return -ERR_SYSTEM;
		}
	}
	memcpy(call->tail, tail, len);
	const uint8_t *cursor = call->tail, *end = call->tail + len;
	while ((r = params_next(&cursor, end, &param)) > 0) {
		if (call->param_count == PARAMS_MAX)
			return -ERR_TOO_LARGE;
		call->params[call->param_count++] = param;
	}
	if (r < 0)
		return r;
	/* Every header was read: what follows a value may now be overwritten by its NUL. */
	for (unsigned i = 0; i < call->param_count; i++)
		((char *)call->params[i].value)[call->params[i].value_len] = 0;
	return 0;
}

static bool name_is(const struct param *param, const char *name)
{
	size_t len = strlen(name);

	return param->name_len == len && strncasecmp(param->name, name, len) == 0;
}

/* "credentials.0" belongs to the list field "credentials". */
static bool name_is_item_of(const struct param *param, const char *name)
{
	size_t len = strlen(name);

	return param->name_len > len + 1 && strncasecmp(param->name, name, len) == 0 &&
	       param->name[len] == '.' && isdigit((unsigned char)param->name[len + 1]);
}

static int integer_read(const struct param *param, int64_t most, int64_t *ret_number)
{
	int64_t number = 0;

	if (param->type == PARAM_REAL || param->type == PARAM_BOOL || param->value_len > 18)
		return -ERR_PARAMETER_INVALID;
	for (uint32_t i = 0; i < param->value_len; i++) {
		if (!isdigit((unsigned char)param->value[i]))
			return -ERR_PARAMETER_INVALID;
		number = number * 10 + (param->value[i] - '0');
	}
	if (number > most)
		return -ERR_PARAMETER_INVALID;
	*ret_number = number;
	return 0;
}

static int bool_read(const struct param *param, int64_t *ret_number)
{
	static const char *const words[][2] = { { "true", "false" }, { "1", "0" },
		{ "yes", "no" } };

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		for (int word = 0; word < 2; word++) {
			if (strcasecmp(param->value, words[i][word]) == 0) {
				*ret_number = word == 0;
				return 0;
			}
		}
	}
	return -ERR_PARAMETER_INVALID;
}

static int value_read(
	const struct field *field, const struct param *param, struct argument *ret_value)
{
	int64_t number = 0;
	int r = 0;

	if (field->type == FIELD_INTEGER)
		r = integer_read(param, field->most, &number);
	else if (field->type == FIELD_BOOL)
		r = bool_read(param, &number);
	else if (param->type == PARAM_BOOL || param->value_len > field->most ||
		 strlen(param->value) != param->value_len)
		r = -ERR_PARAMETER_INVALID;
	if (r < 0)
		return field->invalid != ERR_NONE ? -(int)field->invalid : r;
	*ret_value = (struct argument){ param, number };
	return 0;
}

/* null and, for everything but free text that is optional, "" count as not given. */
static bool is_given(const struct field *field, const struct param *param)
{
	if (param->type == PARAM_NULL)
		return false;
	return param->value_len > 0 || (field->type == FIELD_TEXT && field->missing == ERR_NONE);
}

static void remember_ignored(struct call *call, const struct param *param)
{
	/* The signature's own parameters and the tenant's name are understood elsewhere. */
	if (param->name_len >= 6 && strncasecmp(param->name, "oauth_", 6) == 0)
		return;
	if (call->ignored_count < CALL_IGNORED)
		call->ignored[call->ignored_count] = param;
	call->ignored_count++;
}

/* Some clients repeat a parameter of the body in the query; the same words twice say one thing. */
static bool same_value(const struct param *one, const struct param *other)
{
	return one->place != other->place && one->value_len == other->value_len &&
	       memcmp(one->value, other->value, one->value_len) == 0;
}

/* The segment of the path once more, as some clients send it: allowed if it says the same. */
static int copy_check(const struct call *call, const struct param *param)
{
	const char *copy = call->endpoint->copy, *segment = call_segment(call, 0);

	if (copy == NULL || !name_is(param, copy))
		return 0;
	bool same = strlen(segment) == param->value_len &&
		    memcmp(segment, param->value, param->value_len) == 0;
	return same ? 1 : -ERR_PARAMETER_TWICE;
}

/* Sorts parameters to fields. given[] gets the parameter of each field. */
static int fields_sort(struct call *call, const struct param *given[FIELDS_MAX])
{
	const struct field *fields = call->endpoint->fields;

	for (unsigned p = 0; p < call->param_count; p++) {
		const struct param *param = &call->params[p];
		bool known = false;
		for (unsigned f = 0; fields[f].name != NULL && !known; f++) {
			if (name_is_item_of(param, fields[f].name)) {
				known = true;
			} else if (name_is(param, fields[f].name)) {
				if (given[f] != NULL && !same_value(given[f], param))
					return -ERR_PARAMETER_TWICE;
				given[f] = param;
				known = true;
			}
		}
		int copied = known ? 1 : copy_check(call, param);
		if (copied < 0)
			return copied;
		if (copied == 0)
			remember_ignored(call, param);
	}
	return 0;
}

/* The one field whose need is a setting: automatic selection of the credential. */
static int missing_of(const struct call *call, const struct field *field)
{
	if (field->missing == ERR_CREDENTIAL_MISSING &&
		!setting_yes(call->broker->settings->api_credential_required))
		return 0;
	return -(int)field->missing;
}

int fields_check(struct call *call)
{
	const struct field *fields = call->endpoint->fields;
	const struct param *given[FIELDS_MAX] = { 0 };
	int r = fields_sort(call, given);

	for (unsigned f = 0; r == 0 && fields[f].name != NULL; f++) {
		if (given[f] == NULL || !is_given(&fields[f], given[f])) {
			r = missing_of(call, &fields[f]);
			if (r == -ERR_NOT_INFORMED)
				call_fail(call, r, "1001: Parameter '%s' was not informed!",
					fields[f].name);
			continue;
		}
		r = value_read(&fields[f], given[f], &call->values[f]);
	}
	return r;
}
