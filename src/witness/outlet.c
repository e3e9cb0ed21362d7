/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/outlet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/rows.h"

void outlet_begin(struct outlet *outlet, const struct position *at)
{
	outlet->batch = BUF(OUTLET_BATCH_MAX);
	if (outlet->backoff_ms == 0)
		outlet->backoff_ms = OUTLET_BACKOFF_MS;
	outlet->up = true; /* until the contrary is seen */
	outlet->positioned = at != NULL || outlet->whole;
	if (at != NULL)
		outlet->taken = *at;
}

void outlet_end(struct outlet *outlet)
{
	if (outlet->kind == NULL)
		return;
	timer_cancel(STEAL(outlet->retry));
	outlet->kind->close(outlet);
	heads_finish(&outlet->heads);
	buf_finish(&outlet->batch);
	outlet->kind = NULL;
}

/* ---- batches ---- */

static int add(struct outlet *outlet, const struct line *line)
{
	int r = outlet->kind->write(outlet, line, &outlet->batch);

	if (r == 0)
		outlet->batch_lines++;
	return r;
}

static void add_waiting(struct outlet *outlet)
{
	struct line line;

	for (unsigned i = 0; i < OUTLET_HEADS_MOST && buf_room(&outlet->batch) >= LINE_BYTES_MAX &&
			     heads_take(&outlet->heads, &line);
		i++) {
		if (line.kind == LINE_AUDIT_HEAD) {
			outlet->sending.sequence = line.audit.sequence;
			memcpy(outlet->sending.hash, line.audit.hash, HASH_LEN);
		}
		add(outlet, &line);
	}
}

static void send_batch(struct outlet *outlet)
{
	outlet->stage = OUTLET_SENDING;
	outlet->kind->send(outlet);
}

static int add_last(struct outlet *outlet)
{
	return outlet->last.kind == LINE_AUDIT_HEAD ? add(outlet, &outlet->last) : -ERR_NOT_FOUND;
}

/* What is there goes; nothing, and it idles, but one that never took a thing shows whether it
 * would. */
static void send_what_is_there(struct outlet *outlet)
{
	add_waiting(outlet);
	if (outlet->batch.len == 0 && outlet->taken_at == 0 && !outlet->whole)
		add_last(outlet);
	if (outlet->batch.len > 0)
		send_batch(outlet);
	else
		outlet->stage = OUTLET_IDLE;
}

static bool wants_rows(const struct outlet *outlet)
{
	const struct position *newest = outlet->host->newest;

	return outlet->rows && newest->sequence > 0 &&
	       (newest->sequence != outlet->taken.sequence || !outlet->checked);
}

static bool ask(struct outlet *outlet)
{
	struct msg_witness_ask question = { .after = outlet->taken,
		.outlet = (uint8_t)outlet->id,
		.check = outlet->positioned && outlet->taken.sequence > 0 && !outlet->checked,
		.newest = !outlet->positioned,
		.head = outlet->headless,
		.most = outlet->most };

	return outlet->host->ask(outlet->host->context, &question);
}

void outlet_go(struct outlet *outlet)
{
	if (outlet->kind == NULL || outlet->stage != OUTLET_IDLE)
		return;
	outlet->sending = outlet->taken;
	if (wants_rows(outlet) && ask(outlet))
		outlet->stage = OUTLET_ASKING;
	else
		send_what_is_there(outlet);
}

/* ---- what the broker says ---- */

void outlet_head(struct outlet *outlet, const struct line *line)
{
	bool audit = line->kind == LINE_AUDIT_HEAD;

	if (outlet->kind == NULL || (!audit && !outlet->recordings))
		return;
	if (audit)
		outlet->last = *line;
	if (audit && outlet->rows) /* comes with its rows */
		return;
	if (audit && (line->audit.sequence < outlet->taken.sequence ||
			     (line->audit.sequence == outlet->taken.sequence &&
				     memcmp(line->audit.hash, outlet->taken.hash, HASH_LEN) != 0)))
		outlet->disagrees = true;
	else if (audit && line->audit.sequence == outlet->taken.sequence)
		return; /* after a restart: it has this one */
	heads_put(&outlet->heads, line);
}

/* The store was put back, or replaced. That is said where it will be seen, and then it goes on. */
static void fork_from(struct outlet *outlet, const struct position *newest)
{
	struct line line = { .kind = LINE_FORKED };

	log_error("witness.disagrees", "%s has row %lld, which the store has not",
		outlet_name(outlet->id), (long long)outlet->taken.sequence);
	line.place = (struct line_place){ .sequence = outlet->taken.sequence,
		.next = newest->sequence + 1 };
	memcpy(line.place.hash, outlet->taken.hash, HASH_LEN);
	outlet->disagrees = true;
	outlet->sending = *newest;
	add(outlet, &line);
}

/* Rows come without holes, or what the broker sends is not the trail. */
static int take_line(struct outlet *outlet, const struct line *line)
{
	struct position *at = &outlet->sending;

	if (line->kind == LINE_AUDIT_HEAD)
		return line->audit.sequence == at->sequence ? add(outlet, line) : -ERR_MALFORMED;
	if (line->row.sequence != at->sequence + 1 ||
		memcmp(line->row.before, at->hash, HASH_LEN) != 0)
		return -ERR_MALFORMED;
	int r = add(outlet, line);
	if (r < 0)
		return r;
	at->sequence = line->row.sequence;
	memcpy(at->hash, line->row.hash, HASH_LEN);
	return 0;
}

static int take_rows(struct outlet *outlet, const uint8_t *tail, size_t len)
{
	const uint8_t *at = tail;
	struct line line;
	int r;

	while ((r = rows_next(&at, tail + len, &line)) > 0)
		if ((r = take_line(outlet, &line)) < 0)
			return r;
	return r;
}

void outlet_rows(struct outlet *outlet, const struct msg_witness_rows *answer, const uint8_t *tail,
	size_t len)
{
	int r = 0;

	if (outlet->kind == NULL || outlet->stage != OUTLET_ASKING)
		return;
	outlet->checked = true;
	outlet->headless = false;
	if (!outlet->positioned) {
		outlet->taken = outlet->sending = answer->newest;
		outlet->positioned = true;
	} else if (answer->result == -ERR_CRYPTO) {
		fork_from(outlet, &answer->newest);
	} else {
		r = answer->result < 0 ? answer->result : take_rows(outlet, tail, len);
	}
	if (r < 0) { /* asked again with the next look */
		log_error("witness.rows", "%s: %s", outlet_name(outlet->id), error_text(r));
		buf_clear(&outlet->batch);
		outlet->batch_lines = 0;
		outlet->sending = outlet->taken;
		outlet->checked = false;
	}
	send_what_is_there(outlet);
}

void outlet_broker_gone(struct outlet *outlet)
{
	outlet->checked = false;
	if (outlet->stage == OUTLET_ASKING)
		outlet->stage = OUTLET_IDLE;
}

/* ---- what the kind says ---- */

static void set_up(struct outlet *outlet, bool up)
{
	if (outlet->up == up)
		return;
	outlet->up = up;
	if (up)
		log_info("witness.reached", "%s", outlet_name(outlet->id));
	else
		log_warning("witness.unreachable", "%s: %s", outlet_name(outlet->id), outlet->why);
	outlet->host->changed(outlet->host->context);
}

void outlet_alive(struct outlet *outlet)
{
	outlet->taken_at = clock_monotonic_ms();
	outlet->failures = 0;
	outlet->why[0] = '\0';
	set_up(outlet, true);
}

void outlet_took(struct outlet *outlet)
{
	outlet->taken = outlet->sending;
	outlet->lines += outlet->batch_lines;
	outlet->batch_lines = 0;
	buf_clear(&outlet->batch);
	outlet->stage = OUTLET_IDLE;
	outlet_alive(outlet);
	outlet->host->took(outlet->host->context, outlet);
	outlet_go(outlet);
}

static void on_retry(void *context)
{
	struct outlet *outlet = context;

	outlet->retry = NULL;
	outlet->sending = outlet->batch.len > 0 ? outlet->sending : outlet->taken;
	/* Nothing to send: the newest head once more shows whether it is there again. */
	if (outlet->batch.len == 0 && !outlet->whole && add_last(outlet) < 0) {
		outlet->stage = OUTLET_IDLE;
		outlet_go(outlet);
		return;
	}
	send_batch(outlet);
}

static uint64_t backoff(const struct outlet *outlet)
{
	uint64_t wait = outlet->backoff_ms << MIN(outlet->failures, 6U);

	return MIN(wait, (uint64_t)OUTLET_BACKOFF_MOST_MS);
}

void outlet_failed(struct outlet *outlet, const char *format, ...)
{
	char why[WITNESS_WHY_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof why, format, arguments);
	va_end(arguments);
	text_copy(outlet->why, sizeof outlet->why, why);
	outlet->stage = OUTLET_WAITING;
	timer_cancel(STEAL(outlet->retry));
	if (loop_after(outlet->host->loop, backoff(outlet), on_retry, outlet, &outlet->retry) < 0)
		outlet->stage = OUTLET_IDLE; /* the next look tries again */
	outlet->failures++;
	set_up(outlet, false);
}

void outlet_restart(struct outlet *outlet, const struct position *at, bool headless)
{
	outlet->headless = headless;
	buf_clear(&outlet->batch);
	outlet->batch_lines = 0;
	outlet->taken = outlet->sending = *at;
	outlet->checked = false;
}

/* ---- time ---- */

/* With nothing new it still shows that it would be taken. */
static void beat(struct outlet *outlet)
{
	if (outlet->heartbeat_ms == 0 ||
		clock_monotonic_ms() - outlet->taken_at < outlet->heartbeat_ms)
		return;
	outlet->sending = outlet->taken;
	if (add_last(outlet) == 0)
		send_batch(outlet);
}

void outlet_look(struct outlet *outlet)
{
	if (outlet->kind == NULL)
		return;
	outlet->kind->look(outlet);
	outlet_go(outlet);
	if (outlet->stage == OUTLET_IDLE)
		beat(outlet);
}

void outlet_state(const struct outlet *outlet, struct outlet_state *ret_state)
{
	uint64_t now = clock_monotonic_ms();

	memset(ret_state, 0, sizeof *ret_state);
	ret_state->wanted = outlet->kind != NULL;
	ret_state->up = outlet->up;
	ret_state->rows = outlet->rows;
	ret_state->disagrees = outlet->disagrees;
	ret_state->sequence = outlet->taken.sequence;
	ret_state->taken = outlet->lines;
	ret_state->left_out = outlet->heads.left_out;
	ret_state->age_ms = outlet->taken_at == 0 ? UINT64_MAX : now - outlet->taken_at;
	text_copy(ret_state->why, sizeof ret_state->why, outlet->why);
}

bool outlet_settled(const struct outlet *outlet)
{
	if (outlet->kind == NULL || outlet->stage == OUTLET_WAITING)
		return true; /* nothing, or nothing that helps */
	return outlet->stage == OUTLET_IDLE && !wants_rows(outlet) && outlet->heads.count == 0;
}
