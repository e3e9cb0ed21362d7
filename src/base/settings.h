/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

/* The settings of one installation: read by the supervisor, given to each process at its start. */
struct settings {
#define NUMBER(section, key, value, least, most, sentence) int64_t section##_##key;
#define CHOICE(section, key, value, words, sentence) char section##_##key[16];
#define TEXT(section, key, value, size, sentence) char section##_##key[size];
#include "base/settings.def"
#undef NUMBER
#undef CHOICE
#undef TEXT
};

void settings_defaults(struct settings *ret_settings);
/*
 * Reads `text` (a whole sallyport.conf) over what is there. On failure -ERR_MALFORMED and the
 * complaint, "line 3: unknown setting ticket.lifetme", in complaint[REASON_SIZE].
 */
int settings_parse(struct settings *settings, const char *text, char complaint[REASON_SIZE]);
/* One "section.key" set from its textual value; checks type and range. */
int settings_set(struct settings *settings, const char *name, const char *value,
	char complaint[REASON_SIZE]);
static inline bool setting_yes(const char *value)
{
	return value[0] == 'y';
}
/* The table itself, for the man page, `sallyport settings` and completion. */
struct setting_row {
	const char *section, *key, *value, *range, *sentence;
};
const struct setting_row *settings_rows(unsigned *ret_count);
