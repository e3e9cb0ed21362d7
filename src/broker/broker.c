/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/endpoint.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/version.h"
#include "broker/attach.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "broker/control.h"
#include "broker/handle.h"
#include "broker/peers.h"
#include "broker/probe_inside.h"
#include "broker/restored.h"
#include "broker/route.h"
#include "broker/throttle.h"
#include "broker/vault.h"

#define TICK_MS 1000

static int on_supervisor(void *context, struct channel *channel, struct message *message)
{
	(void)channel;
	return session_from_supervisor(context, message);
}

/* One strike: the supervisor ends it, the trail says why. */
static void on_strike(void *context, const struct channel *channel, int why)
{
	struct broker *broker = context;
	const char *name = party_name(channel_peer(channel));
	char object[32];

	snprintf(object, sizeof object, "process:%s", name);
	if (turn_open(broker) < 0 ||
		audit_write(broker, "process.struck", "gateway", NULL, object, why, NULL) < 0)
		log_error("process.struck", "%s: not on record", name);
}

static void on_turn(void *context)
{
	turn_end(context);
	peers_look(context);
}

static void on_tick(void *context)
{
	struct broker *broker = context;

	broker->tick = NULL;
	steady_look(broker);
	reserve_look(broker);
	sessions_tick(broker);
	head_ask(broker);
	witness_look(broker);
	node_tick(broker);
	if (loop_after(broker->loop, TICK_MS, on_tick, broker, &broker->tick) < 0)
		log_error("broker.tick", "no memory: limits are not watched any more");
}

static int audit_self(struct broker *broker, const char *event)
{
	CLEANUP(note_finish) struct note note;
	int r = turn_open(broker);

	note_begin(&note);
	json_text(&note.json, "version", gateway_version);
	json_text(&note.json, "store", store_kind(broker->store));
	json_number(&note.json, "generation", broker->process.generation);
	vault_note_releases(broker, &note.json);
	return r < 0 ? r : audit_write(broker, event, "gateway", NULL, "gateway", 0, &note);
}

/* The recorder went before us and took the sessions with it; what is left has no process. */
static void on_stop(void *context)
{
	struct broker *broker = context;
	struct session *session, *next;

	for (session = broker->sessions.first; session != NULL; session = next) {
		next = session->next;
		session_end(broker, session, -ERR_GATEWAY_RESTARTED, "The gateway was stopped");
	}
	if (audit_self(broker, "gateway.stopped") < 0)
		log_error("gateway.stopped", "not on record");
	node_leave(broker);
	turn_close(broker);
	witness_last_words(broker);
}

/* What needs files or lazy loading, before the walls. */
static int create(struct broker *broker)
{
	int r = turn_create(&broker->turn);

	if (r == 0)
		r = head_create(&broker->head);
	if (r == 0)
		r = routes_create(endpoints, &broker->routes);
	if (r == 0)
		r = throttle_create(broker->settings->api_failures,
			broker->settings->api_calls_per_second, &broker->throttle);
	return r < 0 ? r : prover_create(&broker->prover);
}

static int reach_store(struct broker *broker)
{
	const struct settings *settings = broker->settings;

	if (broker->way != NULL) {
		int r = store_open_by(broker->way, &broker->store);
		store_way_forget(STEAL(broker->way));
		if (r == 0)
			store_patience(broker->store, (int)settings->gateway_store_wait);
		return r;
	}
	reserve_open(broker);
	int r = store_open(settings->gateway_store, ".", &broker->store);
	if (r == 0)
		return 0;
	reserve_give(broker); /* perhaps for want of room */
	return store_open(settings->gateway_store, ".", &broker->store);
}

/* Inside the walls: the store is ours alone. */
static int open_store(struct broker *broker, int listener, uint32_t owner)
{
	int r = reach_store(broker);

	/* One transaction: a broker whose supervisor was killed may be writing its last rows. */
	if (r == 0)
		r = node_enter(broker);
	if (r == 0)
		r = turn_open(broker);
	if (r == 0)
		r = audit_load(broker);
	if (r == 0)
		r = restored_say(broker);
	if (r == 0)
		r = sessions_load(broker);
	if (r == 0)
		r = steady_begin(broker);
	if (r == 0)
		r = handle_begin(broker);
	if (r == 0)
		r = audit_self(broker, "gateway.started");
	if (r < 0)
		return r;
	turn_close(broker);
	early_begin(broker);
	r = turn_watch(broker);
	if (r < 0)
		return r;
	loop_every_turn(broker->loop, on_turn, broker);
	r = control_create(broker, listener, owner, &broker->control);
	return r < 0 ? r : loop_after(broker->loop, TICK_MS, on_tick, broker, &broker->tick);
}

/* A store that is a server's is looked up before the walls, and its socket is what we keep. */
static int enter(struct broker *broker, int directory)
{
	int r = store_way_find(broker->settings->gateway_store, ".", &broker->way);
	if (r < 0)
		return r;
	CLEANUP(fd_closep) int root = geteuid() == 0 ? store_way_root(broker->way) : -1;
	process_drop(&broker->process, broker->way != NULL ? SANDBOX_BROKER_FAR : SANDBOX_BROKER,
		root >= 0 ? root : directory);
	return 0;
}

static void finish(struct broker *broker)
{
	turn_close(broker);
	timer_cancel(broker->tick);
	vault_lost(broker);
	timer_cancel(STEAL(broker->witness.last_timer));
	control_destroy(broker->control);
	probes_finish(broker);
	sessions_finish(broker);
	peers_finish(broker);
	witness_gone(broker);
	calls_finish(broker);
	prover_destroy(broker->prover);
	throttle_destroy(broker->throttle);
	routes_destroy(broker->routes);
	turn_destroy(&broker->turn);
	early_finish(broker);
	head_destroy(&broker->head);
	store_close(broker->store);
	reserve_close(broker);
}

static int give_up(const char *what, int r)
{
	log_error("broker.start", "%s: %s", what, error_text(r));
	return 1;
}

int main(int argc, char **argv)
{
	struct broker *broker = calloc(1, sizeof *broker);
	uint32_t owner = getuid();

	if (broker == NULL)
		return 1;
	process_begin(&broker->process, argc, argv, PARTY_BROKER);
	broker->loop = broker->process.loop;
	broker->settings = &broker->process.settings;
	broker->figures.started_at = clock_wall_ms();
	int directory = process_fd(&broker->process, "store");
	int listener = process_fd(&broker->process, "control");
	int r = create(broker);
	if (r < 0)
		return give_up("before the walls", r);
	if (directory < 0 || fchdir(directory) < 0)
		return give_up("store directory", -ERR_SYSTEM);
	r = enter(broker, directory);
	if (r < 0)
		return give_up("the way to the store", r);
	r = open_store(broker, listener, owner);
	if (r < 0)
		return give_up("store", r);
	broker->process.supervisor_fn = on_supervisor;
	process_on_peer(&broker->process, peers_meet, broker);
	process_on_stop(&broker->process, on_stop);
	process_on_retire(&broker->process, peers_retire);
	process_on_strike(&broker->process, on_strike);
	r = process_run(&broker->process);
	if (broker->broken)
		_exit(1); /* the store is left as it is: the next start reads what came to the disk
			   */
	finish(broker);
	free(broker);
	return r;
}
