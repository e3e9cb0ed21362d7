/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/head.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"
#include "wire/head.h"

int head_create(struct head *head)
{
	*head = (struct head){ .refused = -ERR_PEER_GONE };
	if (sodium_init() < 0)
		return -ERR_SYSTEM;
	crypto_sign_keypair(head->newest.signer.public_key, head->secret_key);
	return 0;
}

void head_destroy(struct head *head)
{
	mem_wipe(head, sizeof *head);
}

int head_seal(struct broker *broker)
{
	struct head *head = &broker->head;
	struct audit_head *newest = &head->newest;
	int r = 0;

	head->fresh = broker->audit.sequence != broker->turn.before.sequence;
	if (!head->fresh)
		return 0;
	newest->sequence = broker->audit.sequence;
	newest->at = clock_wall_ms();
	memcpy(newest->hash, broker->audit.hash, HASH_LEN);
	memcpy(newest->signer.trail, broker->audit.trail, HASH_LEN);
	audit_head_sign(newest, head->secret_key);
	if (!head->stored)
		r = store_signer_add(broker->store, &newest->signer, newest->at, &head->signer);
	return r < 0 ? r : store_head_add(broker->store, newest, head->signer);
}

void head_committed(struct broker *broker, uint64_t mark)
{
	struct head *head = &broker->head;

	if (!head->fresh)
		return;
	head->stored = true;
	if (head->ahead_count == HEADS_AHEAD) /* told with the next: a head covers those before */
		head->ahead_count--;
	head->ahead[head->ahead_count].mark = mark;
	head->ahead[head->ahead_count++].head = head->newest;
}

void head_durable(struct broker *broker, uint64_t mark)
{
	struct head *head = &broker->head;
	unsigned count = 0;

	while (count < head->ahead_count && head->ahead[count].mark <= mark)
		count++;
	if (count == 0)
		return;
	head->durable = head->ahead[count - 1].head;
	head->ahead_count -= count;
	memmove(&head->ahead[0], &head->ahead[count], head->ahead_count * sizeof head->ahead[0]);
	witness_tell(broker);
}

void head_ask(struct broker *broker)
{
	struct head *head = &broker->head;
	struct msg_broker_certify question;
	uint64_t now = clock_monotonic_ms();

	if (head->newest.signer.certified || !head->stored || broker->vault == NULL ||
		(head->asked_at != 0 && now - head->asked_at < HEAD_ASK_MS))
		return;
	head->asked_at = now;
	memset(&question, 0, sizeof question);
	memcpy(question.public_key, head->newest.signer.public_key, sizeof question.public_key);
	memcpy(question.trail, head->newest.signer.trail, sizeof question.trail);
	channel_tell(broker->vault, MSG_BROKER_CERTIFY, &question);
}

static void after_certified(struct broker *broker, void *context, int result)
{
	struct head *head = &broker->head;

	(void)context;
	early_over(broker);
	if (result < 0) {
		head->refused = result; /* asked again */
		return;
	}
	head->newest.signer.certified = head->durable.signer.certified = true;
	memcpy(head->durable.signer.certificate, head->newest.signer.certificate,
		sizeof head->durable.signer.certificate);
	head->refused = 0;
}

/* The word of the vault is kept, and is itself on record. */
static int keep_certificate(struct broker *broker, const struct msg_broker_certified *certified)
{
	CLEANUP(note_finish) struct note note;
	int r = turn_open(broker);

	note_begin(&note);
	json_hex(&note.json, "public_key", certified->public_key, sizeof certified->public_key);
	if (r == 0)
		r = store_signer_certified(broker->store, broker->head.signer,
			certified->certificate, clock_wall_ms());
	if (r == 0)
		r = audit_write(broker, "broker.certified", "gateway", NULL, "broker", 0, &note);
	return r;
}

void head_certified(struct broker *broker, const struct msg_broker_certified *certified)
{
	struct head *head = &broker->head;
	struct signer *signer = &head->newest.signer;

	/* The vault may have been asked twice before its first word was on disk. */
	if (signer->certified || head->refused == -ERR_AGAIN ||
		memcmp(certified->public_key, signer->public_key, sizeof signer->public_key) != 0)
		return;
	head->refused = certified->result;
	if (certified->result < 0) {
		early_over(broker);
		return;
	}
	head->refused = -ERR_AGAIN; /* until it is on disk */
	memcpy(signer->certificate, certified->certificate, sizeof signer->certificate);
	int r = keep_certificate(broker, certified);
	if (r < 0) {
		log_error("broker.certified", "%s", error_text(r));
		head->refused = r;
		early_over(broker);
		return;
	}
	turn_then(broker, after_certified, NULL);
}

int head_ready(const struct broker *broker)
{
	return broker->head.newest.signer.certified ? 0 : broker->head.refused;
}
