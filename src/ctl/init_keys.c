/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/init_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/settings.h"
#include "ctl/ask.h"
#include "wire/wire.h"

#define CREDENTIAL_ROOT_KEY "sallyport-root-key"
#define CREDENTIAL_TOKEN_PIN "sallyport-token-pin"
#define TOKEN_UID_OFFSET 5 /* as the supervisor starts it */
#define TOKEN_VARIABLES 16

enum source { FROM_FILE, FROM_PASSPHRASE, FROM_CREDENTIAL, FROM_TOKEN, FROM_UNKNOWN };

static enum source source_of(const struct cli *cli)
{
	static const char *const words[] = { "file", "passphrase", "systemd-credential", "pkcs11" };
	const char *word = cli_option(cli, "root-key", 0);

	if (word == NULL)
		return cli_option(cli, "passphrase-stdin", 0) != NULL ? FROM_PASSPHRASE : FROM_FILE;
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return (enum source)i;
	return FROM_UNKNOWN;
}

/* --- what is needed first ------------------------------------------------------------------- */

static int credential_open(const char *name)
{
	const char *path = getenv("CREDENTIALS_DIRECTORY");
	if (path == NULL || path[0] != '/')
		return -1;
	CLEANUP(fd_closep) int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return directory < 0 ? -1 : openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* What to put where: the key is made and encrypted before there is an installation. */
static int explain_credential(const struct cli *cli)
{
	static const char file[] = "/etc/credstore.encrypted/" CREDENTIAL_ROOT_KEY;

	cli_fail("there is no credential " CREDENTIAL_ROOT_KEY
		 " here (CREDENTIALS_DIRECTORY). Make one for this machine:");
	fprintf(stderr,
		"\n"
		"  mkdir -p -m 700 /etc/credstore.encrypted\n"
		"  head -c 32 /dev/urandom | systemd-creds encrypt --name=" CREDENTIAL_ROOT_KEY
		" - %s\n"
		"\n"
		"Make the installation with it, and give it to the service in the same way:\n"
		"\n"
		"  systemd-run --pipe --wait -p LoadCredentialEncrypted=" CREDENTIAL_ROOT_KEY
		":%s \\\n"
		"      sallyport --data ",
		file, file);
	show_text(stderr, cli->data);
	fprintf(stderr,
		" init --root-key systemd-credential\n"
		"\n"
		"  [Service]\n"
		"  LoadCredentialEncrypted=" CREDENTIAL_ROOT_KEY ":%s\n",
		file);
	return CLI_FAILED;
}

static int check_setting(const char *name, const char *value)
{
	char complaint[REASON_SIZE];
	struct settings settings;

	settings_defaults(&settings);
	if (value != NULL && settings_set(&settings, name, value, complaint) < 0)
		return cli_fail("%s", complaint);
	return CLI_OK;
}

static const char *const token_options[] = { "token-key", "token-module", "token-pin",
	"token-environment", "token-group" };
static const char *const token_settings[] = { "vault.token_key", "vault.token_module",
	"vault.token_pin", "vault.token_environment", "vault.token_group" };

static int check_token(struct cli *cli)
{
	int r = CLI_OK;

	if (cli_option(cli, "token-key", 0) == NULL)
		return cli_usage_error(cli, "--root-key pkcs11 needs --token-key");
	for (unsigned i = 0; r == CLI_OK && i < ARRAY_LEN(token_options); i++)
		r = check_setting(token_settings[i], cli_option(cli, token_options[i], 0));
	return r;
}

static int open_pin(const struct cli *cli, int *ret_fd)
{
	const char *pin = cli_option(cli, "token-pin", 0);

	if (pin == NULL || strcmp(pin, "ask") == 0)
		return ask_secret("PIN of the token: ", false, ret_fd);
	*ret_fd = strcmp(pin, "credential") == 0 ? credential_open(CREDENTIAL_TOKEN_PIN)
						 : open(pin, O_RDONLY | O_CLOEXEC);
	return *ret_fd >= 0 ? CLI_OK : cli_fail("the token's PIN: %s", strerror(errno));
}

int init_keys_open(struct cli *cli, int *ret_secret)
{
	int r = CLI_OK;

	*ret_secret = -1;
	switch (source_of(cli)) {
	case FROM_PASSPHRASE:
		return ask_secret("Passphrase: ", true, ret_secret);
	case FROM_CREDENTIAL:
		*ret_secret = credential_open(CREDENTIAL_ROOT_KEY);
		return *ret_secret < 0 ? explain_credential(cli) : CLI_OK;
	case FROM_TOKEN:
		r = check_token(cli);
		return r == CLI_OK ? open_pin(cli, ret_secret) : r;
	case FROM_UNKNOWN:
		return cli_usage_error(
			cli, "--root-key is file, passphrase, systemd-credential or pkcs11");
	default:
		return CLI_OK;
	}
}

int init_keys_settings(const struct cli *cli, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	if (source_of(cli) != FROM_TOKEN)
		return CLI_OK;
	len += (size_t)snprintf(out, size, "\n[vault]\n");
	for (unsigned i = 0; i < ARRAY_LEN(token_options) && len < size; i++) {
		const char *value = cli_option(cli, token_options[i], 0);
		if (value != NULL)
			len += (size_t)snprintf(out + len, size - len, "%s = %s\n",
				token_settings[i] + strlen("vault."), value);
	}
	return len < size ? CLI_OK : cli_fail("the options are too long");
}

/* --- the two programs ----------------------------------------------------------------------- */

/* Everything above `count` descriptors closed, those given at 3.. */
static void place(const int *fds, unsigned count)
{
	int high[4];

	for (unsigned i = 0; i < count; i++)
		high[i] = fcntl(fds[i] >= 0 ? fds[i] : STDERR_FILENO, F_DUPFD, 20);
	for (unsigned i = 0; i < count; i++) {
		dup2(high[i], (int)(3 + i));
		if (fds[i] < 0)
			close((int)(3 + i));
	}
	closefrom((int)(3 + count));
}

static void become_vault(enum source source, const int fds[3], int out)
{
	static const char *const words[] = { "root-key", "passphrase", "systemd-credential",
		"pkcs11" };
	char program[URL_SIZE * 2];

	program_path(program, sizeof program, "sallyport-vault");
	dup2(out, 1);
	place(fds, 3);
	execle(program, "sallyport-vault", "--init", words[source], (char *)NULL,
		(char *const[]){ NULL });
	_exit(127);
}

static void cut_environment(char *text, char *ret_environment[TOKEN_VARIABLES + 1])
{
	unsigned count = 0;
	char *rest = text;

	for (char *word; count < TOKEN_VARIABLES && (word = strsep(&rest, " ")) != NULL;)
		if (word[0] != '\0')
			ret_environment[count++] = word;
	ret_environment[count] = NULL;
}

/* The same nobody as later: what the token's module writes now, it reads then. */
static void become_token(const struct cli *cli, const int fds[2])
{
	static const char blank[] = "                                ";
	char program[URL_SIZE * 2], variables[URL_SIZE] = "", *environment[TOKEN_VARIABLES + 1];
	const char *module = cli_option(cli, "token-module", 0);
	const char *values = cli_option(cli, "token-environment", 0);
	const char *group = cli_option(cli, "token-group", 0);
	gid_t gid = group != NULL ? (gid_t)strtoul(group, NULL, 10) : 0;
	struct settings settings;

	settings_defaults(&settings);
	program_path(program, sizeof program, "sallyport-token");
	text_copy(variables, sizeof variables, values != NULL ? values : "");
	cut_environment(variables, environment);
	place(fds, 2);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	unsigned uid = (unsigned)settings.gateway_uid_base + TOKEN_UID_OFFSET;
	if (geteuid() == 0 && (setgroups(gid != 0, &gid) < 0 || setresgid(uid, uid, uid) < 0 ||
				      setresuid(uid, uid, uid) < 0))
		_exit(126);
	execle(program, "sallyport-token", module != NULL ? module : "",
		cli_option(cli, "token-key", 0), blank, (char *)NULL, environment);
	_exit(127);
}

/* --- bringing them together ----------------------------------------------------------------- */

static int start_token(const struct cli *cli, int *secret, int *ret_channel, pid_t *ret_pid)
{
	int ends[2];

	if (wire_pair(SOCK_SEQPACKET, ends) < 0)
		return cli_fail("%s", strerror(errno));
	*ret_pid = fork();
	if (*ret_pid == 0)
		become_token(cli, (const int[]){ ends[1], *secret });
	close(ends[1]);
	fd_closep(secret); /* the PIN is the token's alone */
	*ret_channel = ends[0];
	return *ret_pid > 0 ? CLI_OK : cli_fail("%s", strerror(errno));
}

static size_t read_pem(int from, char *pem, size_t size)
{
	size_t len = 0;

	for (ssize_t got; len < size && (got = read(from, pem + len, size - len)) > 0;)
		len += (size_t)got;
	return len;
}

static int run_vault(enum source source, const int fds[3], char *pem, size_t size, size_t *ret_len)
{
	int ends[2], status = -1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return cli_fail("%s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		become_vault(source, fds, ends[1]);
	close(ends[1]);
	*ret_len = read_pem(ends[0], pem, size);
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0 || *ret_len == 0 ||
		*ret_len == size)
		return cli_fail("the vault could not be made");
	return CLI_OK;
}

int init_keys_make(
	struct cli *cli, int directory, int secret, char *pem, size_t size, size_t *ret_len)
{
	CLEANUP(fd_closep)
	int vault = openat(directory, "vault", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_closep) int given = secret;
	CLEANUP(fd_closep) int channel = -1;
	enum source source = source_of(cli);
	pid_t token = 0;
	int r = CLI_OK;

	if (vault < 0)
		return cli_fail("vault: %s", strerror(errno));
	if (source == FROM_TOKEN)
		r = start_token(cli, &given, &channel, &token);
	if (r == CLI_OK)
		r = run_vault(source, (const int[]){ vault, given, channel }, pem, size, ret_len);
	fd_closep(&channel);
	if (token > 0)
		waitpid(token, NULL, 0);
	return r;
}
