/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/peers.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/attach.h"
#include "broker/context.h"
#include "broker/control.h"
#include "broker/dispatch.h"
#include "broker/list.h"
#include "broker/probe_inside.h"
#include "broker/vault.h"

#define FLUSH_MS 500 /* for a front that says no more to take its last answers */
#define LAST_MS 20   /* what vault and recorder have said meanwhile is still heard */

static int on_front(void *context, struct channel *channel, struct message *message)
{
	struct broker *broker = ((struct peer *)context)->broker;

	switch (message->type) {
	case MSG_API_CALL:
		return dispatch_message(broker, channel, DOOR_API, 0, message);
	case MSG_API_MORE:
		return list_more(broker, channel, message);
	case MSG_TICKET_REDEEM:
		return early_redeem(broker, channel, message);
	case MSG_ATTACH_ASK:
		return attach_ask(broker, channel, message);
	case MSG_ATTACH_PROVE:
		return attach_prove(broker, channel, message);
	default:
		return -ERR_MALFORMED;
	}
}

/* One that retires writes in the same log, and has the keys it had. */
static void on_releases(
	struct broker *broker, const struct channel *channel, const struct msg_releases_head *head)
{
	if (channel == broker->vault || head->sequence > broker->releases.sequence)
		vault_released(broker, head);
}

static int on_vault(void *context, struct channel *channel, struct message *message)
{
	struct broker *broker = ((struct peer *)context)->broker;

	switch (message->type) {
	case MSG_BROKER_CERTIFIED:
		head_certified(broker, message->payload);
		return 0;
	case MSG_VAULT_STATE:
		if (channel == broker->vault)
			vault_heard(broker, message);
		return 0;
	case MSG_RELEASES_HEAD:
		on_releases(broker, channel, message->payload);
		return 0;
	default:
		return session_from_vault(broker, channel, message);
	}
}

static int on_recorder(void *context, struct channel *channel, struct message *message)
{
	return session_from_recorder(((struct peer *)context)->broker, channel, message);
}

struct peer *peer_of(const struct broker *broker, const struct channel *channel)
{
	struct peer *peer = broker->peers;

	while (peer != NULL && peer->channel != channel)
		peer = peer->next;
	return channel != NULL ? peer : NULL;
}

uint64_t peer_number(const struct broker *broker, const struct channel *channel)
{
	const struct peer *peer = peer_of(broker, channel);

	return peer != NULL ? peer->number : 0;
}

struct channel *peer_numbered(const struct broker *broker, uint64_t number)
{
	const struct peer *peer = broker->peers;

	while (peer != NULL && peer->number != number)
		peer = peer->next;
	return peer != NULL ? peer->channel : NULL;
}

unsigned peers_count(const struct broker *broker, enum party party)
{
	unsigned count = 0;

	for (const struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		count += peer->party == party;
	return count;
}

void peers_tell(struct broker *broker, enum party party, enum msg_type type, const void *payload)
{
	for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		if (peer->party == party)
			channel_tell(peer->channel, type, payload);
}

/* The one that takes what is new, for those of whom there is one. */
static struct channel **place_of(struct broker *broker, enum party party)
{
	return party == PARTY_VAULT      ? &broker->vault
	       : party == PARTY_RECORDER ? &broker->recorder
					 : NULL;
}

static void forget(struct broker *broker, struct peer *peer)
{
	struct channel **place = place_of(broker, peer->party);
	struct peer **at = &broker->peers;

	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	if (place != NULL && *place == peer->channel) {
		*place = NULL;
		if (peer->party == PARTY_VAULT) {
			broker->head.asked_at = 0;
			vault_lost(broker);
		}
	}
	channel_destroy(peer->channel);
	free(peer);
}

static void gone(struct peer *peer)
{
	struct broker *broker = peer->broker;
	struct channel *channel = peer->channel;

	if (peer->party == PARTY_FRONT) {
		early_answer(broker);
		turn_close(broker); /* answers of this turn still point at it */
		channel_flush(channel, FLUSH_MS);
		dispatch_forget(broker, channel);
		attach_forget(broker, channel);
	}
	bool recorder = peer->party == PARTY_RECORDER;
	bool listing = peer->listing;
	forget(broker, peer);
	if (recorder)
		sessions_recorder_gone(broker, channel);
	if (listing)
		sessions_listed(broker);
}

static void on_gone(void *context, struct channel *channel)
{
	struct peer *peer = context;

	(void)channel;
	/* Ends in order look the same from here; the supervisor warns of the others. */
	log_info("peer.gone", "%s of generation %u", party_name(peer->party), peer->generation);
	gone(peer);
}

/* The same process, started again: the old channel is history. */
static void replace_earlier(struct broker *broker, const struct msg_peer *met)
{
	for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next) {
		if (peer->party == met->party && peer->generation == met->generation) {
			gone(peer);
			return;
		}
	}
}

static int open_channel(struct broker *broker, struct peer *peer, int fd)
{
	message_fn *fn = peer->party == PARTY_FRONT   ? on_front
			 : peer->party == PARTY_VAULT ? on_vault
						      : on_recorder;

	int r = channel_create(
		broker->loop, fd, PARTY_BROKER, peer->party, fn, on_gone, peer, &peer->channel);
	if (r == 0)
		channel_set_generation(peer->channel, peer->generation);
	return r;
}

static void add(struct broker *broker, struct peer *peer)
{
	struct channel **place = place_of(broker, peer->party);

	peer->next = broker->peers;
	broker->peers = peer;
	if (place != NULL && !peer->retired)
		*place = peer->channel;
	if (peer->party == PARTY_RECORDER)
		sessions_recorder_came(broker, peer);
	else if (peer->party == PARTY_VAULT && !peer->retired) {
		head_ask(broker);
		sessions_go_on(broker);
	}
}

void peers_meet(void *context, const struct msg_peer *met, int fd)
{
	struct broker *broker = context;

	if (met->party == PARTY_WITNESS) {
		witness_came(broker, fd);
		return;
	}
	if (met->party != PARTY_FRONT && met->party != PARTY_VAULT &&
		met->party != PARTY_RECORDER) {
		close(fd);
		return;
	}
	replace_earlier(broker, met);
	struct peer *peer = calloc(1, sizeof *peer);
	if (peer != NULL)
		*peer = (struct peer){ .broker = broker,
			.party = (enum party)met->party,
			.generation = met->generation,
			.number = ++broker->peers_met,
			.retired = met->retired != 0 };
	if (peer == NULL || open_channel(broker, peer, fd) < 0) {
		log_error("peer.lost", "no memory for a channel to %s", party_name(met->party));
		free(peer);
		close(fd);
		return;
	}
	add(broker, peer);
}

void peers_finish(struct broker *broker)
{
	while (broker->peers != NULL)
		forget(broker, broker->peers);
}

/* ---- the end of a broker that is replaced */

static void on_last(void *context)
{
	struct broker *broker = context;

	turn_close(broker);
	loop_stop(broker->loop);
}

static void retire_now(struct broker *broker)
{
	struct timer *timer;

	if (broker->last)
		return;
	broker->last = true;
	if (loop_after(broker->loop, LAST_MS, on_last, broker, &timer) < 0)
		on_last(broker);
}

/* The fronts have a channel to the next broker: they say nothing more here, and then they end. */
void peers_look(struct broker *broker)
{
	if (broker->retiring && peers_count(broker, PARTY_FRONT) == 0 &&
		broker->calls.deferred == NULL)
		retire_now(broker);
}

static void on_retire_late(void *context)
{
	struct broker *broker = context;

	probes_give_up(broker); /* those who wait are told to try again */
	retire_now(broker);
}

void peers_retire(void *context)
{
	struct broker *broker = context;
	struct timer *timer;

	broker->retiring = true;
	turn_close(broker);
	lists_end(broker); /* a slow reader would keep the next broker from the store */
	early_answer(broker);
	control_close(broker->control); /* the next one accepts from the same socket */
	if (loop_after(broker->loop, RETIRE_MS, on_retire_late, broker, &timer) < 0)
		retire_now(broker);
}
