/* SPDX-License-Identifier: Apache-2.0 */
#include "store/statements.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define STATEMENT_TEXT_MAX 65536 /* bytes, a whole migration */

static const struct {
	const char *name, *text;
} statements[] = {
#define STMT(name, text) [STMT_##name] = { #name, text },
#include "store/statements.def"
#undef STMT
};

/* ADD A MIGRATION: a file in schema/, its name here and in meson.build. */
extern const char schema_0000_facts[], schema_0001_first[], schema_0002_heads[],
	schema_0003_receipts[], schema_0004_devices[], schema_0005_nodes[], schema_0006_policies[];
static const char *const migrations[] = { schema_0000_facts, schema_0001_first, schema_0002_heads,
	schema_0003_receipts, schema_0004_devices, schema_0005_nodes, schema_0006_policies };

unsigned schema_newest(void)
{
	return ARRAY_LEN(migrations) - 1;
}

const char *statement_name(unsigned statement)
{
	return statement < STMT_SCHEMA ? statements[statement].name : "migration";
}

bool statement_begins(unsigned statement, const char *word)
{
	return statement < STMT_SCHEMA &&
	       strncmp(statements[statement].text, word, strlen(word)) == 0;
}

/* Length of the word at `text`; 0 when none starts there. */
static size_t word_length(const char *text)
{
	size_t len = 0;
	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return len;
}

static const char *translate(
	const struct dialect_word *dialect, const char *word, size_t len, size_t *ret_len)
{
	for (; dialect->word != NULL; dialect++) {
		if (strlen(dialect->word) == len && memcmp(dialect->word, word, len) == 0) {
			*ret_len = strlen(dialect->means);
			return dialect->means;
		}
	}
	*ret_len = len;
	return word;
}

char *statement_text(unsigned statement, const struct dialect_word *dialect)
{
	const char *from = statement < STMT_SCHEMA ? statements[statement].text
						   : migrations[statement - STMT_SCHEMA];
	CLEANUP(buf_finish) struct buf out = BUF(STATEMENT_TEXT_MAX);
	int r = 0;
	while (*from != '\0' && r == 0) {
		size_t len = word_length(from), out_len = 1;
		const char *word = len > 0 ? translate(dialect, from, len, &out_len) : from;
		r = buf_append(&out, word, out_len);
		from += len > 0 ? len : 1;
	}
	if (r < 0)
		return NULL;
	return strndup((const char *)out.data, out.len);
}
