/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"
#include "front/form.h"

/* What a reader made of its bytes, as text: "place:type:name=value;" of every parameter. */
static const char *form_text(const struct form *form)
{
	static char text[4096];
	const uint8_t *at = form->out.data, *end = at + form->out.len;
	struct param param;
	size_t len = 0;
	while (params_next(&at, end, &param) == 1 && len < sizeof text - 512)
		len += (size_t)snprintf(text + len, sizeof text - len, "%d:%d:%.*s=%.*s;",
			param.place, param.type, (int)param.name_len, param.name,
			(int)MIN(param.value_len, 256u), param.value);
	text[len] = '\0';
	return text;
}

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, text ? (uint32_t)strlen(text) : 0 };
}

/* A copy of exactly that length: reading past its end is caught. */
static char *copy_of(const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	memcpy(copy, bytes, len);
	return copy;
}
