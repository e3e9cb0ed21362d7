/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/witness_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "ctl/lines.h"
#include "wire/head.h"

void witness_open(struct witness *witness, int fd, const uint8_t installation_public[32])
{
	*witness = (struct witness){ .fd = fd, .installation_public = installation_public };
}

/* ---- what is genuine ---- */

static struct witness_key *find_key(struct witness *witness, const uint8_t public_key[32])
{
	for (size_t i = witness->key_count; i-- > 0;)
		if (memcmp(witness->keys[i].public_key, public_key, 32) == 0)
			return &witness->keys[i];
	return NULL;
}

/* A broker's key is certified in some lines only; all that it signed counts. */
static int keep_key(struct witness *witness, const struct signer *signer)
{
	struct witness_key *key = find_key(witness, signer->public_key);

	if (key != NULL && (key->good || !signer->certified))
		return 0;
	if (witness->keys == NULL)
		witness->keys = calloc(WITNESS_KEYS_MAX, sizeof *witness->keys);
	if (witness->keys == NULL)
		return -ERR_SYSTEM;
	if (key == NULL && witness->key_count == WITNESS_KEYS_MAX)
		return 0; /* its heads are not believed */
	if (key == NULL)
		key = &witness->keys[witness->key_count++];
	memcpy(key->public_key, signer->public_key, sizeof key->public_key);
	key->good = signer_check(signer, witness->installation_public) == 0;
	return 0;
}

static bool line_genuine(struct witness *witness, const struct line *line)
{
	const struct witness_key *key;

	if (line->kind == LINE_RECORDING_HEAD)
		return recording_head_check(&line->recording, witness->installation_public) == 0;
	key = find_key(witness, line->audit.signer.public_key);
	return key != NULL && key->good && audit_head_check(&line->audit) == 0;
}

static int read_again(const struct witness *witness, uint64_t offset, struct line *ret_line)
{
	CLEANUP(mem_freep) char *text = malloc(LINES_BUFFER);
	size_t len;

	if (text == NULL)
		return -ERR_SYSTEM;
	ssize_t got = pread(witness->fd, text, LINES_BUFFER, (off_t)offset);
	if (got <= 0)
		return -ERR_SYSTEM;
	const char *end = memchr(text, '\n', (size_t)got);
	const char *head =
		line_find_head(text, end != NULL ? (size_t)(end - text) : (size_t)got, &len);
	return head != NULL ? line_read(head, len, ret_line) : -ERR_MALFORMED;
}

static bool genuine(struct witness *witness, const struct witness_head *head, struct line *ret_line)
{
	return read_again(witness, head->offset, ret_line) == 0 && line_genuine(witness, ret_line);
}

/* ---- loading ---- */

static int keep_head(
	struct witness *witness, uint64_t at, const uint8_t hash[HASH_LEN], uint64_t offset)
{
	if (witness->count == WITNESS_HEADS_MAX)
		return -ERR_TOO_LARGE;
	if (witness->count == witness->cap) {
		size_t cap = witness->cap == 0 ? 256 : witness->cap * 2;
		struct witness_head *grown =
			reallocarray(witness->heads, cap, sizeof *witness->heads);
		if (grown == NULL)
			return -ERR_SYSTEM;
		witness->heads = grown;
		witness->cap = cap;
	}
	struct witness_head *head = &witness->heads[witness->count++];
	*head = (struct witness_head){ .at = at, .offset = offset };
	memcpy(head->hash, hash, HASH_LEN);
	return 0;
}

/* Of each other trail one head is looked at: that of another installation is none of ours. */
static void see_other_trail(struct witness *witness, const struct line *line)
{
	for (unsigned i = 0; i < witness->trail_count; i++)
		if (memcmp(witness->trails[i], line->audit.signer.trail, HASH_LEN) == 0)
			return;
	if (witness->trail_count == WITNESS_TRAILS_MAX || !line->audit.signer.certified)
		return;
	memcpy(witness->trails[witness->trail_count++], line->audit.signer.trail, HASH_LEN);
	if (line_genuine(witness, line))
		witness->report.other_trail = true;
}

struct wanted {
	const uint8_t *trail;   /* or NULL */
	const char *session_id; /* or NULL */
};

static int take_line(struct witness *witness, const struct wanted *wanted,
	const struct lines_line *it, struct line *line)
{
	size_t len;
	const char *text = line_find_head(it->text, it->len, &len);
	int r = 0;

	if (text == NULL || line_read(text, len, line) < 0)
		return 0;
	if (line->kind == LINE_RECORDING_HEAD)
		return wanted->session_id != NULL &&
				       strcmp(line->recording.session_id, wanted->session_id) == 0
			       ? keep_head(witness, line->recording.number, line->recording.head,
					 it->offset)
			       : 0;
	if (wanted->trail == NULL)
		return 0;
	r = keep_key(witness, &line->audit.signer);
	if (r < 0)
		return r;
	if (memcmp(line->audit.signer.trail, wanted->trail, HASH_LEN) == 0)
		return keep_head(
			witness, (uint64_t)line->audit.sequence, line->audit.hash, it->offset);
	see_other_trail(witness, line);
	return 0;
}

static int in_order(const void *a, const void *b)
{
	uint64_t x = ((const struct witness_head *)a)->at, y = ((const struct witness_head *)b)->at;

	return x < y ? -1 : x > y ? 1 : 0;
}

static int load(struct witness *witness, const struct wanted *wanted)
{
	CLEANUP(mem_freep) struct line *line = malloc(sizeof *line);
	CLEANUP(lines_finish) struct lines lines;
	struct lines_line it;
	int r = lines_init(&lines, witness->fd);

	if (line == NULL)
		r = -ERR_SYSTEM;
	while (r >= 0 && (r = lines_next(&lines, &it)) > 0)
		r = take_line(witness, wanted, &it, line);
	if (r < 0)
		return r;
	if (witness->count > 0)
		qsort(witness->heads, witness->count, sizeof *witness->heads, in_order);
	witness->report.heads = witness->count;
	return 0;
}

int witness_load_trail(struct witness *witness, const uint8_t trail[HASH_LEN])
{
	return load(witness, &(struct wanted){ .trail = trail });
}

int witness_load_recording(struct witness *witness, const char *session_id)
{
	return load(witness, &(struct wanted){ .session_id = session_id });
}

/* ---- comparing ---- */

static void differs(struct witness *witness, const struct witness_head *head)
{
	struct witness_report *report = &witness->report;
	struct line line;

	if (!genuine(witness, head, &line)) {
		report->forged++;
	} else if (!report->disagrees) {
		report->disagrees = true;
		report->disagrees_at = head->at;
	}
}

void witness_compare(struct witness *witness, uint64_t at, const uint8_t hash[HASH_LEN])
{
	for (; witness->next < witness->count; witness->next++) {
		const struct witness_head *head = &witness->heads[witness->next];
		if (head->at > at)
			return;
		if (head->at < at)
			continue; /* before the first one here */
		if (memcmp(head->hash, hash, HASH_LEN) == 0)
			witness->report.agreed++;
		else
			differs(witness, head);
	}
}

static void look_beyond(struct witness *witness, uint64_t last)
{
	struct witness_report *report = &witness->report;
	struct line line;

	for (size_t i = witness->count; i-- > 0 && witness->heads[i].at > last;) {
		if (!genuine(witness, &witness->heads[i], &line)) {
			report->forged++;
			continue;
		}
		report->beyond = witness->heads[i].at;
		report->beyond_ms = line.kind == LINE_RECORDING_HEAD ? line.recording.ms : 0;
		return;
	}
}

void witness_close(struct witness *witness, uint64_t last)
{
	look_beyond(witness, last);
	free(STEAL(witness->heads));
	free(STEAL(witness->keys));
	witness->count = witness->cap = witness->key_count = 0;
}

/* ---- saying it ---- */

json_t *witness_report_json(const struct witness_report *report)
{
	return json_pack("{s:I, s:I, s:I, s:b, s:I, s:I}", "heads", (json_int_t)report->heads,
		"agreed", (json_int_t)report->agreed, "forged", (json_int_t)report->forged,
		"other_trail", report->other_trail, "disagrees_at",
		(json_int_t)report->disagrees_at, "beyond", (json_int_t)report->beyond);
}

void witness_report_print(const struct witness_report *report, FILE *out)
{
	fprintf(out, "witness      %" PRIu64 " of %" PRIu64 " heads agree", report->agreed,
		report->heads);
	if (report->forged > 0)
		fprintf(out, ", %" PRIu64 " are not signed by this installation", report->forged);
	fputc('\n', out);
}
