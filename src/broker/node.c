/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"
#include "broker/throttle.h"

#define ENDINGS_BATCH 256
#define NODES_MAX 64 /* that are found gone at once */

static const char words_end[] = "end", words_failed[] = "failed";

struct endings {
	unsigned count;
	struct ending_row rows[ENDINGS_BATCH];
};
struct lost {
	unsigned count;
	struct node_row rows[NODES_MAX];
};
struct theirs {
	unsigned count;
	struct session_row rows[ENDINGS_BATCH];
};

int node_enter(struct broker *broker)
{
	struct node *node = &broker->node;
	uint64_t now = clock_monotonic_ms();

	*node = (struct node){ .shared = store_shared(broker->store),
		.look_at = now,
		.renew_at = now + NODE_LEASE_MS };
	if (!node->shared)
		return 0;
	store_node_name(broker->settings->node_name, node->name);
	int r = store_node_enter(broker->store, node->name, clock_wall_ms(), &node->id);
	if (r < 0)
		return r;
	store_node_set(broker->store, node->id);
	r = store_claim(broker->store);
	if (r == -ERR_STORE_TAKEN)
		log_error("node.enter", "%s: there is a gateway of that name", node->name);
	return r;
}

void node_leave(struct broker *broker)
{
	if (broker->node.shared && store_node_leave(broker->store, clock_wall_ms()) < 0)
		log_error("node.leave", "%s: others will find it lost", broker->node.name);
}

static int count_living(void *context, const struct node_row *row)
{
	*(unsigned *)context += row->gone_at == 0;
	return 0;
}

int node_alone(struct broker *broker)
{
	unsigned living = 0;

	if (!broker->node.shared)
		return 1;
	int r = store_node_list(broker->store, count_living, &living);
	return r < 0 ? r : living <= 1; /* ourselves */
}

int node_elsewhere(struct broker *broker, const struct session_row *row)
{
	int64_t node;

	if (!broker->node.shared || (row->state != SESSION_REDEEMED && row->state != SESSION_LIVE))
		return 0;
	int r = store_session_node(broker->store, row->id, &node);
	return r < 0 ? r : node != broker->node.id;
}

int node_ask_end(struct broker *broker, const struct session_row *row, const struct moving *moving)
{
	struct ending_row ending = { .session = row->id, .why = moving->why };
	int r = store_session_node(broker->store, row->id, &ending.node);

	if (r < 0)
		return r;
	if (moving->reason == NULL || text_copy(ending.reason, REASON_SIZE, moving->reason) < 0)
		text_copy(ending.reason, REASON_SIZE, error_text(moving->why));
	snprintf(ending.actor, sizeof ending.actor, "%.*s", NAME_SIZE - 1, moving->actor);
	if (moving->from != NULL)
		address_format(moving->from, ending.origin);
	r = store_ending_ask(broker->store, &ending, clock_wall_ms());
	return r < 0 ? r : store_tell(broker->store, words_end);
}

bool node_asked(struct broker *broker, const struct session_row *row)
{
	return broker->node.shared && store_ending_asked(broker->store, row->id) == 1;
}

/* ---- what others ask of us */

static int keep_ending(void *context, const struct ending_row *row)
{
	struct endings *endings = context;

	if (endings->count < ENDINGS_BATCH)
		endings->rows[endings->count++] = *row;
	return 0;
}

static int end_asked(struct broker *broker, const struct ending_row *ending)
{
	struct session *session = session_by_id(broker, ending->session);
	struct address from;
	struct moving moving = { .actor = ending->actor,
		.from = address_parse(&from, ending->origin) == 0 ? &from : NULL,
		.why = ending->why,
		.reason = ending->reason,
		.exit_status = -1 };
	struct session_row row;
	int r = 0;

	if (session != NULL && session->row.state != SESSION_ENDED) {
		r = session_enter(broker, session, SESSION_ENDED, &moving);
	} else if (session == NULL) {
		r = store_session_get(broker->store, ending->session, &row);
		if (r == 0 && row.state != SESSION_ENDED)
			r = session_write(broker, &row, SESSION_ENDED, &moving);
	}
	return r < 0 ? r : store_ending_done(broker->store, ending->session);
}

static void look(struct broker *broker)
{
	CLEANUP(mem_freep) struct endings *endings = calloc(1, sizeof *endings);
	int r = endings == NULL
			? -ERR_SYSTEM
			: store_ending_list(broker->store, ENDINGS_BATCH, keep_ending, endings);

	broker->node.look_at = clock_monotonic_ms() + NODE_LOOK_MS;
	if (r == 0 && endings->count > 0)
		r = turn_open(broker);
	for (unsigned i = 0; r == 0 && i < endings->count; i++)
		r = end_asked(broker, &endings->rows[i]);
	if (r < 0)
		log_error("node.look", "%s", error_text(r)); /* again at the next look */
}

/* ---- who is gone */

static int keep_lost(void *context, const struct node_row *row)
{
	struct lost *lost = context;

	if (lost->count == NODES_MAX)
		return -ERR_FULL;
	lost->rows[lost->count++] = *row;
	return 0;
}

static int keep_theirs(void *context, const struct session_row *row)
{
	struct theirs *theirs = context;

	if (theirs->count < ENDINGS_BATCH)
		theirs->rows[theirs->count++] = *row;
	return 0;
}

static int end_theirs(struct broker *broker, int64_t node)
{
	CLEANUP(mem_freep) struct theirs *theirs = malloc(sizeof *theirs);
	struct moving moving = { .actor = "gateway",
		.why = -ERR_NODE_LOST,
		.reason = error_text(-ERR_NODE_LOST),
		.exit_status = -1 };

	if (theirs == NULL)
		return -ERR_SYSTEM;
	do { /* what is ended is not found again */
		theirs->count = 0;
		int r = store_session_open_on(broker->store, node, keep_theirs, theirs);
		for (unsigned i = 0; r == 0 && i < theirs->count; i++) {
			r = session_write(broker, &theirs->rows[i], SESSION_ENDED, &moving);
			if (r == 0)
				r = store_ending_done(broker->store, theirs->rows[i].id);
		}
		if (r < 0)
			return r;
	} while (theirs->count == ENDINGS_BATCH);
	return 0;
}

static int declare_lost(struct broker *broker, const struct node_row *node)
{
	CLEANUP(note_finish) struct note note;
	char object[HOSTNAME_SIZE + 8];

	note_begin(&note);
	json_time(&note.json, "seen_at", node->seen_at);
	snprintf(object, sizeof object, "node:%s", node->name);
	int r = audit_write(broker, "node.lost", "gateway", NULL, object, -ERR_NODE_LOST, &note);
	if (r == 0)
		r = end_theirs(broker, node->id);
	log_warning("node.lost", "%s", node->name);
	return r;
}

/* The lease, and who let his run out: one transaction, or none of it. */
static void renew(struct broker *broker)
{
	CLEANUP(mem_freep) struct lost *lost = calloc(1, sizeof *lost);
	int64_t now = clock_wall_ms();
	int r = lost == NULL ? -ERR_SYSTEM : turn_open(broker);

	broker->node.renew_at = clock_monotonic_ms() + NODE_LEASE_MS;
	if (r == 0)
		r = store_node_seen(broker->store, now);
	if (r == -ERR_NOT_FOUND) { /* our sessions are ended on record: only a new start sees how */
		turn_give_up(broker, -ERR_NODE_LOST);
		return;
	}
	if (r == 0)
		r = store_node_lost(broker->store, now, now - broker->settings->node_lease * 1000,
			keep_lost, lost);
	for (unsigned i = 0; r == 0 && i < lost->count; i++)
		r = declare_lost(broker, &lost->rows[i]);
	if (r < 0) {
		broker->turn.poisoned = broker->turn.open;
		log_error("node.renew", "%s", error_text(r));
	}
}

void node_tick(struct broker *broker)
{
	uint64_t now = clock_monotonic_ms();

	if (!broker->node.shared || broker->broken)
		return;
	if (now >= broker->node.renew_at)
		renew(broker);
	if (now >= broker->node.look_at)
		look(broker);
}

/* ---- what is said without being stored */

void node_failed(struct broker *broker, const char *client, const struct address *address)
{
	struct node *node = &broker->node;

	if (!node->shared || node->failure_count == NODE_FAILURES)
		return;
	/* a longer name is nobody's: its address counts */
	if (text_copy(node->failures[node->failure_count].client, LOGIN_SIZE, client) < 0)
		node->failures[node->failure_count].client[0] = '\0';
	node->failures[node->failure_count++].address = *address;
}

/* "failed ADDRESS CLIENT", the client in hexadecimal digits: it is whatever somebody sent. */
void node_say(struct broker *broker)
{
	struct node *node = &broker->node;
	char digits[2 * LOGIN_SIZE + 1], address[ADDRESS_SIZE];
	char words[sizeof words_failed + sizeof address + sizeof digits];

	for (unsigned i = 0; i < node->failure_count; i++) {
		const char *client = node->failures[i].client;
		hex_encode(digits, client, strlen(client));
		snprintf(words, sizeof words, "%s %s %s", words_failed,
			address_format(&node->failures[i].address, address), digits);
		if (store_tell(broker->store, words) < 0)
			break; /* the commit fails as well, and says why */
	}
	node->failure_count = 0;
}

static void hear_failure(struct broker *broker, const char *words)
{
	char text[ADDRESS_SIZE], client[LOGIN_SIZE] = "";
	const char *blank = strchr(words, ' ');
	struct address address;

	if (blank == NULL || text_copy_len(text, sizeof text, words, (size_t)(blank - words)) < 0 ||
		address_parse(&address, text) < 0)
		return;
	int len = hex_decode(client, sizeof client - 1, blank + 1, strlen(blank + 1));
	client[MAX(len, 0)] = '\0';
	throttle_failed(broker->throttle, client, &address, clock_monotonic_ms());
}

static void hear(void *context, const char *words)
{
	struct broker *broker = context;
	size_t len = sizeof words_failed - 1;

	if (strcmp(words, words_end) == 0)
		broker->node.look_at = 0;
	else if (strncmp(words, words_failed, len) == 0 && words[len] == ' ')
		hear_failure(broker, words + len + 1);
}

void node_heard(struct broker *broker)
{
	if (!broker->node.shared)
		return;
	store_hear(broker->store, hear, broker);
	if (broker->node.look_at == 0)
		look(broker);
}
