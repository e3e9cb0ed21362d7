/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/token.h"

#include <string.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/mem.h"
#include "vault/vault.h"

#define GRACE_MS 2000 /* the supervisor ends the program first */

static void forget(struct token *token)
{
	timer_cancel(STEAL(token->deadline));
	channel_destroy(STEAL(token->channel));
	guarded_destroy(STEAL(token->question));
	token->fn = NULL;
}

static void done(struct vault *vault, int r, const uint8_t *bytes, size_t len)
{
	vault->token.fn(vault, r, bytes, len);
	forget(&vault->token);
}

void token_cancel(struct vault *vault, int r)
{
	if (vault->token.fn != NULL)
		done(vault, r, NULL, 0);
}

static int on_answer(void *context, struct channel *channel, struct message *message)
{
	const struct msg_token_answer *answer = message->payload;
	int r = answer->result;
	if (r > 0 || (r == 0 && (answer->len == 0 || answer->len > sizeof answer->bytes)))
		r = -ERR_TOKEN_FAULT;
	done(context, r, answer->bytes, r == 0 ? answer->len : 0);
	return 0;
}

/* It died, or the supervisor ended it because its time was over. */
static void on_gone(void *context, struct channel *channel)
{
	done(context, -ERR_TOKEN_SILENT, NULL, 0);
}

static void on_deadline(void *context)
{
	struct vault *vault = context;
	vault->token.deadline = NULL;
	done(vault, -ERR_TOKEN_SILENT, NULL, 0);
}

static int question_make(
	struct token *token, bool wrap, const void *bytes, size_t len, bool automatic)
{
	if (len > sizeof token->question->bytes)
		return -ERR_TOO_LARGE;
	token->question = guarded_create(sizeof *token->question);
	if (token->question == NULL)
		return -ERR_SYSTEM;
	token->question->wrap = wrap;
	token->question->automatic = automatic;
	token->question->len = (uint16_t)len;
	memcpy(token->question->bytes, bytes, len);
	return 0;
}

int token_ask(struct vault *vault, bool wrap, const void *bytes, size_t len, int pin,
	uint32_t asker, token_fn *fn)
{
	struct token *token = &vault->token;
	struct channel *supervisor = vault->process.supervisor;
	struct msg_token_start start = { 0 };
	if (token->fn != NULL)
		return -ERR_AGAIN;
	int r = question_make(token, wrap, bytes, len, pin < 0);
	if (r < 0)
		return r;
	token->serial = channel_serial(supervisor);
	token->asker = asker;
	r = loop_after(vault->process.loop,
		1000 * (uint64_t)vault->process.settings.vault_token_timeout + GRACE_MS,
		on_deadline, vault, &token->deadline);
	if (r == 0)
		r = channel_send(supervisor, MSG_TOKEN_START, token->serial, &start, NULL, 0, &pin,
			pin >= 0);
	if (r < 0) {
		forget(token);
		return r;
	}
	token->fn = fn;
	return 0;
}

int token_started(struct vault *vault, struct message *message)
{
	struct token *token = &vault->token;
	int r = ((const struct msg_result *)message->payload)->result;
	if (token->fn == NULL || token->channel != NULL || message->serial != token->serial)
		return 0; /* the question was given up meanwhile */
	if (r == 0 && message->fd_count != 1)
		return -ERR_MALFORMED;
	if (r == 0)
		r = channel_create(vault->process.loop, message->fds[0], PARTY_VAULT, PARTY_TOKEN,
			on_answer, on_gone, vault, &token->channel);
	if (r == 0) {
		message->fds[0] = -1;
		r = channel_tell(token->channel, MSG_TOKEN_QUESTION, token->question);
	}
	if (r < 0)
		done(vault, r, NULL, 0);
	return 0;
}
