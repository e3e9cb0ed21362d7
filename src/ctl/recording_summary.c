/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "ctl/reader.h"
#include "ctl/recording_source.h"

#define LIST_MAX 100000 /* recordings of one directory that are listed */
#define FACT_SIZE 512
#define TAIL (4 * (RECORDING_RECORD_LEN + RECORDING_END_LEN + REASON_SIZE + RECORDING_CHECK_LEN))

/* The end record stands right before the last signature, so it is found from the back. */
static bool find_end(const uint8_t *bytes, size_t len, struct recording_end *ret_end)
{
	size_t signature = RECORDING_RECORD_LEN + RECORDING_SIGNATURE_LEN + RECORDING_CHECK_LEN;
	struct recording_record record;

	if (len < signature)
		return false;
	size_t end = len - signature;
	if (recording_record_next(bytes + end, signature, &record) != (int)signature ||
		record.type != RECORDING_SIGNATURE)
		return false;
	for (size_t reason = 0; reason < REASON_SIZE; reason++) {
		size_t whole =
			RECORDING_RECORD_LEN + RECORDING_END_LEN + reason + RECORDING_CHECK_LEN;
		if (whole > end)
			return false;
		if (recording_record_next(bytes + end - whole, whole, &record) == (int)whole &&
			recording_end_read(&record, ret_end) == 0)
			return true;
	}
	return false;
}

/* Without an end: the last chunk's time, which takes reading the file through. */
static uint32_t last_moment(struct source *source)
{
	struct source_record it;
	struct recording_chunk chunk;
	uint32_t ms = 0;

	while (source_next(source, &it) > 0)
		if (recording_chunk_read(&it.record, &chunk) == 0)
			ms = chunk.end_ms;
	return ms;
}

int recording_summarize(int fd, struct recording_summary *ret_summary)
{
	CLEANUP(source_finish) struct source source = {};
	uint8_t tail[TAIL];
	struct stat stat;
	int r = source_init(&source, fd);

	memset(ret_summary, 0, sizeof(*ret_summary));
	if (r < 0 || fstat(fd, &stat) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -ERR_SYSTEM;
	r = source_header(&source);
	if (r < 0)
		return r == -ERR_SYSTEM ? r : -ERR_MALFORMED;
	ret_summary->header = source.header;
	ret_summary->bytes = (uint64_t)stat.st_size;
	off_t from = stat.st_size > (off_t)sizeof(tail) ? stat.st_size - (off_t)sizeof(tail) : 0;
	ssize_t got = pread(fd, tail, sizeof(tail), from);
	ret_summary->ended = got > 0 && find_end(tail, (size_t)got, &ret_summary->end);
	ret_summary->ms = ret_summary->ended ? ret_summary->end.ms : last_moment(&source);
	return 0;
}

int recording_secrets_key(int fd, uint8_t ret_wrapped[RECORDING_SECRETS_WRAPPED_LEN])
{
	CLEANUP(source_finish) struct source source = {};
	struct source_record it;
	int r = source_init(&source, fd);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -ERR_SYSTEM;
	if (r == 0)
		r = source_header(&source);
	if (r < 0)
		return r == -ERR_SYSTEM ? r : -ERR_MALFORMED;
	r = source_next(&source, &it);
	if (r < 0)
		return r == -ERR_SYSTEM ? r : -ERR_MALFORMED;
	if (r == 0 || it.record.type != RECORDING_SECRETS_KEY)
		return -ERR_NOT_FOUND;
	if (it.record.len != RECORDING_SECRETS_WRAPPED_LEN)
		return -ERR_MALFORMED;
	memcpy(ret_wrapped, it.record.body, RECORDING_SECRETS_WRAPPED_LEN);
	return 0;
}

static json_t *parse_facts(const struct recording_header *header)
{
	json_t *facts = json_loadb(header->facts, header->facts_len, JSON_REJECT_DUPLICATES, NULL);

	if (facts != NULL && !json_is_object(facts)) {
		json_decref(facts);
		return NULL;
	}
	return facts;
}

void recording_fact(const struct recording_header *header, const char *name, char *out, size_t size)
{
	json_t *facts = parse_facts(header);
	const json_t *value = json_object_get(facts, name);

	out[0] = '\0';
	if (json_is_string(value))
		text_copy_len(out, size, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	json_decref(facts);
}

static void put_header(json_t *object, const struct recording_header *header)
{
	char time[CLOCK_TEXT_SIZE];
	json_t *facts = parse_facts(header);

	json_object_set_new(object, "session_id", json_string(header->session_id));
	json_object_set_new(
		object, "started", json_string(clock_format_utc(header->started_ms, time)));
	json_object_set_new(object, "input", json_boolean(header->input));
	json_object_set_new(object, "facts", facts != NULL ? facts : json_pack("n"));
}

static void put_end(json_t *object, const struct recording_end *end)
{
	char time[CLOCK_TEXT_SIZE];

	json_object_set_new(object, "ended", json_string(clock_format_utc(end->ended_ms, time)));
	json_object_set_new(object, "why", json_string(end->why == 0 ? "" : error_name(end->why)));
	json_object_set_new(object, "reason", text_json(end->reason, strlen(end->reason)));
	json_object_set_new(object, "exit_status", json_integer(end->exit_status));
	json_object_set_new(object, "output_bytes", json_integer((json_int_t)end->output_bytes));
	json_object_set_new(object, "input_bytes", json_integer((json_int_t)end->input_bytes));
}

/* Facts and reasons come from outside: printed only as JSON that was parsed and written again. */
static void print_json(json_t *object, FILE *out)
{
	json_dumpf(object, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
}

/* ---- the list ---- */

static void put_summary_json(const struct recording_summary *summary, bool first, FILE *out)
{
	json_t *object = json_pack("{}");

	put_header(object, &summary->header);
	json_object_set_new(object, "seconds", json_integer(summary->ms / 1000));
	json_object_set_new(object, "bytes", json_integer((json_int_t)summary->bytes));
	if (summary->ended)
		put_end(object, &summary->end);
	fputs(first ? "" : ",\n", out);
	print_json(object, out);
}

static void put_fact(
	const struct recording_header *header, const char *name, unsigned width, FILE *out)
{
	CLEANUP(buf_finish) struct buf safe = BUF(FACT_SIZE * 10);
	char fact[FACT_SIZE];

	recording_fact(header, name, fact, sizeof(fact));
	if (text_safe(&safe, fact, strlen(fact)) == 0)
		fprintf(out, "%-*.*s  ", (int)width, (int)safe.len,
			safe.data != NULL ? (char *)safe.data : "");
}

static void put_summary_row(const struct recording_summary *summary, FILE *out)
{
	char time[CLOCK_TEXT_SIZE];

	fprintf(out, "%.40s  %s  %7" PRIu32 " s  ", summary->header.session_id,
		clock_format_plain(summary->header.started_ms, time), summary->ms / 1000);
	put_fact(&summary->header, "user", 12, out);
	put_fact(&summary->header, "username", 10, out);
	put_fact(&summary->header, "device", 16, out);
	put_fact(&summary->header, "application", 12, out);
	fprintf(out, "%s\n", summary->ended ? "ended" : "no end");
}

struct entry {
	char name[SESSION_ID_SIZE + sizeof(RECORDING_SUFFIX)];
	int64_t started_ms;
};

static bool is_recording(const char *name)
{
	size_t len = SESSION_ID_SIZE - 1;

	return strspn(name, "0123456789abcdef") == len && strcmp(name + len, RECORDING_SUFFIX) == 0;
}

static int summarize_at(int dir, const char *name, struct recording_summary *ret_summary)
{
	CLEANUP(fd_closep)
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? -ERR_SYSTEM : recording_summarize(fd, ret_summary);
}

static int collect(int dir, struct entry **ret_entries, size_t *ret_count)
{
	CLEANUP(mem_freep) struct entry *entries = NULL;
	size_t count = 0, cap = 0;
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	DIR *listing = copy >= 0 ? fdopendir(copy) : NULL;

	if (listing == NULL) {
		fd_closep(&copy);
		return -ERR_SYSTEM;
	}
	rewinddir(listing);
	for (struct dirent *it; (it = readdir(listing)) != NULL && count < LIST_MAX;) {
		if (!is_recording(it->d_name))
			continue;
		if (count == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			struct entry *grown = reallocarray(entries, cap, sizeof(*entries));
			if (grown == NULL)
				break;
			entries = grown;
		}
		text_copy(entries[count].name, sizeof(entries[count].name), it->d_name);
		count++;
	}
	closedir(listing);
	*ret_entries = STEAL(entries);
	*ret_count = count;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct entry *)a)->started_ms,
		y = ((const struct entry *)b)->started_ms;

	return x < y ? 1 : x > y ? -1 : 0;
}

int recording_list(int dir, bool json, FILE *out)
{
	CLEANUP(mem_freep) struct entry *entries = NULL;
	CLEANUP(mem_freep) struct recording_summary *summary = malloc(sizeof(*summary));
	size_t count = 0;
	bool first = true;
	int r = summary != NULL ? collect(dir, &entries, &count) : -ERR_SYSTEM;

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		int found = summarize_at(dir, entries[i].name, summary);
		entries[i].started_ms = found == 0 ? summary->header.started_ms : INT64_MIN;
	}
	if (count > 0)
		qsort(entries, count, sizeof(*entries), newest_first);
	if (json)
		fputc('[', out);
	for (size_t i = 0; i < count; i++) {
		if (summarize_at(dir, entries[i].name, summary) < 0)
			continue;
		if (json)
			put_summary_json(summary, first, out);
		else
			put_summary_row(summary, out);
		first = false;
	}
	if (json)
		fputs("]\n", out);
	return 0;
}

/* ---- the report ---- */

static void print_report_json(const struct recording_report *report, FILE *out)
{
	json_t *object = json_pack("{}");
	char words[REASON_SIZE], head[2 * HASH_LEN + 1];

	json_object_set_new(
		object, "verdict", json_string(recording_verdict_name(report->verdict)));
	json_object_set_new(object, "detail", json_string(recording_verdict_text(report, words)));
	json_object_set_new(object, "seconds", json_integer(report->ms / 1000));
	json_object_set_new(object, "milliseconds", json_integer(report->ms));
	json_object_set_new(object, "chunks", json_integer((json_int_t)report->chunks));
	json_object_set_new(
		object, "unsigned_chunks", json_integer((json_int_t)report->unsigned_chunks));
	if (report->verdict == RECORDING_ALTERED)
		json_object_set_new(
			object, "altered_chunk", json_integer((json_int_t)report->altered));
	if (report->verdict <= RECORDING_ALTERED) {
		hex_encode(head, report->head, HASH_LEN);
		json_object_set_new(object, "head", json_string(head));
		put_header(object, &report->header);
	}
	if (report->ended)
		put_end(object, &report->end);
	if (report->compared)
		json_object_set_new(object, "witness", witness_report_json(&report->witness));
	print_json(object, out);
	fputc('\n', out);
}

static void print_people(const struct recording_report *report, FILE *out)
{
	static const char *const names[] = { "user", "application", "username", "device", "address",
		"protocol" };
	char time[CLOCK_TEXT_SIZE];

	fprintf(out, "session      %.40s\n", report->header.session_id);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		fprintf(out, "%-12s ", names[i]);
		put_fact(&report->header, names[i], 1, out);
		fputc('\n', out);
	}
	fprintf(out, "started      %s UTC\n", clock_format_plain(report->header.started_ms, time));
}

static void print_end(const struct recording_report *report, FILE *out)
{
	CLEANUP(buf_finish) struct buf reason = BUF(REASON_SIZE * 10);
	char time[CLOCK_TEXT_SIZE];

	text_safe(&reason, report->end.reason, strlen(report->end.reason));
	fprintf(out, "ended        %s UTC, %.*s\n", clock_format_plain(report->end.ended_ms, time),
		(int)reason.len, reason.data != NULL ? (char *)reason.data : "");
}

void recording_report_print(const struct recording_report *report, bool json, FILE *out)
{
	char words[REASON_SIZE];

	if (json) {
		print_report_json(report, out);
		return;
	}
	fprintf(out, "%s\n", recording_verdict_text(report, words));
	if (report->verdict > RECORDING_ALTERED)
		return;
	print_people(report, out);
	if (report->ended)
		print_end(report, out);
	fprintf(out, "proven       %" PRIu32 " s in %" PRIu64 " chunks\n", report->ms / 1000,
		report->chunks);
	if (report->unsigned_chunks > 0)
		fprintf(out, "beyond       %" PRIu64 " whole chunks without a signature\n",
			report->unsigned_chunks);
	if (report->compared)
		witness_report_print(&report->witness, out);
}
