/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "drivers/expect.h"
#include "drivers/ssh/ssh.h"

#define ROUNDS_MAX 8 /* of keyboard-interactive questions */

/* The secret has done its work, or never will. */
static void forget_secret(struct ssh *ssh)
{
	secret_destroy(ssh->secret);
	ssh->secret = NULL;
}

static int refused(struct ssh *ssh)
{
	const struct worker_birth *birth = worker_birth(ssh->worker);

	return worker_end(ssh->worker, -ERR_LOGIN_REFUSED, -1, "%s refused the login as %s.",
		birth->target, birth->username);
}

/* What a login step leads to: the same for every method. */
static int result(struct ssh *ssh, int r)
{
	if (r == SSH_AUTH_AGAIN)
		return STEP_WAIT;
	if (r != SSH_AUTH_INFO)
		forget_secret(ssh);
	switch (r) {
	case SSH_AUTH_SUCCESS:
		ssh->step = STEP_CHANNEL;
		return STEP_GO;
	case SSH_AUTH_DENIED:
		return refused(ssh);
	case SSH_AUTH_PARTIAL:
		return worker_end(ssh->worker, -ERR_LOGIN_REFUSED, -1,
			"%s wants a second proof that the vault does not hold.",
			worker_birth(ssh->worker)->target);
	default:
		return ssh_fault(ssh, "login");
	}
}

/* "none" is how a client asks which logins there are. A target without any lock lets it in. */
int step_methods(struct ssh *ssh)
{
	int r = ssh_userauth_none(ssh->session, NULL);

	if (r == SSH_AUTH_DENIED || r == SSH_AUTH_PARTIAL) {
		ssh->step = STEP_VAULT;
		return STEP_GO;
	}
	return result(ssh, r);
}

static const char *method_names(int methods)
{
	if (methods & SSH_AUTH_METHOD_PUBLICKEY)
		return methods & (SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_INTERACTIVE)
			       ? "passwords and keys"
			       : "keys";
	if (methods & (SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_INTERACTIVE))
		return "passwords";
	return "neither passwords nor keys";
}

int step_vault(struct ssh *ssh)
{
	const struct worker_birth *birth = worker_birth(ssh->worker);
	int methods = ssh_userauth_list(ssh->session, NULL);

	if (!ssh->agreed)
		return STEP_WAIT;
	if (birth->kind == SECRET_SSH_KEY && (methods & SSH_AUTH_METHOD_PUBLICKEY)) {
		ssh->agent = worker_agent(ssh->worker);
		ssh_set_agent_socket(ssh->session, ssh->agent);
		ssh->step = STEP_KEY;
		return STEP_GO;
	}
	if (birth->kind == SECRET_PASSWORD && (methods & SSH_AUTH_METHOD_PASSWORD)) {
		ssh->step = STEP_PASSWORD;
		return STEP_GO;
	}
	if (birth->kind == SECRET_PASSWORD && (methods & SSH_AUTH_METHOD_INTERACTIVE)) {
		ssh->step = STEP_INTERACTIVE;
		return STEP_GO;
	}
	forget_secret(ssh);
	return worker_end(ssh->worker, -ERR_LOGIN_REFUSED, -1,
		"%s accepts %s; the stored credential is a %s.", birth->target,
		method_names(methods), birth->kind == SECRET_SSH_KEY ? "key" : "password");
}

int step_password(struct ssh *ssh)
{
	/* Asked again while waiting, the library only looks for the answer. */
	int r = ssh_userauth_password(
		ssh->session, NULL, ssh->secret != NULL ? secret_reveal(ssh->secret) : "");

	forget_secret(ssh);
	return result(ssh, r);
}

static int unanswerable(struct ssh *ssh, const char *prompt)
{
	forget_secret(ssh);
	return worker_end(ssh->worker, -ERR_LOGIN_REFUSED, -1,
		"%s asks \"%.80s\", which the vault has no answer to.",
		worker_birth(ssh->worker)->target, prompt);
}

/* Answers one round of questions, or ends the session: the secret goes to a password prompt, once.
 */
static int answer(struct ssh *ssh)
{
	int count = ssh_userauth_kbdint_getnprompts(ssh->session);

	if (++ssh->rounds > ROUNDS_MAX)
		return refused(ssh);
	for (int i = 0; i < count; i++) {
		char echo = 1;
		const char *prompt =
			ssh_userauth_kbdint_getprompt(ssh->session, (unsigned)i, &echo);

		if (prompt == NULL)
			return -ERR_PROTOCOL_FAULT;
		if (echo || !expect_password_prompt(prompt, strlen(prompt)))
			return unanswerable(ssh, prompt);
		if (ssh->secret_used)
			return refused(ssh);
		ssh->secret_used = true;
		if (ssh_userauth_kbdint_setanswer(
			    ssh->session, (unsigned)i, secret_reveal(ssh->secret)) < 0)
			return -ERR_SYSTEM;
		forget_secret(ssh);
	}
	return 0;
}

int step_interactive(struct ssh *ssh)
{
	int r = ssh_userauth_kbdint(ssh->session, NULL, NULL);

	if (r != SSH_AUTH_INFO)
		return r == SSH_AUTH_AGAIN ? STEP_WAIT : result(ssh, r);
	r = answer(ssh);
	return r < 0 ? r : STEP_GO;
}

/*
 * The library would hold the agent to the end of the session, and the vault would hold the key as
 * long: closed here, it is forgotten there.
 */
static void let_agent_go(struct ssh *ssh)
{
	ssh_set_agent_socket(ssh->session, SSH_INVALID_SOCKET);
	fd_closep(&ssh->agent);
}

int step_key(struct ssh *ssh)
{
	int r = ssh_userauth_agent(ssh->session, NULL);

	if (r == SSH_AUTH_AGAIN)
		return STEP_WAIT;
	let_agent_go(ssh);
	return result(ssh, r);
}
