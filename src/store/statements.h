/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Statements by number. From STMT_SCHEMA on the numbers name the migrations of schema/, which are
 * scripts of several statements and take no parameters.
 */
enum statement {
#define STMT(name, text) STMT_##name,
#include "store/statements.def"
#undef STMT
	STMT_SCHEMA
};

/* A word of the house (BYTES, IDENTITY) and what it is called in one database. */
struct dialect_word {
	const char *word, *means;
};
/*
 * The text of a statement or migration with the words of the dialect (which ends with a row without
 * word) in place. The caller frees; NULL without memory.
 */
char *statement_text(unsigned statement, const struct dialect_word *dialect);
/* For messages about bugs: "TICKET_SPEND", "migration 2". */
const char *statement_name(unsigned statement);

/* schema/0000_facts.sql is number 0 and always runs; the rest run once, in order. */
unsigned schema_newest(void);
/* Whether a statement's first word is this one: what it does, for who must know. */
bool statement_begins(unsigned statement, const char *word);
