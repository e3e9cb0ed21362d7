/* SPDX-License-Identifier: Apache-2.0 */
/* Users, applications and authorizations: who may ask for a session, and on whose behalf. */
#include "ctl/commands.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })

const struct command command_user_add = {
	.words = "user add",
	.takes = "LOGIN",
	.sentence = "Register a person sessions can run for",
	.method = "POST",
	.path = "user/add",
	.params = PARAMS("login"),
	.done = "User %s added.",
	.options =
		(const struct option_row[]){
			{ "name", "name", OPTION_TEXT, "TEXT", "the person's full name" }, { 0 } },
};
const struct command command_user_list = {
	.words = "user list",
	.takes = "",
	.sentence = "List the registered people",
	.method = "GET",
	.path = "user/list",
	.options = list_options,
	.columns = (const struct column[]){ { "ID", "id" }, { "LOGIN", "login" },
		{ "NAME", "name" }, { "DISABLED", "disabled_at" }, { 0 } },
};
const struct command command_user_edit = {
	.words = "user edit",
	.takes = "LOGIN",
	.sentence = "Change what is known of a person; what is not named stays",
	.method = "POST",
	.path = "user/edit",
	.params = PARAMS("login"),
	.done = "User %s edited.",
	.options = (const struct option_row[]){ { "name", "name", OPTION_TEXT, "TEXT",
							"the person's full name" },
		{ "sessions", "sessions", OPTION_TEXT, "NUMBER|default",
			"sessions at once, 0 for any number; default: session.most_per_user" },
		{ "blocked", "blocked", OPTION_TEXT, "yes|no",
			"yes: no new sessions until no; running ones go on" },
		{ 0 } },
};
const struct command command_user_disable = {
	.words = "user disable",
	.takes = "LOGIN",
	.sentence = "Refuse new sessions for a person and end the running ones",
	.method = "POST",
	.path = "user/disable",
	.params = PARAMS("login"),
	.done = "User %s disabled.",
};
const struct command command_user_enable = {
	.words = "user enable",
	.takes = "LOGIN",
	.sentence = "Let a disabled person work again",
	.method = "POST",
	.path = "user/enable",
	.params = PARAMS("login"),
	.done = "User %s enabled.",
};

const struct command command_application_add = {
	.words = "application add",
	.takes = "NAME",
	.sentence = "Register an application that calls the API",
	.method = "POST",
	.path = "application/add",
	.params = PARAMS("name"),
	.done = "Application %s added.",
	.options =
		(const struct option_row[]){ { "auth", "auth", OPTION_TEXT, "oauth2|oauth1",
						     "how it authenticates; oauth2 unless said" },
			{ 0 } },
};
const struct command command_application_list = {
	.words = "application list",
	.takes = "",
	.sentence = "List the applications",
	.method = "GET",
	.path = "application/list",
	.columns = (const struct column[]){ { "ID", "id" }, { "NAME", "name" }, { "AUTH", "auth" },
		{ "DISABLED", "disabled_at" }, { 0 } },
};
const struct command command_application_disable = {
	.words = "application disable",
	.takes = "NAME",
	.sentence = "Refuse an application's calls and end its sessions",
	.method = "POST",
	.path = "application/disable",
	.params = PARAMS("name"),
	.done = "Application %s disabled.",
};
const struct command command_application_enable = {
	.words = "application enable",
	.takes = "NAME",
	.sentence = "Let a disabled application call again",
	.method = "POST",
	.path = "application/enable",
	.params = PARAMS("name"),
	.done = "Application %s enabled.",
};

/* The OAuth 1.0 secrets come out of the vault through this memory file, past everyone else. */
static int take_secrets(struct cli *cli, json_t *entity)
{
	char text[512] = { 0 };
	ssize_t got = pread(cli->fds[1], text, sizeof text - 1, 0);
	char *second = got > 0 ? strchr(text, '\n') : NULL;

	if (second == NULL)
		return CLI_OK; /* OAuth 2: the secret is in the answer */
	*second++ = '\0';
	second[strcspn(second, "\n")] = '\0';
	json_object_set_new(entity, "consumer_secret", json_string(text));
	json_object_set_new(entity, "token_secret", json_string(second));
	mem_wipe(text, sizeof text);
	return CLI_OK;
}

static int authorization_add(struct cli *cli)
{
	json_t *entity = NULL;

	cli->fds[1] = memfd_create("secrets", MFD_CLOEXEC);
	int r = client_entity(cli, "POST", "authorization/add", &entity);
	if (r == CLI_OK)
		r = take_secrets(cli, entity);
	fd_closep(&cli->fds[1]);
	if (r == CLI_OK && cli->json)
		show_json(entity);
	else if (r == CLI_OK) {
		show_object(entity);
		fputs("The secret is shown this once.\n", stderr);
	}
	json_decref(entity);
	return r;
}

const struct command command_authorization_add = {
	.words = "authorization add",
	.takes = "",
	.sentence = "Give an application rights; prints its keys once",
	.options = (const struct option_row[]){ { "application", "application", OPTION_TEXT, "NAME",
							"whose rights", true },
		{ "resource", "resource", OPTION_TEXT, "NAME:r|rw[,..]",
			"web-proxy-session, pam-core, users, ..", true },
		{ "credential", "credentials", OPTION_LIST, "USER@HOST",
			"a credential it may use; may be repeated" },
		{ "ip", "ip", OPTION_TEXT, "LIST",
			"addresses or networks it may call from; any unless said" },
		{ "referer", "referer", OPTION_TEXT, "LIST",
			"HTTP referers it must send; any unless said" },
		{ "fingerprint", "fingerprint", OPTION_TEXT, "SHA256",
			"the client certificate its calls must come with" },
		{ "expires", "expires", OPTION_TEXT, "TIME",
			"when it ends, as 2027-01-31 or 2027-01-31T18:00:00Z" },
		{ 0 } },
	.run = authorization_add,
};
const struct command command_authorization_list = {
	.words = "authorization list",
	.takes = "",
	.sentence = "List what applications may do",
	.method = "GET",
	.path = "authorization/list",
	.columns = (const struct column[]){ { "ID", "id" }, { "APPLICATION", "application" },
		{ "AUTH", "auth" }, { "RESOURCES", "resources" }, { "IPS", "ips" },
		{ "EXPIRES", "expires_at" }, { "DISABLED", "disabled_at" }, { 0 } },
};
const struct command command_authorization_edit = {
	.words = "authorization edit",
	.takes = "ID",
	.sentence = "Change an authorization's rights and limits; what is not named stays",
	.method = "POST",
	.path = "authorization/edit",
	.params = PARAMS("id"),
	.done = "Authorization %s edited.",
	.options = (const struct option_row[]){ { "resource", "resource", OPTION_TEXT,
							"NAME:r|rw[,..]",
							"all it may do from now on" },
		{ "ip", "ip", OPTION_TEXT, "LIST", "addresses or networks it may call from, or *" },
		{ "referer", "referer", OPTION_TEXT, "LIST", "HTTP referers it must send" },
		{ "fingerprint", "fingerprint", OPTION_TEXT, "SHA256|none",
			"the client certificate its calls must come with" },
		{ "expires", "expires", OPTION_TEXT, "TIME|never", "when it ends" }, { 0 } },
};
const struct option_row credentials_options[] = {
	{ "credential", "credentials", OPTION_LIST, "USER@HOST", "which; may be repeated", true },
	{ 0 },
};
const struct command command_authorization_cover = {
	.words = "authorization cover",
	.takes = "ID",
	.sentence = "Let an authorization use further credentials",
	.method = "POST",
	.path = "authorization/cover",
	.params = PARAMS("id"),
	.done = "Authorization %s covers them.",
	.options = credentials_options,
};
const struct command command_authorization_uncover = {
	.words = "authorization uncover",
	.takes = "ID",
	.sentence = "Take credentials from an authorization and end its sessions with them",
	.method = "POST",
	.path = "authorization/uncover",
	.params = PARAMS("id"),
	.done = "Authorization %s does not cover them any more.",
	.options = credentials_options,
};
const struct command command_authorization_disable = {
	.words = "authorization disable",
	.takes = "ID",
	.sentence = "Withdraw an authorization and end its sessions",
	.method = "POST",
	.path = "authorization/disable",
	.params = PARAMS("id"),
	.done = "Authorization %s disabled.",
};
const struct command command_authorization_enable = {
	.words = "authorization enable",
	.takes = "ID",
	.sentence = "Give a disabled authorization back",
	.method = "POST",
	.path = "authorization/enable",
	.params = PARAMS("id"),
	.done = "Authorization %s enabled.",
};
