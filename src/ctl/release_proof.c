/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/release_proof.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

#define PAGE 1000
#define ID_LEN ((SESSION_ID_SIZE - 1) / 2)

const char *release_verdict_name(enum release_verdict verdict)
{
	static const char *const names[] = { "intact", "altered", "missing", "cut", "other",
		"unaudited" };
	return names[verdict];
}

/* --- the files ------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	const uint64_t *one = a, *two = b;
	return (*one > *two) - (*one < *two);
}

/* The first lines of the files that are full, in order. Their number, or an error. */
static int list_files(int directory, uint64_t **ret_firsts)
{
	CLEANUP(mem_freep) uint64_t *firsts = malloc(RELEASE_FILES_MAX * sizeof *firsts);
	DIR *list = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned count = 0;
	if (firsts == NULL || list == NULL) {
		if (list != NULL)
			closedir(list);
		return -ERR_SYSTEM;
	}
	for (struct dirent *entry; count < RELEASE_FILES_MAX && (entry = readdir(list)) != NULL;)
		count += releases_name_parse(entry->d_name, &firsts[count]);
	closedir(list);
	if (count == RELEASE_FILES_MAX)
		return -ERR_FULL;
	qsort(firsts, count, sizeof *firsts, by_number);
	*ret_firsts = STEAL(firsts);
	return (int)count;
}

/* Remembers that somebody has heard enough. */
struct reading {
	releases_line_fn *fn;
	void *context;
	bool enough;
};

static bool pass_on(void *context, const char *line, size_t len)
{
	struct reading *reading = context;
	reading->enough = !reading->fn(reading->context, line, len);
	return !reading->enough;
}

static int read_file(int directory, const char *name, struct reading *reading)
{
	off_t complete;
	CLEANUP(fd_closep) int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -ERR_SYSTEM;
	return releases_read(fd, pass_on, reading, &complete);
}

int release_files_read(int directory, releases_line_fn *fn, void *context)
{
	CLEANUP(mem_freep) uint64_t *firsts = NULL;
	struct reading reading = { fn, context, false };
	char name[RELEASES_NAME_SIZE];
	int count = list_files(directory, &firsts), r = count < 0 ? count : 0;
	for (int i = 0; r == 0 && i < count && !reading.enough; i++) {
		releases_name(firsts[i], name);
		r = read_file(directory, name, &reading);
	}
	if (r == 0 && !reading.enough)
		r = read_file(directory, RELEASES_FILE, &reading);
	return r;
}

/* --- what the trail has seen ---------------------------------------------------------------- */

struct sight { /* so long was the log, and this its last line's hash */
	uint64_t sequence;
	int64_t row;
	uint8_t head[HASH_LEN];
};
struct granted { /* a release the trail knows, or the log: of this session */
	uint8_t session[ID_LEN];
	uint64_t line;
};
struct list {
	void *rows;
	size_t count, room, size;
};
struct trail {
	int64_t after; /* last row that was looked at */
	unsigned page;
	struct list sights, granted;
	int error;
};

static void *list_add(struct list *list)
{
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 1024 : 2 * list->room;
		void *rows =
			room > RELEASE_ROWS_MAX ? NULL : reallocarray(list->rows, room, list->size);
		if (rows == NULL)
			return NULL;
		list->rows = rows;
		list->room = room;
	}
	return (char *)list->rows + list->size * list->count++;
}

static bool session_read(const json_t *object, const char *key, uint8_t out[ID_LEN])
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL && hex_decode(out, ID_LEN, text, strlen(text)) == ID_LEN;
}

static int sight_add(struct trail *trail, const struct audit_row *row, const json_t *detail)
{
	const json_t *sequence = json_object_get(detail, "releases");
	const char *head = json_string_value(json_object_get(detail, "releases_head"));
	if (!json_is_integer(sequence) || json_integer_value(sequence) <= 0 || head == NULL)
		return 0;
	struct sight *sight = list_add(&trail->sights);
	if (sight == NULL)
		return -ERR_FULL;
	*sight = (struct sight){ (uint64_t)json_integer_value(sequence), row->sequence, { 0 } };
	/* A hash that is none is no line's. */
	hex_decode(sight->head, HASH_LEN, head, strlen(head));
	return 0;
}

static int granted_add(struct list *list, const json_t *object, const char *key, uint64_t line)
{
	uint8_t session[ID_LEN];
	if (!session_read(object, key, session))
		return 0;
	struct granted *granted = list_add(list);
	if (granted == NULL)
		return -ERR_FULL;
	memcpy(granted->session, session, ID_LEN);
	granted->line = line;
	return 0;
}

static int look_at(void *context, const struct audit_row *row)
{
	struct trail *trail = context;
	trail->after = row->sequence;
	trail->page++;
	/* A broker that has only just met the vault allows what it knows no line for yet. */
	bool allows = strcmp(row->event, "credential.released") == 0;
	if (!allows && strstr(row->detail, "\"releases\"") == NULL)
		return 0;
	json_t *detail = json_loads(row->detail, JSON_REJECT_DUPLICATES, NULL);
	if (detail == NULL)
		return 0;
	trail->error = sight_add(trail, row, detail);
	if (trail->error == 0 && allows)
		trail->error = granted_add(&trail->granted, detail, "session_id", 0);
	json_decref(detail);
	return trail->error;
}

/* Everything that came since it was read last. */
static int trail_read(struct trail *trail, struct store *store)
{
	int r = 0;
	do {
		trail->page = 0;
		r = store_audit_list(store, trail->after, PAGE, look_at, trail);
	} while (r >= 0 && trail->error == 0 && trail->page > 0);
	return r < 0 ? r : trail->error;
}

static void trail_finish(struct trail *trail)
{
	free(trail->sights.rows);
	free(trail->granted.rows);
}

/* --- the proof ------------------------------------------------------------------------------ */

struct proving {
	struct release_report *report;
	const uint8_t *installation_public;
	struct releases_proof proof;
	const struct sight *sight, *sights_end; /* in the order of their lines */
	struct list released;                   /* what the log says */
	uint64_t compared_from;                 /* lines of before the trail looked at them */
	int error;
};

static bool wrong(struct proving *proving, enum release_verdict verdict, uint64_t line, int64_t row)
{
	proving->report->verdict = verdict;
	proving->report->line = line;
	proving->report->row = row;
	return false;
}

static int by_line(const void *a, const void *b)
{
	const struct sight *one = a, *two = b;
	return (one->sequence > two->sequence) - (one->sequence < two->sequence);
}

static int by_session(const void *a, const void *b)
{
	return memcmp(
		((const struct granted *)a)->session, ((const struct granted *)b)->session, ID_LEN);
}

static int released_add(struct proving *proving, const char *line, size_t len)
{
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *what = json_string_value(json_object_get(object, "what"));
	int r = 0;
	if (what != NULL && (strcmp(what, "password") == 0 || strcmp(what, "key") == 0))
		r = granted_add(&proving->released, object, "session", proving->proof.sequence);
	json_decref(object);
	return r;
}

static bool prove_line(void *context, const char *line, size_t len)
{
	struct proving *proving = context;
	struct releases_proof *proof = &proving->proof;
	int r = releases_line_check(proof, line, len, proving->installation_public);
	if (r < 0)
		return wrong(proving, r == -ERR_NOT_FOUND ? RELEASES_MISSING : RELEASES_ALTERED,
			proof->sequence + 1, 0);
	proving->report->lines = proof->sequence;
	for (; proving->sight < proving->sights_end && proving->sight->sequence <= proof->sequence;
		proving->sight++)
		if (proving->sight->sequence == proof->sequence &&
			memcmp(proving->sight->head, proof->head, HASH_LEN) != 0)
			return wrong(proving, RELEASES_OTHER, proof->sequence, proving->sight->row);
	if (proof->sequence > proving->compared_from)
		proving->error = released_add(proving, line, len);
	return proving->error == 0;
}

/* A line of the log that no row of the trail allowed. */
static void find_unaudited(struct proving *proving, const struct trail *trail)
{
	struct granted *released = proving->released.rows;
	uint64_t first = 0;
	for (size_t i = 0; i < proving->released.count; i++) {
		bool known = trail->granted.count > 0 &&
			     bsearch(&released[i], trail->granted.rows, trail->granted.count,
				     sizeof *released, by_session) != NULL;
		if (!known && (first == 0 || released[i].line < first))
			first = released[i].line;
	}
	if (first != 0)
		wrong(proving, RELEASES_UNAUDITED, first, 0);
}

/*
 * The trail, the log, and once more the trail: a row that has seen a line was written after it, and
 * a line that was allowed by a row was written after that.
 */
static int prove_with_trail(
	struct proving *proving, int directory, struct store *store, struct trail *trail)
{
	int r = trail_read(trail, store);
	if (r < 0)
		return r;
	struct sight *sights = trail->sights.rows;
	size_t count = trail->sights.count;
	if (count > 0) {
		qsort(sights, count, sizeof *sights, by_line);
		proving->sight = sights;
		proving->sights_end = sights + count;
	}
	proving->compared_from = count > 0 ? sights[0].sequence : UINT64_MAX;
	r = release_files_read(directory, prove_line, proving);
	if (r < 0 || proving->error < 0 || proving->report->verdict != RELEASES_INTACT)
		return r < 0 ? r : proving->error;
	if (proving->sight < proving->sights_end) {
		proving->report->seen = (proving->sights_end - 1)->sequence;
		wrong(proving, RELEASES_CUT, proving->proof.sequence,
			(proving->sights_end - 1)->row);
		return 0;
	}
	r = trail_read(trail, store);
	if (r < 0)
		return r;
	if (trail->granted.count > 0)
		qsort(trail->granted.rows, trail->granted.count, sizeof(struct granted),
			by_session);
	find_unaudited(proving, trail);
	return 0;
}

int release_prove(int directory, const uint8_t installation_public[32], struct store *store,
	struct release_report *ret_report)
{
	struct trail trail = { .sights = { .size = sizeof(struct sight) },
		.granted = { .size = sizeof(struct granted) } };
	struct proving proving = { .report = ret_report,
		.installation_public = installation_public,
		.released = { .size = sizeof(struct granted) },
		.compared_from = UINT64_MAX };
	*ret_report = (struct release_report){ .compared = store != NULL };
	int r = store != NULL ? prove_with_trail(&proving, directory, store, &trail)
			      : release_files_read(directory, prove_line, &proving);
	trail_finish(&trail);
	free(proving.released.rows);
	return r;
}
