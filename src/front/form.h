/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "front/http.h"
#include "wire/params.h"

/*
 * The parameters of a call, from wherever they came (contract section 1), as the tail of API_CALL:
 * syntax at the door, meaning inside. One per connectionless reader; begun anew for every request.
 */
#define FORM_OUT_MAX (120 * 1024) /* bytes of all parameters, written */

struct form {
	struct buf out; /* params.h; owned */
	unsigned count;
	struct form_seen {
		uint32_t name, value; /* offsets in out */
		uint32_t value_len;
		uint16_t name_len;
		uint8_t place;
	} seen[PARAMS_MAX];
	char name[PARAM_NAME_MAX + 1]; /* of the one being read */
	char value[PARAM_VALUE_MAX];
};

void form_begin(struct form *form);
void form_finish(struct form *form);
/*
 * One parameter. The same name (without regard to letter case) twice in one place, or in two places
 * with different values, is -ERR_PARAMETER_TWICE. -ERR_MALFORMED: no UTF-8, NUL, too many, too
 * long.
 */
int form_add(struct form *form, const struct param *param);

/* name=value&name=value, from the query or from a body. */
int form_urlencoded(struct form *form, enum param_place place, const char *bytes, size_t len);
/* multipart/form-data (RFC 7578); content_type holds the boundary. */
int form_multipart(struct form *form, struct slice content_type, const char *bytes, size_t len);
/* One JSON object (RFC 8259); keys of inner objects and elements of arrays joined by dots. */
int form_json(struct form *form, const char *bytes, size_t len);
/*
 * A body of any of the three kinds. *ret_signed: it is a form that takes part in an OAuth 1.0
 * signature (RFC 5849 section 3.4.1.3.1).
 */
int form_body(struct form *form, struct slice content_type, const char *bytes, size_t len,
	bool *ret_signed);

/* "type/sub" of a Content-Type, without parameters. */
struct slice media_type(struct slice content_type);
