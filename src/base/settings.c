/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

#define LINE_SIZE 2048 /* of sallyport.conf, with its NUL */
#define NUMBER_DIGITS_MAX 18

enum kind { KIND_NUMBER, KIND_CHOICE, KIND_TEXT };

/* What a row of settings.def means to the parser. */
struct rule {
	enum kind kind;
	size_t offset, size; /* of the member in struct settings */
	int64_t least, most;
	const char *words;
};

#define MEMBER(section, key)                                                                       \
	offsetof(struct settings, section##_##key), sizeof(((struct settings *)0)->section##_##key)

static const struct rule rules[] = {
#define NUMBER(section, key, value, least, most, sentence)                                         \
	{ KIND_NUMBER, MEMBER(section, key), least, most, NULL },
#define CHOICE(section, key, value, words, sentence)                                               \
	{ KIND_CHOICE, MEMBER(section, key), 0, 0, words },
#define TEXT(section, key, value, size, sentence) { KIND_TEXT, MEMBER(section, key), 0, 0, NULL },
#include "base/settings.def"
#undef NUMBER
#undef CHOICE
#undef TEXT
};

#define DIGITS_(number) #number
#define DIGITS(number) DIGITS_(number)

static const struct setting_row rows[] = {
#define NUMBER(section, key, value, least, most, sentence)                                         \
	{ #section, #key, DIGITS(value), DIGITS(least) " to " DIGITS(most), sentence },
#define CHOICE(section, key, value, words, sentence) { #section, #key, value, words, sentence },
#define TEXT(section, key, value, size, sentence)                                                  \
	{ #section, #key, value, "text shorter than " DIGITS(size) " bytes", sentence },
#include "base/settings.def"
#undef NUMBER
#undef CHOICE
#undef TEXT
};

_Static_assert(ARRAY_LEN(rows) == ARRAY_LEN(rules) && ARRAY_LEN(rows) <= 64, "one bit a setting");

const struct setting_row *settings_rows(unsigned *ret_count)
{
	*ret_count = ARRAY_LEN(rows);
	return rows;
}

void settings_defaults(struct settings *ret_settings)
{
	memset(ret_settings, 0, sizeof(*ret_settings));
#define NUMBER(section, key, value, least, most, sentence)                                         \
	_Static_assert((value) >= (least) && (value) <= (most), "default of " #section "." #key);  \
	ret_settings->section##_##key = (value);
#define CHOICE(section, key, value, words, sentence) TEXT(section, key, value, 16, sentence)
#define TEXT(section, key, value, size, sentence)                                                  \
	_Static_assert(sizeof(value) <= (size), "default of " #section "." #key);                  \
	memcpy(ret_settings->section##_##key, value, sizeof(value));
#include "base/settings.def"
#undef NUMBER
#undef CHOICE
#undef TEXT
}

static bool parse_number(const char *text, int64_t *ret_number)
{
	size_t len = strlen(text);
	int64_t number = 0;

	if (len == 0 || len > NUMBER_DIGITS_MAX || strspn(text, "0123456789") != len)
		return false;
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (text[i] - '0');
	*ret_number = number;
	return true;
}

static bool is_word_of(const char *words, const char *value)
{
	size_t len = strlen(value);

	while (len > 0 && *words != '\0') {
		size_t word = strcspn(words, "|");

		if (word == len && memcmp(words, value, len) == 0)
			return true;
		words += word;
		words += *words == '|';
	}
	return false;
}

/* Valid UTF-8 on one line, without control characters: it ends up in answers, titles and logs. */
static bool is_plain_text(const char *value)
{
	for (const char *c = value; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	}
	return utf8_valid(value, strlen(value));
}

static bool public_url_valid(const char *value)
{
	size_t scheme = strlen("https://"), len = strlen(value);

	if (len == 0)
		return true;
	return strncmp(value, "https://", scheme) == 0 && len > scheme &&
	       strcspn(value + scheme, "/?#@\\\" ") == len - scheme;
}

static bool denied_status_valid(const char *value)
{
	return strcmp(value, "500") == 0 || strcmp(value, "403") == 0;
}

/* What type and range cannot say. */
static const struct {
	const char *name;
	bool (*valid)(const char *value);
	const char *expected;
} more_rules[] = {
	{ "gateway.public_url", public_url_valid, "https://host or https://host:port" },
	{ "api.trusted_proxies", address_list_valid, "addresses and networks" },
	{ "api.denied_status", denied_status_valid, "500 or 403" },
};

static const char *breaks_more_rules(const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(more_rules); i++) {
		if (strcmp(more_rules[i].name, name) == 0 && !more_rules[i].valid(value))
			return more_rules[i].expected;
	}
	return NULL;
}

/* The row that "section.key" names, or -1. */
static int find_row(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].section);

		if (strncmp(name, rows[i].section, len) == 0 && name[len] == '.' &&
			strcmp(name + len + 1, rows[i].key) == 0)
			return (int)i;
	}
	return -1;
}

static bool store_value(struct settings *settings, const struct rule *rule, const char *value)
{
	char *member = (char *)settings + rule->offset;
	int64_t number;

	if (rule->kind == KIND_NUMBER) {
		if (!parse_number(value, &number) || number < rule->least || number > rule->most)
			return false;
		memcpy(member, &number, sizeof(number));
		return true;
	}
	if (rule->kind == KIND_CHOICE && !is_word_of(rule->words, value))
		return false;
	return is_plain_text(value) && strlen(value) < rule->size &&
	       text_copy(member, rule->size, value) == 0;
}

static void complain(char complaint[REASON_SIZE], const char *text, const char *name)
{
	snprintf(complaint, REASON_SIZE, "%s %.*s", text, 64, name);
}

int settings_set(
	struct settings *settings, const char *name, const char *value, char complaint[REASON_SIZE])
{
	int row = find_row(name);
	const char *expected;

	complaint[0] = '\0';
	if (row < 0) {
		complain(complaint, "unknown setting", name);
		return -ERR_MALFORMED;
	}
	expected = breaks_more_rules(name, value);
	if (expected == NULL && store_value(settings, &rules[row], value))
		return 0;
	if (expected == NULL)
		expected = rows[row].range;
	snprintf(complaint, REASON_SIZE, "%s must be %s", name, expected);
	return -ERR_MALFORMED;
}

struct reader {
	struct settings *settings;
	char section[32];
	uint64_t seen; /* one bit a row */
	char *complaint;
};

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static int read_section(struct reader *reader, char *text)
{
	size_t len = strlen(text);

	if (text[len - 1] != ']') {
		complain(reader->complaint, "a section is written [name], not", text);
		return -ERR_MALFORMED;
	}
	text[len - 1] = '\0';
	text = trim(text + 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].section, text) == 0)
			return text_copy(reader->section, sizeof(reader->section), text);
	}
	complain(reader->complaint, "unknown section", text);
	return -ERR_MALFORMED;
}

static int read_setting(struct reader *reader, char *text)
{
	char *equals = strchr(text, '='), *key, name[96];
	uint64_t bit;
	int row;

	if (equals == NULL || reader->section[0] == '\0') {
		complain(reader->complaint,
			equals == NULL ? "a setting is written key = value, not"
				       : "no [section] before",
			text);
		return -ERR_MALFORMED;
	}
	*equals = '\0';
	key = trim(text);
	snprintf(name, sizeof(name), "%s.%.*s", reader->section, 60, key);
	row = find_row(name);
	bit = row < 0 ? 0 : UINT64_C(1) << row;
	if (reader->seen & bit) {
		complain(reader->complaint, "set twice:", name);
		return -ERR_MALFORMED;
	}
	reader->seen |= bit;
	return settings_set(reader->settings, name, trim(equals + 1), reader->complaint);
}

static int read_line(struct reader *reader, char *line)
{
	char *text = trim(line);

	if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
		return 0;
	return text[0] == '[' ? read_section(reader, text) : read_setting(reader, text);
}

int settings_parse(struct settings *settings, const char *text, char complaint[REASON_SIZE])
{
	struct settings fresh = *settings;
	char line[LINE_SIZE], what[REASON_SIZE] = "";
	struct reader reader = { .settings = &fresh, .complaint = what };

	complaint[0] = '\0';
	for (unsigned number = 1; *text != '\0'; number++) {
		size_t len = strcspn(text, "\n");
		int r = text_copy_len(line, sizeof(line), text, len);

		if (r < 0)
			complain(what, "too long:", "the line");
		else
			r = read_line(&reader, line);
		if (r < 0) {
			snprintf(complaint, REASON_SIZE, "line %u: %.*s", number, REASON_SIZE - 20,
				what);
			return -ERR_MALFORMED;
		}
		text += len;
		text += *text == '\n';
	}
	*settings = fresh;
	return 0;
}
