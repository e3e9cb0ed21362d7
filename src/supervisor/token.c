/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/token.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "supervisor/credential.h"
#include "supervisor/spawn.h"

static void on_deadline(void *context)
{
	struct supervisor *supervisor = context;

	supervisor->token.deadline = NULL;
	log_warning("token.silent", "the token did not answer in %lld seconds",
		(long long)supervisor->settings.vault_token_timeout);
	kill(supervisor->token.pid, SIGKILL);
}

/* Ended and forgotten: who it was does not matter when it is reaped. */
static void token_end(struct token_errand *token)
{
	timer_cancel(STEAL(token->deadline));
	if (token->pid != 0)
		kill(token->pid, SIGKILL);
	token->pid = 0;
}

bool token_reaped(struct supervisor *supervisor, pid_t pid, int status)
{
	struct token_errand *token = &supervisor->token;

	if (token->pid == 0 || token->pid != pid)
		return false;
	timer_cancel(STEAL(token->deadline));
	token->pid = 0;
	if (WIFSIGNALED(status))
		log_warning("token.died", "signal %d", WTERMSIG(status));
	return true;
}

/* Where the settings say, when nobody typed it. */
static int pin_open(const struct supervisor *supervisor, int *ret_pin)
{
	const char *from = supervisor->settings.vault_token_pin;
	int given = supervisor->place.token_pin;

	if (strcmp(from, "ask") == 0)
		return -ERR_PIN_WANTED;
	if (strcmp(from, "credential") != 0)
		*ret_pin = credential_open_file(from);
	else if (lseek(given, 0, SEEK_SET) == 0) /* each reads it from its start */
		*ret_pin = fcntl(given, F_DUPFD_CLOEXEC, 0);
	return *ret_pin < 0 ? -ERR_PIN_MISSING : 0;
}

static int run(struct supervisor *supervisor, int pin, int *ret_end)
{
	struct token_errand *token = &supervisor->token;
	int ends[2];
	int r = wire_pair(SOCK_SEQPACKET, ends);
	if (r < 0)
		return r;
	token->pid = spawn_token(supervisor, (const int[]){ ends[1], pin });
	close(ends[1]);
	if (token->pid > 0 && loop_after(supervisor->loop,
				      1000 * (uint64_t)supervisor->settings.vault_token_timeout,
				      on_deadline, supervisor, &token->deadline) == 0) {
		*ret_end = ends[0];
		return 0;
	}
	close(ends[0]);
	if (token->pid < 0)
		token->pid = 0;
	token_end(token);
	return -ERR_SYSTEM;
}

static int begin(struct supervisor *supervisor, struct message *message, int *ret_end)
{
	CLEANUP(fd_closep) int pin = -1;

	if (supervisor->settings.vault_token_key[0] == '\0')
		return -ERR_TOKEN_UNSET;
	token_end(&supervisor->token); /* of a vault that is gone: this one asks once at a time */
	int r = message->fd_count == 1 ? 0 : pin_open(supervisor, &pin);
	if (r == 0 && message->fd_count == 1)
		pin = STEAL_FD(message->fds[0]);
	return r < 0 ? r : run(supervisor, pin, ret_end);
}

int token_start(struct supervisor *supervisor, struct channel *vault, struct message *message)
{
	CLEANUP(fd_closep) int end = -1;
	struct msg_result result = { begin(supervisor, message, &end) };

	return channel_send(
		vault, MSG_TOKEN_STARTED, message->serial, &result, NULL, 0, &end, end >= 0);
}
