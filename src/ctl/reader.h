/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/witness_file.h"
#include "wire/recording_secret.h"

/*
 * Reads recordings back, from the file alone. A file is hostile until its chain is proven: the
 * caller opens it, reads the installation's public key (and the data key, for content), then
 * sandbox_enter(SANDBOX_READER, -1), then calls in here.
 *
 * Nothing here prints a byte of a recording to a terminal that was not neutralised.
 */

/* ---- verify: needs no key but the installation's public one ---- */

enum recording_verdict {
	RECORDING_INTACT,
	RECORDING_CUT,            /* everything up to `ms` is proven; the end is missing */
	RECORDING_DISAGREES,      /* the witness has another head, or one after the end */
	RECORDING_ALTERED,        /* see `what` and `altered` */
	RECORDING_HEADER_ALTERED, /* or cut short inside the header */
	RECORDING_FOREIGN,        /* not certified by this installation */
	RECORDING_NEWER,          /* another version of the format */
	RECORDING_NONE,           /* no recording */
};
enum recording_part { PART_CHUNK, PART_SIGNATURE, PART_END, PART_AFTER };

struct recording_report {
	enum recording_verdict verdict;
	enum recording_part what;
	uint64_t altered, altered_last; /* chunks, from 1: the first, and the last that may be */
	uint64_t chunks;                /* proven by a signature */
	uint64_t unsigned_chunks;       /* whole, chained, but after the last signature */
	uint32_t ms;                    /* proven up to here, since the start */
	uint64_t bytes;                 /* of the file, read */
	bool ended;                     /* end is filled in */
	struct recording_end end;
	uint8_t head[HASH_LEN]; /* after the last record: what RECORDING_DONE told the broker */
	uint64_t signatures;
	bool compared; /* with a witness */
	struct witness_report witness;
	uint32_t disagrees_ms; /* where the witness has another head */
	struct recording_header header;
};

/* Streams; memory does not grow. 0 (see the verdict), or -ERR_SYSTEM when it cannot be read. */
int recording_verify(
	int fd, const uint8_t installation_public[32], struct recording_report *ret_report);
/* The same, compared with what a witness kept (opened, not loaded; NULL: none). */
int recording_verify_against(int fd, const uint8_t installation_public[32], struct witness *witness,
	struct recording_report *ret_report);
/* "intact", "cut short after second 12", "chunk 3 altered": one line, safe to print. */
const char *recording_verdict_text(const struct recording_report *report, char out[REASON_SIZE]);
const char *recording_verdict_name(enum recording_verdict verdict); /* "intact", "cut", .. */
/* Ed25519 SubjectPublicKeyInfo, PEM: installation.pem. -ERR_MALFORMED. */
int recording_public_key(const char *pem, uint8_t ret_key[32]);

/* ---- what stands in plain: header and end ---- */

struct recording_summary {
	struct recording_header header;
	bool ended;
	struct recording_end end;
	uint64_t bytes;
	uint32_t ms; /* of the end, or of the last chunk that can be seen */
};
/* Believes what it reads; recording_verify() proves it. -ERR_MALFORMED: no recording. */
int recording_summarize(int fd, struct recording_summary *ret_summary);
/* The wrapped second key. -ERR_NOT_FOUND: nothing is kept apart. -ERR_MALFORMED, -ERR_SYSTEM. */
int recording_secrets_key(int fd, uint8_t ret_wrapped[RECORDING_SECRETS_WRAPPED_LEN]);
/* Every *.rec of the directory, newest first: a table, or one JSON array. */
int recording_list(int dir, bool json, FILE *out);
/* One fact of the header as text: "" when it is not there. Unescaped. */
void recording_fact(
	const struct recording_header *header, const char *name, char *out, size_t size);
/* The report as one JSON object, or as lines for people. */
void recording_report_print(const struct recording_report *report, bool json, FILE *out);

/* ---- content: needs the data key ---- */

struct reader;
struct reader_event {
	uint32_t ms;                  /* since the start */
	struct recording_frame frame; /* payload is valid until the next call */
	bool secret;                  /* typed and not shown; the frame says what, it was opened */
};
/* fd must be seekable and stays the caller's; the key is copied. -ERR_MALFORMED, -ERR_CRYPTO. */
int reader_open(int fd, const uint8_t key[RECORDING_KEY_LEN], struct reader **ret_reader);
/* The second key: SECRET frames come opened from here on, as the input they were. */
int reader_open_secrets(struct reader *reader, const uint8_t key[RECORDING_KEY_LEN]);
void reader_close(struct reader *reader); /* wipes; NULL is fine */
/* 1 event, 0 at the end of what is there; -ERR_CRYPTO, -ERR_MALFORMED: a chunk is not whole. */
int reader_next(struct reader *reader, struct reader_event *ret_event);
int reader_rewind(struct reader *reader);
/* Where reading may begin: the start, or a chunk that begins with a keyframe. */
struct reader_place {
	uint64_t passed; /* bytes of the file before it; 0: the start */
	uint8_t head[HASH_LEN];
	uint64_t chunk; /* the one before it */
	uint32_t ms;    /* of its first frame */
	uint32_t before_ms;
};
/* The last one that is no later than `ms`. Decrypts nothing, and goes nowhere. -ERR_SYSTEM. */
int reader_find(struct reader *reader, uint32_t ms, struct reader_place *ret_place);
int reader_go(struct reader *reader, const struct reader_place *place);
const struct recording_header *reader_header(const struct reader *reader);
/* The end record, once it was passed; NULL: the recording was cut short. */
const struct recording_end *reader_end(const struct reader *reader);
uint64_t reader_chunk(const struct reader *reader); /* number of the chunk being read */

enum export_format { EXPORT_ASCIICAST, EXPORT_TEXT, EXPORT_JSON };
struct export_options {
	enum export_format format;
	bool input; /* asciicast: what was typed as "i" events; text: lines typed */
	bool times; /* text: a time before each line */
};
/* 0, or an error as reader_next(): what came before it was written. */
int recording_export(struct reader *reader, const struct export_options *options, FILE *out);

/* ---- shared by the files of the reader ---- */

/* Lets through what draws and drops what acts: reports, titles, clipboard, DCS, mouse modes. */
struct filter {
	uint8_t state;
	uint8_t held[64]; /* of a sequence or character that is not complete */
	uint8_t held_len;
};
int filter_put(struct filter *filter, const uint8_t *bytes, size_t len, struct buf *out);

/* Turns a terminal's bytes into lines of text. */
struct text_lines;
typedef int text_line_fn(void *context, const char *line, size_t len); /* UTF-8, printable */
struct text_lines *text_lines_create(text_line_fn *fn, void *context);
void text_lines_destroy(struct text_lines *lines);
int text_lines_put(struct text_lines *lines, const uint8_t *bytes, size_t len);
int text_lines_flush(struct text_lines *lines);
/* Decodes one character: its length (1 to 4), 0 when more bytes are needed. Bad bytes: U+FFFD. */
unsigned text_decode(const uint8_t *bytes, size_t len, uint32_t *ret_character);
unsigned text_encode(uint32_t character, char out[4]);
bool text_dangerous(uint32_t character); /* C0, DEL, C1, bidirectional and invisible controls */
/* A JSON string; what is no UTF-8 becomes U+FFFD. NULL without memory. */
json_t *text_json(const void *bytes, size_t len);
/* From outside, made safe to print: dangerous characters become <U+202E>, \n or ^[. */
int text_safe(struct buf *out, const void *bytes, size_t len);
