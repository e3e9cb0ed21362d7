/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/renewal.h"

#include "base/error.h"
#include "base/mem.h"
#include "broker/call_inside.h"
#include "broker/context.h"

int renewal_ask(struct broker *broker, struct call *call, bool force,
	int (*resume)(struct broker *, struct call *, int))
{
	struct renewal *renewal = &broker->renewal;
	struct channel *supervisor = broker->process.supervisor;
	struct msg_reload question = { .force = force };

	if (renewal->call != NULL || broker->retiring)
		return -ERR_WRONG_MOMENT;
	renewal->serial = channel_serial(supervisor);
	int r = channel_send(
		supervisor, MSG_RELOAD_ASK, renewal->serial, &question, NULL, 0, NULL, 0);
	if (r < 0)
		return r;
	renewal->call = call;
	call_defer(call, resume);
	return -ERR_AGAIN;
}

const struct msg_reload_answer *renewal_answer(const struct broker *broker)
{
	return &broker->renewal.answer;
}

const struct msg_generations *renewal_generations(const struct broker *broker)
{
	return &broker->renewal.generations;
}

unsigned renewal_sessions(const struct broker *broker, uint32_t generation)
{
	unsigned count = 0;

	for (const struct session *session = broker->sessions.first; session != NULL;
		session = session->next)
		count += session->recorder != NULL &&
			 channel_generation(session->recorder) == generation;
	return count;
}

static int take_answer(struct broker *broker, struct message *message)
{
	struct renewal *renewal = &broker->renewal;
	struct call *call = STEAL(renewal->call);

	renewal->answer = *(const struct msg_reload_answer *)message->payload;
	if (!TEXT_VALID(renewal->answer.words))
		return -ERR_MALFORMED;
	if (call != NULL)
		call_resume(call, message->serial == renewal->serial ? 0 : -ERR_SYSTEM);
	return 0;
}

static int take_generations(struct broker *broker, const struct msg_generations *generations)
{
	bool valid = TEXT_VALID(generations->version) && TEXT_VALID(generations->words) &&
		     generations->count <= GENERATION_ROWS_MAX;

	for (unsigned i = 0; valid && i < generations->count; i++)
		valid = TEXT_VALID(generations->rows[i].version) &&
			generations->rows[i].party < PARTY_COUNT;
	if (!valid)
		return -ERR_MALFORMED;
	broker->renewal.generations = *generations;
	return 0;
}

int renewal_from_supervisor(struct broker *broker, struct message *message)
{
	return message->type == MSG_RELOAD_ANSWER ? take_answer(broker, message)
						  : take_generations(broker, message->payload);
}
