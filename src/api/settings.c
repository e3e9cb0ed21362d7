/* SPDX-License-Identifier: Apache-2.0 */
/* settings: what is in force, beside what would be without sallyport.conf. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "base/mem.h"
#include "base/settings.h"

static const struct field fields[] = { {} };

static void write_one(
	struct json *json, const char *name, const char *value, const struct setting_row *row)
{
	json_open_object(json, NULL);
	json_text(json, "name", name);
	json_text(json, "value", value);
	json_text(json, "default", row->value);
	json_text(json, "range", row->range);
	json_text(json, "sentence", row->sentence);
	json_close_object(json);
}

/* settings_rows() has one row per row of settings.def, in its order. */
static void write_settings(
	struct json *json, const struct settings *settings, const struct setting_row *row)
{
	char digits[24];
#define NUMBER(section, key, value, least, most, sentence)                                         \
	snprintf(digits, sizeof digits, "%" PRId64, settings->section##_##key);                    \
	write_one(json, #section "." #key, digits, row++);
#define CHOICE(section, key, value, words, sentence)                                               \
	write_one(json, #section "." #key, settings->section##_##key, row++);
#define TEXT(section, key, value, size, sentence)                                                  \
	write_one(json, #section "." #key, settings->section##_##key, row++);
#include "base/settings.def"
#undef NUMBER
#undef CHOICE
#undef TEXT
}

static int answer(struct broker *broker, struct call *call)
{
	unsigned count;
	struct json *json = call_json(call);
	json_open_array(json, "settings");
	write_settings(json, call_settings(call), settings_rows(&count));
	json_close_array(json);
	return 0;
}

const struct endpoint control_settings = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "settings",
	.need = NEED_READ,
	.fields = fields,
	.message = "Settings",
	.answer = answer,
};
