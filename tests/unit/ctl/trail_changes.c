/* SPDX-License-Identifier: Apache-2.0 */
/* Random changes to the audit trail, in the store's file and in the mirror: every one is found, and
 * the first bad row is named. COUNT as argument. */
#include <sodium.h>
#include <sqlite3.h>

#include "../store/fixture.h"
#include "base/mem.h"
#include "ctl/trail.h"
#include "past.h"
#include "store/chain.h"

#define ROWS 60
#define EVERY 3 /* rows a head */

enum change {
	/* what anybody can do who writes the file: in the store, or line by line in the mirror */
	FIELD,
	ROW_GONE,
	ROWS_SWAPPED,
	ROW_PUT_IN,
	REBUILT, /* a row with a hash that is right for it */
	RECHAINED,
	RESIGNED, /* with a key of one's own */
	HEAD,
	OLDER,
	SPLICED,
	/* of the mirror's text */
	BIT,
	BYTE,
	DELETE,
	INSERT,
	LINE_GONE,
	LINE_TWICE,
	LINES_SWAPPED,
	TRUNCATED,
	CHANGES
};
static const char *const names[] = { "field", "row gone", "rows swapped", "row put in", "rebuilt",
	"rechained", "resigned", "head", "older", "spliced", "bit", "byte", "delete", "insert",
	"line gone", "line twice", "lines swapped", "truncated" };

static unsigned rounds = 1000;
static struct past *past, *other; /* two trails of one installation */
static struct buf text = BUF(1024 * 1024), witnessed = BUF(1024 * 1024);
static sqlite3 *database;

/* xorshift64: a failure can be run again. */
static uint64_t state_of_random = 0x9e3779b97f4a7c15;

static unsigned below(size_t most)
{
	state_of_random ^= state_of_random << 13;
	state_of_random ^= state_of_random >> 7;
	state_of_random ^= state_of_random << 17;
	return (unsigned)((state_of_random >> 11) % most);
}

/* Returns which row is the first that is not as it was, or has a head that is not. */
struct changed {
	struct past past;
	bool in_store;
	int64_t bad, slack; /* of a head nobody can read: the row it stands for, or the next */
};

/* ---- rows and heads ---- */

static void change_field(struct audit_row *row)
{
	char *const words[] = { row->event, row->actor, row->from, row->object, row->detail };
	unsigned which = below(9);

	if (which < 5)
		words[which][0] = words[which][0] == 'x' ? 'y' : 'x';
	else if (which == 5)
		row->at += 1 + below(1000);
	else if (which == 6)
		row->result -= 1 + (int)below(100);
	else
		(which == 7 ? row->hash : row->before)[below(HASH_LEN)] ^=
			(uint8_t)(1u << below(8));
}

static void row_gone(struct changed *changed, unsigned index)
{
	struct past *copy = &changed->past;

	copy->count--;
	memmove(&copy->rows[index], &copy->rows[index + 1],
		(copy->count - index) * sizeof copy->rows[0]);
}

static void rows_swapped(struct changed *changed, unsigned a)
{
	struct audit_row *rows = changed->past.rows, kept = rows[a];
	unsigned b = (a + 1 + below(ROWS - 1)) % ROWS;

	rows[a] = rows[b];
	rows[b] = kept;
	rows[a].sequence = a + 1;
	rows[b].sequence = b + 1;
	changed->bad = MIN(a, b) + 1;
}

/* One that was made up stands there, those after it have moved. */
static void row_put_in(struct changed *changed, unsigned index)
{
	struct past *copy = &changed->past;
	struct audit_row row = copy->rows[index];

	for (unsigned i = copy->count++; i > index; i--) {
		copy->rows[i] = copy->rows[i - 1];
		copy->rows[i].sequence++;
	}
	do {
		change_field(&row);
		if (below(2) == 0)
			chain_hash(&row, row.hash);
	} while (memcmp(&row, &copy->rows[index], sizeof row) == 0);
	copy->rows[index] = row;
}

static void resigned(struct changed *changed, unsigned index)
{
	struct past *copy = &changed->past;
	struct signer mine = past->signer; /* its certificate is of another key */
	unsigned how = below(3);

	crypto_sign_keypair(mine.public_key, copy->key_secret);
	if (how == 0) { /* by an installation of one's own */
		crypto_sign_keypair(copy->installation, copy->installation_secret);
		past_certify(copy, &mine);
		memcpy(copy->installation, past->installation, sizeof copy->installation);
	}
	mine.certified = how != 1;
	for (unsigned i = 0; i < copy->head_count; i++) {
		if (copy->heads[i].sequence <= index)
			continue;
		copy->heads[i].signer = mine;
		past_sign(copy, i);
	}
}

static void change_head(struct changed *changed, unsigned index)
{
	struct past *copy = &changed->past;
	unsigned which = below(6), first = index, last = index;

	if (which > 3 && changed->in_store) { /* a store has each key once */
		first = 0;
		last = copy->head_count - 1;
	}
	for (unsigned i = first, at = below(32); i <= last; i++) {
		struct audit_head *head = &copy->heads[i];
		head->at += which == 0;
		head->sequence += which == 1 && i + 1 < copy->head_count ? 1 : 0;
		head->signature[at] ^= which == 2 || head->sequence == ROWS ? 1 : 0;
		head->signer.trail[at] ^= which == 3 ? 1 : 0;
		head->signer.public_key[at] ^= which == 4 ? 1 : 0;
		head->signer.certificate[at] ^= which == 5 ? 1 : 0;
	}
	if (which == 3 && changed->in_store) /* is the trail's of all its keys */
		copy->heads[index].signature[0] ^= 2;
	changed->bad = copy->heads[first].sequence;
}

static void older(struct changed *changed, unsigned count)
{
	struct past *copy = &changed->past;

	copy->count = count;
	while (copy->head_count > 0 && copy->heads[copy->head_count - 1].sequence > count)
		copy->head_count--;
}

static void spliced(struct changed *changed, unsigned index)
{
	struct past *copy = &changed->past;

	memcpy(&copy->rows[index], &other->rows[index], (ROWS - index) * sizeof copy->rows[0]);
	for (unsigned i = 0; i < copy->head_count; i++)
		if (copy->heads[i].sequence > index)
			copy->heads[i] = other->heads[i];
}

/* As much as is used of it: it is large. */
static void start_over(struct past *copy)
{
	memcpy(copy, past, offsetof(struct past, rows[ROWS]));
	memcpy(copy->heads, past->heads, sizeof past->heads[0] * past->head_count);
}

static void apply(struct changed *changed, enum change change)
{
	struct past *copy = &changed->past;
	unsigned index = below(ROWS);

	changed->bad = index + 1;
	switch (change) {
	case FIELD:
	case REBUILT:
	case RECHAINED:
	case RESIGNED:
		do {
			change_field(&copy->rows[index]);
			if (change == REBUILT)
				chain_hash(&copy->rows[index], copy->rows[index].hash);
			if (change == RECHAINED || change == RESIGNED)
				past_rechain(copy, index);
		} while (memcmp(&copy->rows[index], &past->rows[index], sizeof copy->rows[0]) == 0);
		if (change == RESIGNED)
			resigned(changed, index);
		break;
	case ROW_GONE:
		row_gone(changed, index);
		break;
	case ROWS_SWAPPED:
		rows_swapped(changed, index);
		break;
	case ROW_PUT_IN:
		row_put_in(changed, index);
		break;
	case HEAD:
		change_head(changed, below(copy->head_count));
		break;
	case OLDER:
		older(changed, index);
		break;
	default:
		changed->bad = MAX(index, 1u) + 1; /* all of it would be the other trail */
		spliced(changed, MAX(index, 1u));
	}
}

/* ---- the store's file ---- */

static void put_blob(sqlite3_stmt *statement, int at, const void *bytes, int len)
{
	assert_int_equal(sqlite3_bind_blob(statement, at, bytes, len, SQLITE_STATIC), SQLITE_OK);
}

static void step(sqlite3_stmt *statement)
{
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_reset(statement);
}

static sqlite3_stmt *prepare(const char *words)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(database, words, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(database));
	return statement;
}

static void run(const char *words)
{
	char *why = NULL;

	if (sqlite3_exec(database, words, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
}

static void write_rows(const struct past *copy)
{
	sqlite3_stmt *add = prepare("INSERT INTO audit VALUES (?,?,?,?,?,?,?,?,?,?)");

	for (unsigned i = 0; i < copy->count; i++) {
		const struct audit_row *row = &copy->rows[i];
		const char *const words[] = { row->event, row->actor, row->from, row->object };
		sqlite3_bind_int64(add, 1, row->sequence);
		sqlite3_bind_int64(add, 2, row->at);
		for (int j = 0; j < 4; j++)
			sqlite3_bind_text(add, 3 + j, words[j], -1, SQLITE_STATIC);
		sqlite3_bind_int(add, 7, row->result);
		sqlite3_bind_text(add, 8, row->detail, -1, SQLITE_STATIC);
		put_blob(add, 9, row->before, HASH_LEN);
		put_blob(add, 10, row->hash, HASH_LEN);
		step(add);
	}
	sqlite3_finalize(add);
}

static int64_t write_signer(const struct signer *signer)
{
	sqlite3_stmt *add =
		prepare("INSERT INTO signers (trail, public_key, made_at) VALUES (?,?,0)");
	sqlite3_stmt *certify = prepare("INSERT INTO signer_certificates VALUES (?,?,0)");

	put_blob(add, 1, signer->trail, HASH_LEN);
	put_blob(add, 2, signer->public_key, 32);
	step(add);
	int64_t id = sqlite3_last_insert_rowid(database);
	sqlite3_bind_int64(certify, 1, id);
	put_blob(certify, 2, signer->certificate, 64);
	if (signer->certified)
		step(certify);
	sqlite3_finalize(add);
	sqlite3_finalize(certify);
	return id;
}

static void write_heads(const struct past *copy)
{
	sqlite3_stmt *add = prepare("INSERT INTO heads VALUES (?,?,?,?)");
	const struct signer *signer = NULL;
	int64_t id = 0;

	for (unsigned i = 0; i < copy->head_count; i++) {
		const struct audit_head *head = &copy->heads[i];
		if (signer == NULL || memcmp(signer->public_key, head->signer.public_key, 32) != 0)
			id = write_signer(&head->signer);
		signer = &head->signer;
		sqlite3_bind_int64(add, 1, head->sequence);
		sqlite3_bind_int64(add, 2, head->at);
		sqlite3_bind_int64(add, 3, id);
		put_blob(add, 4, head->signature, 64);
		step(add);
	}
	sqlite3_finalize(add);
}

/* Behind the store's back. */
static void write_store(const struct past *copy)
{
	run("BEGIN; DELETE FROM heads; DELETE FROM signer_certificates; DELETE FROM signers;"
	    " DELETE FROM audit");
	write_rows(copy);
	write_heads(copy);
	run("COMMIT");
}

/* ---- the mirror's text ---- */

static void write_line(struct buf *out, const struct line *line)
{
	assert_int_equal(line_write(out, line), 0);
}

static void write_mirror(const struct past *copy, struct buf *out)
{
	unsigned head = 0;

	for (unsigned i = 0; i <= copy->count; i++) {
		int64_t row = i < copy->count ? copy->rows[i].sequence : INT64_MAX;
		for (; head < copy->head_count && copy->heads[head].sequence < row; head++)
			write_line(out, &(struct line){ .kind = LINE_AUDIT_HEAD,
						.audit = copy->heads[head] });
		if (i < copy->count)
			write_line(out, &(struct line){ .kind = LINE_ROW, .row = copy->rows[i] });
	}
}

static size_t line_len(const uint8_t *line)
{
	return (size_t)((const uint8_t *)strchr((const char *)line, '\n') + 1 - line);
}

/* A random row's line. (A head's may go: those after it say more.) */
static struct buf row_line(const struct buf *copy, unsigned index)
{
	struct buf line = { .data = copy->data };

	while (true) {
		line.len = line_len(line.data);
		if (strncmp((const char *)line.data, "{\"kind\":\"audit.row\"", 19) == 0 &&
			index-- == 0)
			return line;
		line.data += line.len;
	}
}

static void replace(struct buf *copy, size_t at, size_t gone, const void *with, size_t len)
{
	memmove(copy->data + at + len, copy->data + at + gone, copy->len - at - gone);
	memcpy(copy->data + at, with, len);
	copy->len = copy->len - gone + len;
}

static void apply_to_text(struct buf *copy, enum change change)
{
	size_t at = below(copy->len), span = 1 + below(200);
	unsigned index = below(ROWS - 1);
	struct buf a = row_line(&text, index);
	struct buf b = row_line(&text, index + 1 + below(ROWS - index - 1));
	size_t a_at = (size_t)(a.data - text.data), b_at = (size_t)(b.data - text.data);

	switch (change) {
	case BIT:
		copy->data[at] ^= (uint8_t)(1u << below(8));
		break;
	case BYTE:
		copy->data[at] = (uint8_t)(copy->data[at] + 1 + below(255));
		break;
	case DELETE:
		replace(copy, at, MIN(span, copy->len - at), "", 0);
		break;
	case INSERT:
		replace(copy, at, 0, text.data + below(text.len - span), span);
		break;
	case LINE_GONE:
		replace(copy, a_at, a.len, "", 0);
		break;
	case LINE_TWICE:
		replace(copy, below(2) == 0 ? b_at : a_at + a.len, 0, a.data, a.len);
		break;
	case LINES_SWAPPED:
		replace(copy, b_at, b.len, a.data, a.len);
		replace(copy, a_at, a.len, b.data, b.len);
		break;
	default:
		copy->len = at;
	}
}

/* Which row's line differs first, or which row's head. */
static void find_bad(struct changed *changed, const struct buf *copy)
{
	size_t at = 0, line = 0, end;

	while (at < MIN(copy->len, text.len) && copy->data[at] == text.data[at])
		at++;
	changed->bad = 0;
	while (line < text.len) {
		end = line + line_len(text.data + line);
		bool row =
			strncmp((const char *)text.data + line, "{\"kind\":\"audit.row\"", 19) == 0;
		changed->bad += row;
		changed->slack = !row;
		if (at < end)
			return;
		line = end;
	}
}

/* ---- what is said of it ---- */

static void expect(const struct changed *changed, const struct trail_report *report,
	enum change change, bool witness)
{
	int64_t first = report->altered, last = report->altered_last;
	char words[REASON_SIZE];

	switch (report->verdict) {
	case TRAIL_ALTERED:
		break;
	case TRAIL_FOREIGN:
		first = report->proven + 1;
		break;
	case TRAIL_UNPROVEN:
		first = report->proven + 1;
		last = report->last + 1; /* or it ends there */
		break;
	case TRAIL_DISAGREES:
		if (report->witness.other_trail) { /* nothing of this one is left */
			first = last = 1;
			break;
		}
		last = (int64_t)report->witness.disagrees_at;
		first = last - EVERY + 1;
		break;
	default: /* cut, and without a witness nothing to be seen but where it ends */
		first = last = report->last + 1;
		if (witness == (report->verdict == TRAIL_CUT))
			break;
		fail_msg("%s: nobody noticed", names[change]);
	}
	if (changed->bad + changed->slack < first || changed->bad > last)
		fail_msg("%s at row %d: %s", names[change], (int)changed->bad,
			trail_verdict_text(report, words));
}

static struct trail_report prove(const struct fixture *fixture, const struct buf *copy, bool hear)
{
	CLEANUP(fd_closep) int fd = past_file(&witnessed);
	struct trail_report report;
	struct witness witness;
	struct trail trail;

	witness_open(&witness, fd, past->installation);
	trail_begin(&trail, past->installation, hear ? &witness : NULL, &report);
	if (copy == NULL) {
		assert_int_equal(trail_from_store(&trail, fixture->store), 0);
	} else {
		CLEANUP(fd_closep) int mirror = past_file(copy);
		assert_int_equal(trail_from_mirror(&trail, mirror), 0);
	}
	assert_int_equal(trail_end(&trail), 0);
	if (!hear)
		witness_close(&witness, 0);
	return report;
}

static void every_change_is_found(void **state)
{
	struct fixture *fixture = *state;
	unsigned done[CHANGES][2] = { 0 };
	struct changed *changed = malloc(sizeof *changed);
	struct buf copy = BUF(4 * 1024 * 1024);

	assert_int_equal(sqlite3_open(fixture->file, &database), SQLITE_OK);
	for (unsigned round = 0; round < rounds; round++) {
		enum change change = round % CHANGES;
		bool witness = below(2) == 0;
		start_over(&changed->past);
		changed->slack = 0;
		changed->in_store = change < BIT && round / CHANGES % 3 != 0;
		buf_clear(&copy);
		if (change < BIT) {
			apply(changed, change);
			changed->in_store ? write_store(&changed->past)
					  : write_mirror(&changed->past, &copy);
		} else {
			uint8_t *room;
			assert_int_equal(buf_reserve(&copy, text.len + 8192, &room), 0);
			do {
				memcpy(copy.data, text.data, text.len);
				copy.len = text.len;
				apply_to_text(&copy, change);
			} while (copy.len == text.len &&
				 memcmp(copy.data, text.data, text.len) == 0);
			find_bad(changed, &copy);
		}
		struct trail_report report =
			prove(fixture, changed->in_store ? NULL : &copy, witness);
		expect(changed, &report, change, witness);
		done[change][changed->in_store]++;
	}
	sqlite3_close(database);
	free(changed);
	buf_finish(&copy);
	for (int i = 0; i < CHANGES; i++)
		print_message("%s %u+%u ", names[i], done[i][0], done[i][1]);
	print_message("\n");
}

static void unchanged_is_intact(void **state)
{
	assert_int_equal(prove(*state, &text, true).verdict, TRAIL_INTACT);
	assert_int_equal(sqlite3_open(((struct fixture *)*state)->file, &database), SQLITE_OK);
	write_store(past);
	struct trail_report report = prove(*state, NULL, true);
	assert_int_equal(report.verdict, TRAIL_INTACT);
	assert_int_equal(report.last, ROWS);
	sqlite3_close(database);
}

static int set_up(void **state)
{
	past = past_create(ROWS, EVERY);
	other = past_create(ROWS, EVERY);
	memcpy(other->installation_secret, past->installation_secret, 64);
	past_new_key(other, 0);
	write_mirror(past, &text);
	past_heads(past, &witnessed);
	return buf_append(&text, "", 1) < 0 || text.len-- == 0;
}

static int tear_down(void **state)
{
	free(past);
	free(other);
	buf_finish(&text);
	buf_finish(&witnessed);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { CASE(unchanged_is_intact),
		CASE(every_change_is_found) };

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
