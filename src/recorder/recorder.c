/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "recorder/corridor.h"
#include "recorder/heads.h"
#include "wire/process.h"
#include "wire/recording_key.h"

#define CERTIFY_MS 5000 /* how long the vault may take to certify, its restart included */
#define STOP_MS 3000    /* how long sealing may take when the gateway stops */
#define TELL_MS 5000    /* until a broker that did not note an end is told again */
#define BROKERS_MAX 8   /* that were replaced and whose last words are still read */

/* A recording that has not begun: its certificate or its header on disk is missing. */
struct starting {
	struct starting *next;
	struct corridor *corridor;
	struct timer *timer;
	uint32_t serial; /* of the broker's question */
	bool certified;
	struct recording_header header;
};

/* How a session ended: told until a broker has it on disk. No more than end without one. */
struct unkept {
	struct unkept *next;
	struct msg_moved moved;
	struct msg_recording_done done;
};

struct recorder {
	struct process process;
	struct corridor_host host;
	struct packer packer;
	struct channel *broker,
		*vault; /* who is told; of replaced brokers only the rest is heard */
	struct channel *earlier[BROKERS_MAX];
	uint32_t list_serial;
	bool list_asked; /* answered when the earlier brokers are heard to their end */
	struct corridor *corridors;
	struct starting *starting;
	struct unkept *unkept;
	struct timer *tell_timer;
	struct heads heads;
	unsigned count;
	bool stopping;
	bool retired; /* no new recordings; ends when the last of the old ones has */
};

static void show_title(const struct recorder *recorder)
{
	process_title("%u recording%s%s", recorder->count, recorder->count == 1 ? "" : "s",
		recorder->retired ? ", retired" : "");
}

/* A retired recorder has done its part when everything is sealed and on record. */
static void end_if_done(struct recorder *recorder)
{
	if (recorder->corridors == NULL &&
		(recorder->stopping || (recorder->retired && recorder->unkept == NULL)))
		loop_stop(recorder->process.loop);
}

static struct corridor *find(const struct recorder *recorder, int64_t session)
{
	struct corridor *corridor = recorder->corridors;

	while (corridor != NULL && corridor->session != session)
		corridor = corridor->next;
	return corridor;
}

static int tell_broker(
	struct recorder *recorder, enum msg_type type, uint32_t serial, const void *payload)
{
	if (recorder->broker == NULL)
		return -ERR_PEER_GONE;
	return channel_send(recorder->broker, type, serial, payload, NULL, 0, NULL, 0);
}

/* ---- what corridors say ---- */

static void drop_starting(struct recorder *recorder, struct starting *starting)
{
	struct starting **link = &recorder->starting;

	while (*link != starting)
		link = &(*link)->next;
	*link = starting->next;
	timer_cancel(starting->timer);
	free(starting);
}

static struct starting *find_starting(const struct recorder *recorder, int64_t session)
{
	struct starting *starting = recorder->starting;

	while (starting != NULL && starting->corridor->session != session)
		starting = starting->next;
	return starting;
}

static void tell_started(struct recorder *recorder, uint32_t serial, int64_t session, int r)
{
	struct msg_recording_started started;

	memset(&started, 0, sizeof(started));
	started.session = session;
	started.result = r;
	tell_broker(recorder, MSG_RECORDING_STARTED, serial, &started);
}

static void on_started(void *context, struct corridor *corridor, int r)
{
	struct recorder *recorder = context;
	struct starting *starting = find_starting(recorder, corridor->session);

	tell_started(recorder, starting != NULL ? starting->serial : 0, corridor->session, r);
	if (starting != NULL)
		drop_starting(recorder, starting);
	if (r < 0)
		log_error("recording.refused", "session %lld: %s", (long long)corridor->session,
			error_text(r));
}

static void on_moved(void *context, const struct msg_moved *moved)
{
	tell_broker(context, MSG_SESSION_MOVED, 0, moved);
}

static void on_left(void *context, const struct msg_viewer *viewer)
{
	tell_broker(context, MSG_VIEWER_LEFT, 0, viewer);
}

static void on_activity(void *context, const struct msg_activity *activity)
{
	tell_broker(context, MSG_ACTIVITY, 0, activity);
}

/* How it ended, then that it is sealed: the broker may have missed both. */
static void tell_unkept(struct recorder *recorder)
{
	for (struct unkept *unkept = recorder->unkept; unkept != NULL; unkept = unkept->next) {
		tell_broker(recorder, MSG_SESSION_MOVED, 0, &unkept->moved);
		tell_broker(recorder, MSG_RECORDING_DONE, 0, &unkept->done);
	}
}

static void on_tell_timer(void *context)
{
	struct recorder *recorder = context;

	recorder->tell_timer = NULL;
	if (recorder->unkept == NULL)
		return;
	tell_unkept(recorder);
	loop_after(recorder->process.loop, TELL_MS, on_tell_timer, recorder, &recorder->tell_timer);
}

static void keep(struct recorder *recorder, const struct msg_recording_done *done)
{
	struct corridor *corridor = find(recorder, done->session);
	struct unkept *unkept = calloc(1, sizeof(*unkept));

	if (unkept == NULL || corridor == NULL) {
		free(unkept);
		return; /* told once, then */
	}
	unkept->moved = corridor->last;
	unkept->done = *done;
	unkept->next = recorder->unkept;
	recorder->unkept = unkept;
	if (recorder->tell_timer == NULL)
		loop_after(recorder->process.loop, TELL_MS, on_tell_timer, recorder,
			&recorder->tell_timer);
}

static void on_done(void *context, const struct msg_recording_done *done)
{
	struct recorder *recorder = context;

	if (done->result < 0)
		log_error("recording.short", "session %lld: %s", (long long)done->session,
			error_text(done->result));
	keep(recorder, done);
	tell_broker(recorder, MSG_RECORDING_DONE, 0, done);
}

static void on_kept(struct recorder *recorder, int64_t session)
{
	struct unkept **link = &recorder->unkept, *unkept;

	while (*link != NULL && (*link)->done.session != session)
		link = &(*link)->next;
	unkept = *link;
	if (unkept != NULL)
		*link = unkept->next;
	free(unkept);
	end_if_done(recorder);
}

static void on_gone(void *context, struct corridor *corridor)
{
	struct recorder *recorder = context;
	struct corridor **link = &recorder->corridors;

	while (*link != corridor)
		link = &(*link)->next;
	*link = corridor->next;
	recorder->count--;
	show_title(recorder);
	end_if_done(recorder);
}

/* ---- a recording starts ---- */

static void ask_vault(struct recorder *recorder, const struct starting *starting)
{
	struct msg_certify certify;

	if (recorder->vault == NULL)
		return; /* asked when it is back */
	memset(&certify, 0, sizeof(certify));
	certify.session = starting->corridor->session;
	memcpy(certify.public_key, starting->header.public_key, sizeof(certify.public_key));
	memcpy(certify.facts_hash, starting->corridor->facts_hash, HASH_LEN);
	text_copy(certify.session_id, sizeof(certify.session_id), starting->header.session_id);
	channel_tell(recorder->vault, MSG_RECORDING_CERTIFY, &certify);
}

static void on_certify_late(void *context)
{
	struct starting *starting = context;

	starting->timer = NULL;
	corridor_end(starting->corridor, -ERR_TIMED_OUT, error_text(-ERR_TIMED_OUT));
}

static bool start_valid(const struct recorder *recorder, const struct message *message)
{
	const struct msg_recording_start *start = message->payload;

	return message->fd_count == 1 && TEXT_VALID(start->session_id) &&
	       strspn(start->session_id, "0123456789abcdef") == SESSION_ID_SIZE - 1 &&
	       message->tail_len <= RECORDING_FACTS_MAX &&
	       memchr(message->tail, 0, message->tail_len) == NULL &&
	       utf8_valid(message->tail, message->tail_len) && start->record_input <= INPUT_APART &&
	       find(recorder, start->session) == NULL && recorder->count < SESSIONS_MAX &&
	       !recorder->stopping;
}

static void fill_header(struct recording_header *header, const struct corridor *corridor,
	const struct message *message)
{
	header->version = RECORDING_VERSION;
	header->aead = RECORDING_AEAD_XCHACHA20_POLY1305;
	header->compression = RECORDING_COMPRESSION_ZSTD;
	header->chain = RECORDING_CHAIN_BLAKE2B_256;
	header->signature = RECORDING_SIGNATURE_ED25519;
	header->input = corridor->typed.how != INPUT_NO;
	header->started_ms = clock_wall_ms();
	text_copy(header->session_id, sizeof(header->session_id), corridor->session_id);
	memcpy(header->public_key, corridor->public_key, sizeof(header->public_key));
	header->facts_len = (uint32_t)message->tail_len;
	memcpy(header->facts, message->tail, message->tail_len);
}

static int start(struct recorder *recorder, struct message *message)
{
	CLEANUP(mem_freep) struct starting *starting = calloc(1, sizeof(*starting));
	struct corridor *corridor;
	int r;

	if (starting == NULL)
		return -ERR_SYSTEM;
	r = corridor_create(
		&recorder->host, message->payload, STEAL_FD(message->fds[0]), &corridor);
	if (r < 0)
		return r;
	starting->corridor = corridor;
	starting->serial = message->serial;
	fill_header(&starting->header, corridor, message);
	hash_sha256(corridor->facts_hash, message->tail, message->tail_len);
	r = loop_after(
		recorder->process.loop, CERTIFY_MS, on_certify_late, starting, &starting->timer);
	if (r < 0) {
		corridor_destroy(corridor);
		return r;
	}
	corridor->next = recorder->corridors;
	recorder->corridors = corridor;
	recorder->count++;
	starting->next = recorder->starting;
	recorder->starting = starting;
	ask_vault(recorder, STEAL(starting));
	show_title(recorder);
	return 0;
}

/* A broker that begins anew with a session whose start another one left half done. */
static void answer_again(
	struct recorder *recorder, struct corridor *corridor, struct message *message)
{
	int64_t session = corridor->session;
	struct starting *starting = find_starting(recorder, session);
	int r = message->fd_count == 1 ? corridor_claim(corridor, STEAL_FD(message->fds[0]))
				       : -ERR_MALFORMED;

	if (starting != NULL && r == 0)
		starting->serial = message->serial; /* answered when it has begun */
	else
		tell_started(recorder, message->serial, session, r);
}

static int answer_start(struct recorder *recorder, struct message *message)
{
	const struct msg_recording_start *asked = message->payload;
	struct corridor *corridor = find(recorder, asked->session);

	if (corridor != NULL &&
		memcmp(corridor->session_id, asked->session_id, SESSION_ID_SIZE) == 0) {
		answer_again(recorder, corridor, message);
		return 0;
	}
	int r = start_valid(recorder, message) ? start(recorder, message) : -ERR_MALFORMED;
	if (r < 0)
		tell_started(recorder, message->serial, asked->session, r);
	return 0;
}

static int take_certificate(struct starting *starting, const struct msg_certified *certified)
{
	struct recording_header *header = &starting->header;

	if (certified->result < 0)
		return certified->result;
	header->key_version = certified->key_version;
	header->wrapped_len = RECORDING_WRAPPED_LEN;
	memcpy(header->certificate, certified->signature, sizeof(header->certificate));
	starting->corridor->key_version = certified->key_version;
	memcpy(starting->corridor->certificate, certified->signature,
		sizeof(starting->corridor->certificate));
	if (starting->corridor->typed.how == INPUT_APART) {
		int r = tape_keep_apart(
			&starting->corridor->tape, header->session_id, certified->recording_public);
		if (r < 0)
			return r;
	}
	return recording_key_wrap(header->session_id, starting->corridor->tape.chunk.key,
		certified->recording_public, header->wrapped);
}

static int on_vault(void *context, struct channel *channel, struct message *message)
{
	struct recorder *recorder = context;
	const struct msg_certified *certified = message->payload;

	if (message->type != MSG_RECORDING_CERTIFIED)
		return -ERR_MALFORMED;
	struct starting *starting = find_starting(recorder, certified->session);
	if (starting == NULL || starting->certified)
		return 0; /* too late, or asked twice around a restart of the vault */
	starting->certified = true;
	timer_cancel(STEAL(starting->timer));
	int r = take_certificate(starting, certified);
	if (r < 0)
		corridor_end(starting->corridor, r, error_text(r));
	else
		corridor_begin(starting->corridor, &starting->header);
	return 0;
}

/* ---- what the broker says ---- */

static bool earlier_speak(const struct recorder *recorder)
{
	for (unsigned i = 0; i < BROKERS_MAX; i++)
		if (recorder->earlier[i] != NULL)
			return true;
	return false;
}

/* Not before everything that changes the list has been heard. */
static void answer_list(struct recorder *recorder)
{
	struct msg_listed listed;
	uint32_t serial = recorder->list_serial;

	if (!recorder->list_asked || earlier_speak(recorder))
		return;
	recorder->list_asked = false;

	tell_unkept(recorder);
	for (struct corridor *corridor = recorder->corridors; corridor; corridor = corridor->next) {
		corridor_list(corridor, &listed);
		tell_broker(recorder, MSG_RECORDER_SESSION, serial, &listed);
	}
	memset(&listed, 0, sizeof(listed));
	tell_broker(recorder, MSG_RECORDER_SESSION, serial, &listed);
}

static void answer_join(struct recorder *recorder, struct message *message)
{
	const struct msg_viewer *join = message->payload;
	struct corridor *corridor = find(recorder, join->session);

	if (corridor != NULL && message->fd_count == 1 && TEXT_VALID(join->who) &&
		TEXT_VALID(join->from))
		corridor_join(corridor, join, STEAL_FD(message->fds[0]));
	else
		tell_broker(recorder, MSG_VIEWER_LEFT, 0, join);
}

static int on_broker(void *context, struct channel *channel, struct message *message)
{
	struct recorder *recorder = context;
	const struct msg_notice *notice = message->payload;
	const struct msg_session *which = message->payload;
	struct corridor *corridor;

	switch (message->type) {
	case MSG_RECORDING_START:
		return answer_start(recorder, message);
	case MSG_RECORDING_KEPT:
		on_kept(recorder, which->session);
		return 0;
	case MSG_RECORDER_LIST:
		recorder->list_asked = true;
		recorder->list_serial = message->serial;
		answer_list(recorder);
		return 0;
	case MSG_VIEWER_JOIN:
		answer_join(recorder, message);
		return 0;
	case MSG_NOTICE:
	case MSG_SESSION_STOP:
		corridor = find(recorder, notice->session);
		if (corridor == NULL || !TEXT_VALID(notice->text))
			return 0;
		if (message->type == MSG_NOTICE)
			corridor_notice(corridor, notice->text);
		else
			corridor_end(corridor, notice->why, notice->text);
		return 0;
	default:
		return -ERR_MALFORMED;
	}
}

static void on_peer_gone(void *context, struct channel *channel)
{
	struct recorder *recorder = context;

	if (channel == recorder->broker)
		recorder->broker = NULL;
	if (channel == recorder->vault)
		recorder->vault = NULL;
	for (unsigned i = 0; i < BROKERS_MAX; i++)
		if (channel == recorder->earlier[i])
			recorder->earlier[i] = NULL;
	channel_destroy(channel);
	answer_list(recorder);
}

/* A broker that is replaced ends by itself; what it has said until then is still to be done. */
static void set_aside(struct recorder *recorder, struct channel *broker)
{
	unsigned at = 0;

	while (at < BROKERS_MAX - 1 && recorder->earlier[at] != NULL)
		at++;
	channel_destroy(recorder->earlier[at]);
	recorder->earlier[at] = broker;
}

static void on_signed(void *context, void *corridor)
{
	struct recorder *recorder = context;

	heads_signed(&recorder->heads, corridor);
}

static void meet(void *context, const struct msg_peer *peer, int fd)
{
	struct recorder *recorder = context;
	enum party party = (enum party)peer->party;

	if (party == PARTY_WITNESS) {
		heads_meet(&recorder->heads, fd);
		return;
	}
	struct channel **place = party == PARTY_BROKER ? &recorder->broker : &recorder->vault;

	if (party == PARTY_BROKER)
		recorder->list_asked = false, set_aside(recorder, STEAL(*place));
	else
		channel_destroy(STEAL(*place));
	if (channel_create(recorder->process.loop, fd, PARTY_RECORDER, party,
		    party == PARTY_BROKER ? on_broker : on_vault, on_peer_gone, recorder,
		    place) < 0) {
		fd_closep(&fd);
		return;
	}
	channel_set_generation(*place, peer->generation);
	if (party == PARTY_VAULT)
		for (struct starting *it = recorder->starting; it != NULL; it = it->next)
			if (!it->certified)
				ask_vault(recorder, it);
}

/* ---- the process ---- */

static void on_stop_late(void *context)
{
	struct recorder *recorder = context;

	loop_stop(recorder->process.loop);
}

static void on_stop(void *context)
{
	struct recorder *recorder = context;
	struct timer *timer;

	if (recorder->stopping)
		return;
	recorder->stopping = true;
	if (recorder->corridors == NULL ||
		loop_after(recorder->process.loop, STOP_MS, on_stop_late, recorder, &timer) < 0)
		loop_stop(recorder->process.loop);
	for (struct corridor *corridor = recorder->corridors, *next; corridor; corridor = next) {
		next = corridor->next;
		corridor_end(corridor, 0, "The gateway was stopped");
	}
}

static void on_retire(void *context)
{
	struct recorder *recorder = context;

	recorder->retired = true;
	show_title(recorder);
	end_if_done(recorder);
}

static void finish(struct recorder *recorder)
{
	timer_cancel(STEAL(recorder->tell_timer));
	for (unsigned i = 0; i < BROKERS_MAX; i++)
		channel_destroy(STEAL(recorder->earlier[i]));
	while (recorder->corridors != NULL) {
		struct corridor *corridor = recorder->corridors;
		recorder->corridors = corridor->next;
		corridor_destroy(corridor);
	}
	while (recorder->unkept != NULL)
		on_kept(recorder, recorder->unkept->done.session);
	heads_finish(&recorder->heads);
	writer_destroy(recorder->host.room.writer);
	packer_finish(&recorder->packer);
}

static int open_room(struct recorder *recorder, int dir)
{
	struct corridor_host *host = &recorder->host;
	int r = packer_init(&recorder->packer);

	*host = (struct corridor_host){ on_started, on_moved, on_left, on_activity, on_done,
		on_gone, recorder,
		{ recorder->process.loop, &recorder->packer, NULL, on_signed, recorder }, NULL };
	heads_init(&recorder->heads, recorder->process.loop, &recorder->process.settings,
		&recorder->corridors);
	host->scratch = malloc(CORRIDOR_SCRATCH);
	if (r < 0 || host->scratch == NULL)
		return -ERR_SYSTEM;
	return writer_create(recorder->process.loop, dir, &host->room.writer);
}

int main(int argc, char **argv)
{
	static struct recorder recorder;

	/* Chunks come and go all day: keep their memory instead of asking the kernel each time. */
	mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
	mallopt(M_ARENA_MAX, 1);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, not an end */
	process_begin(&recorder.process, argc, argv, PARTY_RECORDER);
	int dir = process_fd(&recorder.process, "recordings");
	if (dir < 0 || sodium_init() < 0) {
		log_error("recorder.begin", "no directory for recordings");
		return 1;
	}
	process_drop(&recorder.process, SANDBOX_RECORDER, dir);
	if (open_room(&recorder, dir) < 0) {
		log_error("recorder.begin", "the directory for recordings cannot be written");
		return 1;
	}
	show_title(&recorder);
	process_on_stop(&recorder.process, on_stop);
	process_on_retire(&recorder.process, on_retire);
	process_on_peer(&recorder.process, meet, &recorder);
	int r = process_run(&recorder.process);
	finish(&recorder);
	return r;
}
