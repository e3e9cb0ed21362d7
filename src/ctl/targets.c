/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, their host keys, and the credentials that log in there. */
#include "ctl/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What may be said of a device, new or not. */
#define DESCRIPTION                                                                                \
	{ "domain", "domain", OPTION_TEXT, "NAME", "the domain it belongs to" },                   \
		{ "any-port", "any_port", OPTION_FLAG, NULL,                                       \
			"callers may name ports that are not listed" },                            \
		{ "model", "model", OPTION_TEXT, "TEXT", "its model" },                            \
		{ "vendor", "vendor", OPTION_TEXT, "TEXT", "who made it" },                        \
		{ "type", "type", OPTION_TEXT, "TEXT", "what kind of device it is" },              \
		{ "site", "site", OPTION_TEXT, "TEXT", "where it stands" },                        \
	{                                                                                          \
		"tags", "tags", OPTION_TEXT, "TEXT", "words to find it by"                         \
	}

const struct command command_device_add = {
	.words = "device add",
	.takes = "HOSTNAME",
	.sentence = "Register a device sessions can reach",
	.method = "POST",
	.path = "device/add",
	.params = PARAMS("hostname"),
	.done = "Device %s added. Pin its host key with: sallyport device trust",
	.options = (const struct option_row[]){ { "ip", "ip", OPTION_TEXT, "ADDRESS",
							"its IPv4 or IPv6 address", true },
		{ "connectivity", "connectivity", OPTION_TEXT, "SSH:22[,TELNET:23..]",
			"what it speaks, and where", true },
		DESCRIPTION, { 0 } },
};
const struct command command_device_edit = {
	.words = "device edit",
	.takes = "HOSTNAME",
	.sentence = "Change what is known of a device",
	.method = "POST",
	.path = "device/edit",
	.params = PARAMS("hostname"),
	.done = "Device %s changed.",
	.options = (const struct option_row[]){ { "ip", "ip", OPTION_TEXT, "ADDRESS",
							"its IPv4 or IPv6 address" },
		{ "connectivity", "connectivity", OPTION_TEXT, "SSH:22[,TELNET:23..]",
			"what it speaks, and where; in place of what was listed" },
		DESCRIPTION, { 0 } },
};
const struct command command_device_disable = {
	.words = "device disable",
	.takes = "HOSTNAME",
	.sentence = "Withdraw a device and its credentials; its sessions end",
	.method = "POST",
	.path = "device/disable",
	.params = PARAMS("hostname"),
	.done = "Device %s disabled.",
};
const struct command command_device_enable = {
	.words = "device enable",
	.takes = "HOSTNAME",
	.sentence = "Give a disabled device back, not its credentials",
	.method = "POST",
	.path = "device/enable",
	.params = PARAMS("hostname"),
	.done = "Device %s enabled.",
};
const struct command command_domain_add = {
	.words = "domain add",
	.takes = "NAME",
	.sentence = "Register a domain devices and credentials may name",
	.method = "POST",
	.path = "domain/add",
	.params = PARAMS("name"),
	.done = "Domain %s added.",
};
const struct command command_domain_list = {
	.words = "domain list",
	.takes = "",
	.sentence = "List the registered domains",
	.method = "GET",
	.path = "domain/list",
	.options = list_options,
	.columns = (const struct column[]){ { "ID", "id" }, { "NAME", "name" }, { 0 } },
};
const struct command command_device_list = {
	.words = "device list",
	.takes = "",
	.sentence = "List the devices",
	.method = "GET",
	.path = "device/list",
	.options = list_options,
	.columns =
		(const struct column[]){ { "ID", "id" }, { "HOSTNAME", "hostname" }, { "IP", "ip" },
			{ "CONNECTIVITY", "connectivity" }, { "HOST KEY", "host_key" }, { 0 } },
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* The words of a target are shown to a person: nothing in them may act on the terminal. */
static void say(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(FILE *out, const char *format, ...)
{
	char words[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	show_text(out, words);
	putc('\n', out);
}

static bool confirmed(struct cli *cli, const json_t *shown)
{
	char answer[16] = "";

	if (cli_option(cli, "yes", 0) != NULL)
		return true;
	say(stderr, "%s shows %s %s", cli_argument(cli, 0), text_of(shown, "algorithm"),
		text_of(shown, "fingerprint"));
	if (text_of(shown, "pinned")[0] != '\0' &&
		strcmp(text_of(shown, "pinned"), text_of(shown, "fingerprint")) != 0)
		say(stderr, "This is NOT the key pinned before: %s", text_of(shown, "pinned"));
	fputs("Compare it with the key on the device itself. Pin it? [y/N] ", stderr);
	return fgets(answer, sizeof answer, stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

/* What was shown is what is pinned: the second call names the fingerprint, nothing is fetched
 * again. */
static int device_trust(struct cli *cli)
{
	json_t *shown = NULL, *pinned = NULL;

	int r = client_entity(cli, "POST", "device/trust", &shown);
	if (r != CLI_OK)
		return r;
	if (!confirmed(cli, shown)) {
		json_decref(shown);
		return cli_fail("not pinned");
	}
	if (cli_param(cli, "algorithm", text_of(shown, "algorithm")) != CLI_OK ||
		cli_param(cli, "fingerprint", text_of(shown, "fingerprint")) != CLI_OK)
		r = CLI_FAILED;
	else
		r = client_entity(cli, "POST", "device/pin", &pinned);
	if (r == CLI_OK && cli->json)
		show_json(shown);
	else if (r == CLI_OK)
		say(stdout, "Pinned %s %s for %s.", text_of(shown, "algorithm"),
			text_of(shown, "fingerprint"), cli_argument(cli, 0));
	json_decref(shown);
	json_decref(pinned);
	return r;
}

const struct command command_device_trust = {
	.words = "device trust",
	.takes = "HOSTNAME",
	.sentence = "Fetch, show and pin a device's host key",
	.params = PARAMS("hostname"),
	.options =
		(const struct option_row[]){
			{ "protocol", "protocol", OPTION_TEXT, "SSH",
				"for which of its protocols; SSH unless said" },
			{ "yes", NULL, OPTION_FLAG, NULL, "pin without asking" }, { 0 } },
	.run = device_trust,
};

/* Adding and replacing differ in the path alone. */
static int credential_secret(struct cli *cli)
{
	const char *file = cli_option(cli, "ssh-key-file", 0);
	bool from_stdin = cli_option(cli, "password-stdin", 0) != NULL;

	if (cli_option(cli, "parent", 0) != NULL) {
		if (file != NULL || from_stdin)
			return cli_usage_error(cli, "a child has its parent's secret");
		int r = cli_param(cli, "kind", "password");
		return r == CLI_OK ? run_endpoint(cli) : r;
	}
	if ((file != NULL) == from_stdin)
		return cli_usage_error(cli, "give either --password-stdin or --ssh-key-file");
	if (from_stdin && isatty(STDIN_FILENO))
		return cli_usage_error(
			cli, "the password is read from standard input, not from the terminal");
	CLEANUP(fd_closep)
	int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	if (fd < 0)
		return cli_fail("%s: %s", file != NULL ? file : "standard input", strerror(errno));
	cli->fds[0] = fd;
	int r = cli_param(cli, "kind", file != NULL ? "ssh_key" : "password");
	return r == CLI_OK ? run_endpoint(cli) : r;
}

#define ACCOUNT_OPTIONS                                                                            \
	{ "device", "device", OPTION_TEXT, "HOSTNAME", "where it logs in", true },                 \
	{                                                                                          \
		"username", "username", OPTION_TEXT, "NAME", "the account there", true             \
	}
#define SECRET_OPTIONS                                                                             \
	{ "password-stdin", NULL, OPTION_FLAG, NULL, "read the password from standard input" },    \
	{                                                                                          \
		"ssh-key-file", NULL, OPTION_TEXT, "FILE",                                         \
			"a private key; it never leaves the vault again"                           \
	}
#define DOMAIN_OPTION                                                                              \
	{                                                                                          \
		"domain", "domain", OPTION_TEXT, "NAME", "the domain of the account"               \
	}
static const struct option_row secret_options[] = { ACCOUNT_OPTIONS, SECRET_OPTIONS, DOMAIN_OPTION,
	{ 0 } };
static const struct option_row add_options[] = {
	ACCOUNT_OPTIONS,
	SECRET_OPTIONS,
	{ "parent", "parent", OPTION_TEXT, "USER@HOST",
		"instead of a secret: the credential whose secret it uses" },
	DOMAIN_OPTION,
	{ 0 },
};
static const struct option_row edit_options[] = {
	ACCOUNT_OPTIONS,
	DOMAIN_OPTION,
	{ "policy", "policy", OPTION_TEXT, "NAME|none", "the policy it is under" },
	{ "parent", "parent", OPTION_TEXT, "USER@HOST|none",
		"the credential whose secret it uses" },
	{ "connect-as", "login", OPTION_TEXT, "USER@HOST|none",
		"the credential that logs in to the device for it" },
	{ "protocols", "protocols", OPTION_TEXT, "SSH,TELNET|all",
		"what it may be used with, of what its device speaks" },
	{ 0 },
};
static const struct option_row account_options[] = { ACCOUNT_OPTIONS, DOMAIN_OPTION, { 0 } };

const struct command command_credential_add = {
	.words = "credential add",
	.takes = "",
	.sentence = "Put a credential into the vault",
	.method = "POST",
	.path = "credential/add",
	.done = "Credential added.",
	.options = add_options,
	.run = credential_secret,
};
const struct command command_credential_replace = {
	.words = "credential replace",
	.takes = "",
	.sentence = "Give a credential a new secret",
	.method = "POST",
	.path = "credential/replace",
	.done = "Credential replaced.",
	.options = secret_options,
	.run = credential_secret,
};
const struct command command_credential_edit = {
	.words = "credential edit",
	.takes = "",
	.sentence = "Change how a credential is used; what is not named stays",
	.method = "POST",
	.path = "credential/edit",
	.done = "Credential edited.",
	.options = edit_options,
};
const struct command command_credential_disable = {
	.words = "credential disable",
	.takes = "",
	.sentence = "Withdraw a credential and end its sessions",
	.method = "POST",
	.path = "credential/disable",
	.done = "Credential disabled.",
	.options = account_options,
};
const struct command command_credential_enable = {
	.words = "credential enable",
	.takes = "",
	.sentence = "Give a disabled credential back",
	.method = "POST",
	.path = "credential/enable",
	.done = "Credential enabled.",
	.options = account_options,
};
const struct command command_credential_list = {
	.words = "credential list",
	.takes = "",
	.sentence = "List the credentials, never their secrets",
	.method = "GET",
	.path = "credential/list",
	.columns = (const struct column[]){ { "ID", "id" }, { "USERNAME", "username" },
		{ "DEVICE", "device" }, { "KIND", "kind" }, { "VERSION", "version" },
		{ "LAST USED", "last_used_at" }, { 0 } },
};
