/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CELL_SIZE 256

void show_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	putchar('\n');
}

/* Names and reasons come from anyone: nothing in them may move the cursor of the reader. */
void show_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\x%02x", *p);
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			fprintf(out, "\\u%04x", *++p);
		else if (*p == 0xe2 && p[1] == 0x80 && (p[2] & 0xf8) == 0xa8)
			fprintf(out, "\\u%04x", 0x2000 | (p[2] & 0x3f)),
				p += 2; /* bidirectional overrides */
		else
			putc(*p, out);
	}
}

static void cell_text(const json_t *value, char out[CELL_SIZE])
{
	char *dumped = NULL;

	if (value == NULL || json_is_null(value))
		out[0] = '\0';
	else if (json_is_string(value))
		snprintf(out, CELL_SIZE, "%s", json_string_value(value));
	else if (json_is_boolean(value))
		snprintf(out, CELL_SIZE, "%s", json_is_true(value) ? "yes" : "no");
	else if ((dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT)) != NULL)
		snprintf(out, CELL_SIZE, "%s", dumped);
	free(dumped);
}

/* Columns on a screen: code points, which is right for all but wide scripts. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(const char *text, size_t width, bool last)
{
	show_text(stdout, text);
	for (size_t i = text_width(text); !last && i < width + 2; i++)
		putchar(' ');
}

void show_table(const json_t *rows, const struct column *columns)
{
	size_t widths[16] = { 0 }, count = 0, index;
	char cell[CELL_SIZE];
	const json_t *row;

	for (; columns[count].title != NULL && count < 16; count++)
		widths[count] = text_width(columns[count].title);
	json_array_foreach((json_t *)rows, index, row)
	{
		for (size_t i = 0; i < count; i++) {
			cell_text(json_object_get(row, columns[i].key), cell);
			size_t width = text_width(cell);
			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	bool bold = isatty(1);
	fputs(bold ? "\033[1m" : "", stdout);
	for (size_t i = 0; i < count; i++)
		print_cell(columns[i].title, widths[i], i + 1 == count);
	fputs(bold ? "\033[0m\n" : "\n", stdout);
	json_array_foreach((json_t *)rows, index, row)
	{
		for (size_t i = 0; i < count; i++) {
			cell_text(json_object_get(row, columns[i].key), cell);
			print_cell(cell, widths[i], i + 1 == count);
		}
		putchar('\n');
	}
}

void show_object(const json_t *object)
{
	char cell[CELL_SIZE];
	const char *key;
	const json_t *value;
	size_t width = 0;

	json_object_foreach((json_t *)object, key, value) width =
		strlen(key) > width ? strlen(key) : width;
	json_object_foreach((json_t *)object, key, value)
	{
		printf("%-*s  ", (int)width, key);
		cell_text(value, cell);
		show_text(stdout, cell);
		putchar('\n');
	}
}
