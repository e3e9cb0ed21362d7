/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/params.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "wire/view.h"

#define HEAD_LEN 8

int params_write(struct buf *out, const struct param *param)
{
	uint8_t *room;

	if (param->name_len > PARAM_NAME_MAX || param->value_len > PARAM_VALUE_MAX)
		return -ERR_TOO_LARGE;
	size_t len = HEAD_LEN + (size_t)param->name_len + param->value_len;
	int r = buf_reserve(out, len, &room);
	if (r < 0)
		return r;
	room[0] = (uint8_t)param->place;
	room[1] = (uint8_t)param->type;
	put16(room + 2, param->name_len);
	put32(room + 4, param->value_len);
	if (param->name_len > 0)
		memcpy(room + HEAD_LEN, param->name, param->name_len);
	if (param->value_len > 0)
		memcpy(room + HEAD_LEN + param->name_len, param->value, param->value_len);
	buf_commit(out, len);
	return 0;
}

int params_next(const uint8_t **cursor, const uint8_t *end, struct param *ret_param)
{
	const uint8_t *at = *cursor;
	size_t left = (size_t)(end - at);

	if (left == 0)
		return 0;
	if (left < HEAD_LEN)
		return -ERR_MALFORMED;
	uint8_t place = at[0], type = at[1];
	uint16_t name_len = get16(at + 2);
	uint32_t value_len = get32(at + 4);
	if (place < PLACE_QUERY || place > PLACE_CONTROL || type < PARAM_TEXT || type > PARAM_REAL)
		return -ERR_MALFORMED;
	if (name_len > PARAM_NAME_MAX || value_len > PARAM_VALUE_MAX)
		return -ERR_MALFORMED;
	if (left - HEAD_LEN < (size_t)name_len + value_len)
		return -ERR_MALFORMED;
	ret_param->place = (enum param_place)place;
	ret_param->type = (enum param_type)type;
	ret_param->name = (const char *)at + HEAD_LEN;
	ret_param->name_len = name_len;
	ret_param->value = (const char *)at + HEAD_LEN + name_len;
	ret_param->value_len = value_len;
	*cursor = at + HEAD_LEN + name_len + value_len;
	return 1;
}
