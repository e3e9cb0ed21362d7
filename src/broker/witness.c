/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/witness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"
#include "wire/rows.h"

#define ROWS_PAGE 256
#define LAST_WORDS_MS 1500
#define LAST_POLL_MS 10

void witness_tell(struct broker *broker)
{
	struct witness_link *link = &broker->witness;

	if (link->channel == NULL || broker->head.durable.sequence == 0)
		return;
	link->owes = channel_tell(link->channel, MSG_WITNESS_HEAD, &broker->head.durable) < 0;
}

/* ---- rows for an outlet ---- */

struct giving {
	const struct broker *broker;
	struct buf rows;
	size_t most;
	struct audit_head heads[ROWS_PAGE];
	unsigned head_count, head;
	int64_t last; /* row that was given */
	uint8_t hash[HASH_LEN];
	uint8_t found[HASH_LEN]; /* of the row that was asked about */
	bool is_there;
};

static int see_row(void *context, const struct audit_row *row)
{
	struct giving *giving = context;

	memcpy(giving->found, row->hash, HASH_LEN);
	giving->last = row->sequence;
	giving->is_there = true;
	return 0;
}

/* Is what an outlet has a row of this trail? */
static int check_position(struct giving *giving, const struct position *at)
{
	int r = store_audit_list(giving->broker->store, at->sequence - 1, 1, see_row, giving);

	if (r < 0)
		return r;
	return giving->is_there && giving->last == at->sequence &&
			       memcmp(giving->found, at->hash, HASH_LEN) == 0
		       ? 0
		       : -ERR_CRYPTO;
}

static int keep_head(void *context, const struct audit_head *head)
{
	struct giving *giving = context;

	giving->heads[giving->head_count++] = *head;
	return 0;
}

/* The head of the row that was given last, if it has one. The store does not repeat its hash. */
static int give_head(struct giving *giving)
{
	while (giving->head < giving->head_count &&
		giving->heads[giving->head].sequence < giving->last)
		giving->head++;
	if (giving->head == giving->head_count ||
		giving->heads[giving->head].sequence != giving->last)
		return 0;
	struct audit_head *head = &giving->heads[giving->head++];
	memcpy(head->hash, giving->hash, HASH_LEN);
	return rows_put_head(&giving->rows, head);
}

/* Only what is on disk: what a power cut takes back was never told outside. */
static int give_row(void *context, const struct audit_row *row)
{
	struct giving *giving = context;

	if (row->sequence > giving->broker->head.durable.sequence ||
		giving->rows.len + sizeof *row + sizeof(struct audit_head) > giving->most)
		return 1;
	int r = rows_put_row(&giving->rows, row);
	if (r < 0)
		return r;
	giving->last = row->sequence;
	memcpy(giving->hash, row->hash, HASH_LEN);
	return give_head(giving);
}

static int give(struct giving *giving, const struct msg_witness_ask *ask)
{
	struct store *store = giving->broker->store;
	int64_t from = ask->head ? ask->after.sequence - 1 : ask->after.sequence;
	int r = store_head_list(store, from, ROWS_PAGE, keep_head, giving);

	if (r < 0)
		return r;
	giving->last = ask->after.sequence;
	memcpy(giving->hash, ask->after.hash, HASH_LEN);
	if (ask->head)
		r = give_head(giving);
	if (r == 0)
		r = store_audit_list(store, ask->after.sequence, ROWS_PAGE, give_row, giving);
	return r < 0 ? r : 0;
}

static int answer(struct giving *giving, const struct msg_witness_ask *ask)
{
	int r = ask->check ? check_position(giving, &ask->after) : 0;

	return r < 0 || ask->newest ? r : give(giving, ask);
}

static void answer_ask(struct broker *broker, uint32_t serial, const struct msg_witness_ask *ask)
{
	CLEANUP(mem_freep) struct giving *giving = calloc(1, sizeof *giving);
	struct msg_witness_rows rows = { .outlet = ask->outlet };

	rows.newest.sequence = broker->head.durable.sequence;
	memcpy(rows.newest.hash, broker->head.durable.hash, HASH_LEN);
	if (giving == NULL) {
		rows.result = -ERR_SYSTEM;
	} else {
		giving->broker = broker;
		giving->rows = BUF(WITNESS_ROWS_MAX);
		giving->most = MIN(ask->most, (uint32_t)WITNESS_ROWS_MAX);
		rows.result = answer(giving, ask);
	}
	bool given = giving != NULL && rows.result == 0;
	if (channel_send(broker->witness.channel, MSG_WITNESS_ROWS, serial, &rows,
		    given ? giving->rows.data : NULL, given ? giving->rows.len : 0, NULL, 0) < 0)
		log_warning("witness.rows", "the witness does not read what it asked for");
	if (giving != NULL)
		buf_finish(&giving->rows);
}

/* ---- what it says ---- */

static int keep_state(struct broker *broker, const struct msg_witness_state *state)
{
	struct witness_link *link = &broker->witness;

	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		if (!TEXT_VALID(state->outlets[i].why))
			return -ERR_MALFORMED;
	link->state = *state;
	link->heard = true;
	link->heard_at = clock_monotonic_ms();
	return 0;
}

static int on_message(void *context, struct channel *channel, struct message *message)
{
	struct broker *broker = context;

	switch (message->type) {
	case MSG_WITNESS_ASK:
		answer_ask(broker, message->serial, message->payload);
		return 0;
	case MSG_WITNESS_STATE:
		return keep_state(broker, message->payload);
	default:
		return -ERR_MALFORMED;
	}
}

void witness_gone(struct broker *broker)
{
	channel_destroy(STEAL(broker->witness.channel));
	broker->witness.heard = false;
}

static void on_gone(void *context, struct channel *channel)
{
	log_info("peer.gone", "witness");
	witness_gone(context);
}

void witness_came(struct broker *broker, int fd)
{
	struct witness_link *link = &broker->witness;

	witness_gone(broker);
	if (channel_create(broker->loop, fd, PARTY_BROKER, PARTY_WITNESS, on_message, on_gone,
		    broker, &link->channel) < 0) {
		log_error("peer.lost", "no memory for a channel to the witness");
		close(fd);
		return;
	}
	witness_tell(broker);
}

/* ---- what is put on record ---- */

static bool is_silent(const struct witness_link *link)
{
	return !link->heard || clock_monotonic_ms() - link->heard_at > WITNESS_SILENT_MS;
}

static int put_on_record(
	struct broker *broker, const char *event, unsigned index, struct outage *outage)
{
	CLEANUP(note_finish) struct note note;
	const struct outlet_state *state =
		index < OUTLET_COUNT ? &broker->witness.state.outlets[index] : NULL;
	uint64_t now = clock_monotonic_ms();
	char object[32] = "witness";
	int r = turn_open(broker);

	note_begin(&note);
	if (outage->since != 0)
		json_number(&note.json, "seconds", (int64_t)((now - outage->since) / 1000));
	if (state != NULL) {
		snprintf(object, sizeof object, "witness:%s", outlet_name(index));
		json_number(&note.json, "row", state->sequence);
		json_number(&note.json, "left_out", (int64_t)(state->left_out - outage->left_out));
		if (state->why[0] != '\0')
			json_text(&note.json, "why", state->why);
		outage->left_out = state->left_out;
	}
	outage->said_at = now;
	return r < 0 ? r : audit_write(broker, event, "gateway", NULL, object, 0, &note);
}

/* Down for a while: once. Up again after that: once. Never more than a pair in a minute. */
static void look_at(struct broker *broker, unsigned index, bool up)
{
	struct outage *outage = &broker->witness.outages[index];
	uint64_t now = clock_monotonic_ms();

	if (!up && outage->since == 0)
		outage->since = now;
	if (!up && !outage->said && now - outage->since > WITNESS_DOWN_MS &&
		(outage->said_at == 0 || now - outage->said_at > WITNESS_AGAIN_MS)) {
		outage->said = put_on_record(broker, "witness.unreachable", index, outage) == 0;
		return;
	}
	if (up && outage->said)
		put_on_record(broker, "witness.reached", index, outage);
	if (up) {
		outage->since = 0;
		outage->said = false;
	}
}

/* What happens to an outlet that is up as well: heads that gave way, a store that was put back. */
static void look_into(struct broker *broker, unsigned index)
{
	const struct outlet_state *state = &broker->witness.state.outlets[index];
	struct outage *outage = &broker->witness.outages[index];

	if (state->disagrees && !outage->said_disagrees)
		outage->said_disagrees =
			put_on_record(broker, "witness.disagrees", index, outage) == 0;
	if (state->left_out < outage->left_out) /* a new witness counts from the beginning */
		outage->left_out = 0;
	if (state->up && state->left_out > outage->left_out &&
		clock_monotonic_ms() - outage->said_at > WITNESS_AGAIN_MS)
		put_on_record(broker, "witness.left_out", index, outage);
}

void witness_look(struct broker *broker)
{
	struct witness_link *link = &broker->witness;

	if (!witness_wanted(broker->settings))
		return;
	if (link->owes)
		witness_tell(broker);
	bool silent = is_silent(link);
	look_at(broker, OUTLET_COUNT, !silent);
	for (unsigned i = 0; i < OUTLET_COUNT && !silent; i++) {
		if (!link->state.outlets[i].wanted)
			continue;
		look_at(broker, i, link->state.outlets[i].up);
		look_into(broker, i);
	}
}

/* ---- what it means for sessions ---- */

static bool took_lately(const struct broker *broker, const struct outlet_state *state)
{
	uint64_t within = (uint64_t)broker->settings->witness_within * 1000;

	return state->wanted && !state->disagrees && state->age_ms < within &&
	       state->age_ms + (clock_monotonic_ms() - broker->witness.heard_at) < within;
}

int witness_refuses(const struct broker *broker)
{
	const struct witness_link *link = &broker->witness;

	if (!setting_yes(broker->settings->witness_required))
		return 0;
	for (unsigned i = 0; i < OUTLET_COUNT && link->heard; i++)
		if (took_lately(broker, &link->state.outlets[i]))
			return 0;
	return -ERR_WITNESS_AWAY;
}

bool witness_has_all(const struct broker *broker)
{
	const struct witness_link *link = &broker->witness;

	if (link->channel == NULL || !link->heard)
		return true;
	for (unsigned i = 0; i < OUTLET_COUNT; i++) {
		const struct outlet_state *state = &link->state.outlets[i];
		if (state->wanted && state->up && state->sequence < broker->head.durable.sequence)
			return false;
	}
	return true;
}

static void on_last_words(void *context)
{
	struct broker *broker = context;
	struct witness_link *link = &broker->witness;

	link->last_timer = NULL;
	if (witness_has_all(broker) || clock_monotonic_ms() >= link->last_until ||
		loop_after(broker->loop, LAST_POLL_MS, on_last_words, broker, &link->last_timer) <
			0)
		loop_stop(broker->loop);
}

void witness_last_words(struct broker *broker)
{
	struct witness_link *link = &broker->witness;

	if (link->last_until != 0)
		return;
	link->last_until = clock_monotonic_ms() + LAST_WORDS_MS;
	on_last_words(broker);
}

static void write_outlet(struct json *json, const struct broker *broker,
	const struct outlet_state *state, unsigned id)
{
	int64_t behind = broker->head.durable.sequence - state->sequence;

	json_open_object(json, NULL);
	json_text(json, "name", outlet_name(id));
	json_bool(json, "up", state->up);
	json_text(json, "why", state->why[0] != '\0' ? state->why : NULL);
	json_number(json, "row", state->sequence);
	json_number(json, "behind", behind > 0 ? behind : 0);
	json_number(json, "taken", (int64_t)state->taken);
	json_number(json, "left_out", (int64_t)state->left_out);
	json_bool(json, "disagrees", state->disagrees);
	if (state->age_ms == UINT64_MAX)
		json_put_null(json, "seconds_ago");
	else
		json_number(json, "seconds_ago", (int64_t)(state->age_ms / 1000));
	json_close_object(json);
}

void witness_write(struct json *json, const struct broker *broker)
{
	const struct witness_link *link = &broker->witness;

	if (!witness_wanted(broker->settings)) {
		json_put_null(json, "witness");
		return;
	}
	json_open_object(json, "witness");
	json_bool(json, "running", !is_silent(link));
	json_bool(json, "required", setting_yes(broker->settings->witness_required));
	json_bool(json, "enough", witness_refuses(broker) == 0);
	json_open_array(json, "outlets");
	for (unsigned i = 0; i < OUTLET_COUNT && link->heard; i++)
		if (link->state.outlets[i].wanted)
			write_outlet(json, broker, &link->state.outlets[i], i);
	json_close_array(json);
	json_close_object(json);
}
