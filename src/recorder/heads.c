/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/heads.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

void heads_init(struct heads *heads, struct loop *loop, const struct settings *settings,
	struct corridor *const *corridors)
{
	*heads = (struct heads){ .loop = loop, .corridors = corridors };
	heads->wanted = settings->witness_file[0] != '\0' || settings->witness_syslog[0] != '\0' ||
			settings->witness_webhook[0] != '\0';
}

void heads_finish(struct heads *heads)
{
	timer_cancel(STEAL(heads->retry));
	channel_destroy(STEAL(heads->channel));
	mem_freep(&heads->ended);
}

static void fill(struct recording_head *head, const struct corridor *corridor)
{
	const struct chain *chain = &corridor->tape.chain;

	memset(head, 0, sizeof *head);
	memcpy(head->session_id, corridor->session_id, sizeof head->session_id);
	head->last = !corridor->tape.open;
	head->number = chain->signatures;
	head->chunks = chain->chunks;
	head->ms = chain->end_ms;
	memcpy(head->head, chain->signed_head, HASH_LEN);
	memcpy(head->signature, chain->signature, sizeof head->signature);
	memcpy(head->public_key, corridor->public_key, sizeof head->public_key);
	memcpy(head->certificate, corridor->certificate, sizeof head->certificate);
	head->key_version = corridor->key_version;
	memcpy(head->facts_hash, corridor->facts_hash, HASH_LEN);
}

static void say_all(struct heads *heads);

static void on_retry(void *context)
{
	struct heads *heads = context;

	heads->retry = NULL;
	if (heads->owes)
		say_all(heads);
}

/* What is not read now is said again, with all there is by then. */
static void say(struct heads *heads, const struct recording_head *head)
{
	if (heads->channel == NULL || heads->owes ||
		channel_tell(heads->channel, MSG_RECORDING_HEAD, head) == 0)
		return;
	heads->owes = true;
	if (heads->retry == NULL &&
		loop_after(heads->loop, HEADS_RETRY_MS, on_retry, heads, &heads->retry) < 0)
		heads->retry = NULL; /* the next witness hears it */
}

static void say_all(struct heads *heads)
{
	struct recording_head head;

	heads->owes = false;
	for (unsigned i = 0; i < heads->ended_count; i++)
		say(heads, &heads->ended[(heads->ended_next + HEADS_ENDED_MAX - heads->ended_count +
						 i) %
					 HEADS_ENDED_MAX]);
	for (const struct corridor *it = *heads->corridors; it != NULL; it = it->next) {
		if (it->tape.chain.signatures == 0 || !it->tape.open)
			continue;
		fill(&head, it);
		say(heads, &head);
	}
}

static void keep_ended(struct heads *heads, const struct recording_head *head)
{
	if (heads->ended == NULL)
		heads->ended = calloc(HEADS_ENDED_MAX, sizeof *heads->ended);
	if (heads->ended == NULL)
		return; /* the audit trail has it too */
	heads->ended[heads->ended_next] = *head;
	heads->ended_next = (heads->ended_next + 1) % HEADS_ENDED_MAX;
	heads->ended_count = MIN(heads->ended_count + 1, (unsigned)HEADS_ENDED_MAX);
}

void heads_signed(struct heads *heads, const struct corridor *corridor)
{
	struct recording_head head;

	if (!heads->wanted)
		return;
	fill(&head, corridor);
	if (head.last)
		keep_ended(heads, &head);
	say(heads, &head);
}

/* ---- the witness ---- */

static int on_message(void *context, struct channel *channel, struct message *message)
{
	return -ERR_MALFORMED; /* it has nothing to say here */
}

static void on_gone(void *context, struct channel *channel)
{
	struct heads *heads = context;

	heads->channel = NULL;
	channel_destroy(channel);
}

void heads_meet(struct heads *heads, int fd)
{
	channel_destroy(STEAL(heads->channel));
	if (channel_create(heads->loop, fd, PARTY_RECORDER, PARTY_WITNESS, on_message, on_gone,
		    heads, &heads->channel) < 0) {
		log_error("peer.lost", "no memory for a channel to the witness");
		fd_closep(&fd);
		return;
	}
	say_all(heads);
}
