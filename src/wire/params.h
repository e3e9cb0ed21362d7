/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/*
 * The parameters of a call, as the tail of API_CALL. Repeated:
 *   u8 place, u8 type, u16 name length, u32 value length, name, value   (little endian, no padding)
 * Nested JSON keys are joined with dots: session_settings.SSH; array elements are numbered:
 * devices.0.hostname. The writer refuses doubles; the reader checks every length again.
 */
enum param_place { PLACE_QUERY = 1, PLACE_FORM, PLACE_JSON, PLACE_CONTROL };
enum param_type { PARAM_TEXT = 1, PARAM_NUMBER, PARAM_BOOL, PARAM_NULL, PARAM_REAL };

struct param {
	enum param_place place;
	enum param_type type;
	const char *name; /* not NUL-terminated */
	uint16_t name_len;
	const char *value; /* text as sent (UTF-8, no NUL inside); numbers in decimal; "true" */
	uint32_t value_len;
};

int params_write(struct buf *out, const struct param *param);
/* Reads the next one from *cursor (advanced). 1 read, 0 at the end, -ERR_MALFORMED. */
int params_next(const uint8_t **cursor, const uint8_t *end, struct param *ret_param);
