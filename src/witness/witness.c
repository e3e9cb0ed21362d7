/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/witness.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"

static void give_up(const char *words)
{
	log_error("witness.begin", "%s", words);
	exit(1);
}

static void show_title(const struct witness *witness)
{
	unsigned wanted = 0, up = 0;

	for (unsigned i = 0; i < OUTLET_COUNT; i++) {
		wanted += witness->outlets[i].kind != NULL;
		up += witness->outlets[i].kind != NULL && witness->outlets[i].up;
	}
	process_title(
		"%u of %u outlets, row %lld", up, wanted, (long long)witness->newest.sequence);
}

static void tell_state(struct witness *witness)
{
	struct msg_witness_state state;

	memset(&state, 0, sizeof state);
	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		outlet_state(&witness->outlets[i], &state.outlets[i]);
	if (witness->broker != NULL)
		channel_tell(witness->broker, MSG_WITNESS_STATE, &state);
}

/* ---- what outlets say ---- */

static bool on_ask(void *context, const struct msg_witness_ask *ask)
{
	struct witness *witness = context;

	return witness->broker != NULL && channel_tell(witness->broker, MSG_WITNESS_ASK, ask) == 0;
}

static void stop_when_settled(struct witness *witness)
{
	bool settled = true;

	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		settled = settled && outlet_settled(&witness->outlets[i]);
	if (settled || clock_monotonic_ms() >= witness->stop_at)
		loop_stop(witness->process.loop);
}

static void on_took(void *context, struct outlet *outlet)
{
	struct witness *witness = context;

	positions_put(&witness->positions, outlet->id, &outlet->taken);
	if (outlet->taken.sequence == witness->newest.sequence)
		tell_state(witness);
	if (witness->stopping)
		stop_when_settled(witness);
}

static void on_changed(void *context)
{
	struct witness *witness = context;

	show_title(witness);
	tell_state(witness);
}

/* ---- what peers say ---- */

static void give_head(struct witness *witness, const struct line *line)
{
	for (unsigned i = 0; i < OUTLET_COUNT; i++) {
		outlet_head(&witness->outlets[i], line);
		outlet_go(&witness->outlets[i]);
	}
}

static void take_newest(struct witness *witness, const struct audit_head *head)
{
	CLEANUP(mem_freep) struct line *line = calloc(1, sizeof *line);

	if (line == NULL)
		return; /* the next one covers it */
	line->kind = LINE_AUDIT_HEAD;
	line->audit = *head;
	witness->newest.sequence = head->sequence;
	memcpy(witness->newest.hash, head->hash, HASH_LEN);
	give_head(witness, line);
}

static void take_rows(struct witness *witness, const struct message *message)
{
	const struct msg_witness_rows *rows = message->payload;

	if (rows->outlet < OUTLET_COUNT)
		outlet_rows(
			&witness->outlets[rows->outlet], rows, message->tail, message->tail_len);
}

static int on_broker(void *context, struct channel *channel, struct message *message)
{
	switch (message->type) {
	case MSG_WITNESS_HEAD:
		take_newest(context, message->payload);
		return 0;
	case MSG_WITNESS_ROWS:
		take_rows(context, message);
		return 0;
	default:
		return -ERR_MALFORMED;
	}
}

static void take_recording(struct witness *witness, const struct recording_head *head)
{
	CLEANUP(mem_freep) struct line *line = calloc(1, sizeof *line);

	if (line == NULL)
		return;
	line->kind = LINE_RECORDING_HEAD;
	line->recording = *head;
	give_head(witness, line);
}

static int on_recorder(void *context, struct channel *channel, struct message *message)
{
	const struct recording_head *head = message->payload;

	if (message->type != MSG_RECORDING_HEAD || !TEXT_VALID(head->session_id))
		return -ERR_MALFORMED;
	take_recording(context, head);
	return 0;
}

static void broker_gone(struct witness *witness)
{
	channel_destroy(STEAL(witness->broker));
	witness->newest = (struct position){ 0 };
	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		outlet_broker_gone(&witness->outlets[i]);
}

static void on_gone(void *context, struct channel *channel)
{
	struct witness *witness = context;

	if (channel == witness->broker) {
		broker_gone(witness);
		return;
	}
	for (unsigned i = 0; i < WITNESS_RECORDERS_MAX; i++)
		if (witness->recorders[i] == channel)
			witness->recorders[i] = NULL;
	channel_destroy(channel);
}

static struct channel **place_for(struct witness *witness, enum party party)
{
	if (party == PARTY_BROKER) {
		if (witness->broker != NULL)
			broker_gone(witness);
		return &witness->broker;
	}
	for (unsigned i = 0; i < WITNESS_RECORDERS_MAX && party == PARTY_RECORDER; i++)
		if (witness->recorders[i] == NULL)
			return &witness->recorders[i];
	return NULL;
}

static void meet(void *context, const struct msg_peer *peer, int fd)
{
	struct witness *witness = context;
	enum party party = (enum party)peer->party;
	struct channel **place = place_for(witness, party);

	if (place == NULL || channel_create(witness->process.loop, fd, PARTY_WITNESS, party,
				     party == PARTY_BROKER ? on_broker : on_recorder, on_gone,
				     witness, place) < 0) {
		log_error("peer.lost", "no room for a channel to %s", party_name(party));
		fd_closep(&fd);
		return;
	}
	channel_set_generation(*place, peer->generation);
	if (party == PARTY_BROKER)
		tell_state(witness);
}

/* ---- time ---- */

/* A receiver may have moved: its name is looked up by a new process, before its walls. */
static void look_for_names(struct witness *witness)
{
	const struct outlet *syslog = &witness->outlets[OUTLET_SYSLOG];
	const struct outlet *webhook = &witness->outlets[OUTLET_WEBHOOK];
	bool down = (syslog->kind != NULL && !syslog->up && !witness->syslog.lookup.literal) ||
		    (webhook->kind != NULL && !webhook->up && !witness->webhook.lookup.literal);
	uint64_t now = clock_monotonic_ms();

	if (!down || witness->stopping)
		witness->named_down_at = 0;
	else if (witness->named_down_at == 0)
		witness->named_down_at = now;
	else if (now - witness->named_down_at > WITNESS_LOOKUP_MS) {
		log_info("witness.lookup", "a receiver is away: its name is looked up again");
		loop_stop(witness->process.loop);
	}
}

static void on_tick(void *context)
{
	struct witness *witness = context;

	witness->tick = NULL;
	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		outlet_look(&witness->outlets[i]);
	positions_save(&witness->positions);
	look_for_names(witness);
	show_title(witness);
	tell_state(witness);
	if (witness->stopping)
		stop_when_settled(witness);
	if (loop_after(witness->process.loop, WITNESS_LOOK_MS, on_tick, witness, &witness->tick) <
		0)
		log_error("witness.tick", "no memory: nothing is tried again any more");
}

/* The broker ended before us: what it said last is still to be taken outside. */
static void on_stop(void *context)
{
	struct witness *witness = context;

	witness->stopping = true;
	witness->stop_at = clock_monotonic_ms() + WITNESS_STOP_MS;
	stop_when_settled(witness);
}

/* ---- the process ---- */

/* What looks for files when it is first used does so before the walls. */
static void wake_openssl(void)
{
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
		OPENSSL_init_ssl(0, NULL) != 1)
		give_up("the crypto library does not work");
}

int main(int argc, char **argv)
{
	static struct witness witness;
	struct process *process = &witness.process;

	process_begin(process, argc, argv, PARTY_WITNESS);
	for (unsigned i = 0; i < ARRAY_LEN(witness.files); i++)
		witness.files[i].directory = witness.files[i].fd = -1;
	int directory = process_fd(process, "witness");
	if (directory < 0 || sodium_init() < 0)
		give_up("no directory of its own");
	wake_openssl();
	witness.host = (struct outlet_host){ process->loop, &witness.newest, on_ask, on_took,
		on_changed, &witness };
	if (outlets_open(&witness) < 0)
		give_up("its settings cannot be followed");
	const int directories[] = { directory, witness.files[0].directory,
		witness.files[1].directory };
	process_drop_dirs(process, SANDBOX_WITNESS, directories, ARRAY_LEN(directories));
	if (positions_open(&witness.positions, directory) < 0)
		give_up("its directory cannot be written");
	outlets_begin(&witness);
	process_on_peer(process, meet, &witness);
	process_on_stop(process, on_stop);
	on_tick(&witness);
	int r = process_run(process);
	outlets_end(&witness);
	positions_close(&witness.positions);
	return r;
}
