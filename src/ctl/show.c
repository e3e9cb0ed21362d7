/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cli.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/reader.h"

#define COLUMNS_MAX 16

void show_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	putchar('\n');
}

/* Names and reasons come from anyone: nothing in them may move the cursor of the reader. */
void show_text(FILE *out, const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t len = strlen(text);

	while (len > 0) {
		uint32_t character;
		char encoded[4];
		unsigned used = text_decode(at, len, &character);
		if (used == 0)
			used = (unsigned)len; /* cut off in the middle: one mark for the rest */
		unsigned bytes = text_encode(character, encoded);
		if (!text_dangerous(character))
			fwrite(encoded, 1, bytes, out);
		else
			fprintf(out, character < 0x80 ? "\\x%02x" : "\\u%04x", character);
		at += used;
		len -= used;
	}
}

/* As it is printed; "" for nothing. The caller frees; NULL without memory. */
static char *cell_text(const json_t *value)
{
	char *shown = NULL, *dumped = NULL;
	const char *text = "";
	size_t size;

	if (json_is_string(value))
		text = json_string_value(value);
	else if (json_is_boolean(value))
		text = json_is_true(value) ? "yes" : "no";
	else if (value != NULL && !json_is_null(value) &&
		 (dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT)) != NULL)
		text = dumped;
	FILE *out = open_memstream(&shown, &size);
	if (out != NULL) {
		show_text(out, text);
		fclose(out);
	}
	free(dumped);
	return shown;
}

/* Columns on a screen: code points, which is right for all but wide scripts. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t cell_width(const json_t *value)
{
	char *text = cell_text(value);
	size_t width = text != NULL ? text_width(text) : 0;

	free(text);
	return width;
}

static void print_cell(const char *text, size_t width, bool last)
{
	fputs(text, stdout);
	for (size_t i = text_width(text); !last && i < width + 2; i++)
		putchar(' ');
}

static void print_row(const json_t *row, const struct column *columns, const size_t *widths)
{
	for (size_t i = 0; columns[i].title != NULL; i++) {
		char *text = cell_text(json_object_get(row, columns[i].key));
		print_cell(text != NULL ? text : "", widths[i], columns[i + 1].title == NULL);
		free(text);
	}
	putchar('\n');
}

static void print_titles(const struct column *columns, const size_t *widths)
{
	bool bold = isatty(1);

	fputs(bold ? "\033[1m" : "", stdout);
	for (size_t i = 0; columns[i].title != NULL; i++)
		print_cell(columns[i].title, widths[i], columns[i + 1].title == NULL);
	fputs(bold ? "\033[0m\n" : "\n", stdout);
}

void show_table(const json_t *rows, const struct column *columns)
{
	size_t widths[COLUMNS_MAX] = { 0 }, index;
	const json_t *row;

	for (size_t i = 0; columns[i].title != NULL; i++) {
		assert(i < COLUMNS_MAX);
		widths[i] = text_width(columns[i].title);
		json_array_foreach((json_t *)rows, index, row)
		{
			size_t width = cell_width(json_object_get(row, columns[i].key));
			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	print_titles(columns, widths);
	json_array_foreach((json_t *)rows, index, row) print_row(row, columns, widths);
}

void show_object(const json_t *object)
{
	const char *key;
	const json_t *value;
	size_t width = 0;

	json_object_foreach((json_t *)object, key, value) width =
		strlen(key) > width ? strlen(key) : width;
	json_object_foreach((json_t *)object, key, value)
	{
		char *text = cell_text(value);
		printf("%-*s  %s\n", (int)width, key, text != NULL ? text : "");
		free(text);
	}
}

void show_answer(const struct cli *cli, json_t *answer)
{
	if (cli->json)
		show_json(answer);
	else
		show_object(answer);
	json_decref(answer);
}
