/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/settings.h"
#include "ctl/certificate.h"
#include "ctl/init_keys.h"
#include "store/store.h"

#define PEM_MAX 4096
#define SETTINGS_MAX 4096
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:"

static int make_file(int directory, const char *name, mode_t mode)
{
	int fd =
		openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fchmod(fd, mode) < 0)
		cli_fail("%s: %s", name, strerror(errno));
	return fd;
}

static int write_all(int fd, const char *text, size_t len)
{
	for (ssize_t put; len > 0; text += put, len -= (size_t)put)
		if ((put = write(fd, text, len)) < 0)
			return -1;
	return fsync(fd);
}

/* "https://gate.example:8443/" -> "gate.example"; without a URL the certificate is for localhost.
 */
static void host_of(const char *url, char out[HOSTNAME_SIZE])
{
	const char *host = url != NULL ? strstr(url, "://") : NULL;
	size_t len = 0;

	if (host != NULL) {
		host += 3;
		bool bracket = *host == '[';
		host += bracket;
		len = strcspn(host, bracket ? "]/" : ":/");
	}
	if (len == 0 || text_copy_len(out, HOSTNAME_SIZE, host, len) < 0)
		text_copy(out, HOSTNAME_SIZE, "localhost");
}

static int write_certificate(int directory, const char *url)
{
	char host[HOSTNAME_SIZE];
	CLEANUP(fd_closep) int key = make_file(directory, "tls/key.pem", 0600);
	CLEANUP(fd_closep) int certificate = make_file(directory, "tls/cert.pem", 0644);

	host_of(url, host);
	if (key < 0 || certificate < 0)
		return CLI_FAILED;
	if (certificate_make(host, key, certificate) < 0 || fsync(key) < 0 ||
		fsync(certificate) < 0)
		return cli_fail("no certificate could be made for %s", host);
	return CLI_OK;
}

/* Checked before anything is made: the same command with better words then works. */
static int check_names(const char *tenant, const char *url, const char *store)
{
	char complaint[REASON_SIZE], host[HOSTNAME_SIZE];
	struct settings settings;

	settings_defaults(&settings);
	if (store != NULL && settings_set(&settings, "gateway.store", store, complaint) < 0)
		return cli_fail("%s", complaint);
	if (store != NULL && store_where_check(store) < 0)
		return cli_fail("not sqlite or postgresql://USER@HOST/DATABASE without a password, "
				"which belongs into the file store/pgpass");
	if (tenant != NULL && settings_set(&settings, "gateway.tenant", tenant, complaint) < 0)
		return cli_fail("%s", complaint);
	if (url != NULL && settings_set(&settings, "gateway.public_url", url, complaint) < 0)
		return cli_fail("%s", complaint);
	host_of(url, host);
	if (strspn(host, HOST_CHARACTERS) != strlen(host)) /* a comma would certify others too */
		return cli_fail("the public URL must name a host or an address");
	return CLI_OK;
}

static int write_settings(const struct cli *cli, int directory, const char *tenant, const char *url)
{
	const char *store = cli_option(cli, "store", 0);
	char text[SETTINGS_MAX], keys[SETTINGS_MAX];

	if (init_keys_settings(cli, keys, sizeof keys) != CLI_OK)
		return CLI_FAILED;
	int len = snprintf(text, sizeof text,
		"# Settings of this installation; sallyport.conf(5) explains them, sallyport "
		"settings lists them.\n"
		"[gateway]\ntenant = %s\n%s%s%s%s%s%s%s",
		tenant != NULL ? tenant : "Sallyport", url != NULL ? "public_url = " : "",
		url != NULL ? url : "", url != NULL ? "\n" : "", store != NULL ? "store = " : "",
		store != NULL ? store : "", store != NULL ? "\n" : "", keys);
	CLEANUP(fd_closep) int fd = make_file(directory, "sallyport.conf", 0644);

	return fd >= 0 && write_all(fd, text, (size_t)len) == 0 ? CLI_OK : CLI_FAILED;
}

static int make_keys(struct cli *cli, int directory, int secret)
{
	char pem[PEM_MAX];
	size_t len;
	int r = init_keys_make(cli, directory, secret, pem, sizeof pem, &len);

	if (r != CLI_OK)
		return r;
	CLEANUP(fd_closep) int fd = make_file(directory, "installation.pem", 0644);
	return fd >= 0 && write_all(fd, pem, len) == 0 ? CLI_OK : CLI_FAILED;
}

int become_owner(int directory)
{
	struct stat owner;

	if (geteuid() != 0)
		return 0;
	if (fstat(directory, &owner) < 0)
		return -1;
	if (owner.st_uid == 0)
		return 0;
	return setgroups(0, NULL) | setresgid(owner.st_gid, owner.st_gid, owner.st_gid) |
	       setresuid(owner.st_uid, owner.st_uid, owner.st_uid);
}

static int make_directories(const char *data, int *ret_directory)
{
	static const char *const names[] = { "tls", "vault", "store", "recordings" };

	if (mkdir(data, 0700) < 0 && errno != EEXIST)
		return cli_fail("%s: %s", data, strerror(errno));
	*ret_directory = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_directory < 0 || become_owner(*ret_directory) < 0)
		return cli_fail("%s: %s", data, strerror(errno));
	if (faccessat(*ret_directory, "sallyport.conf", F_OK, 0) == 0)
		return cli_fail("%s: there is an installation already", data);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (mkdirat(*ret_directory, names[i], 0700) < 0)
			return cli_fail("%s/%s: %s", data, names[i], strerror(errno));
	return CLI_OK;
}

/* All of it was made a moment ago: with better words the same command then works. */
static void take_back(int directory)
{
	static const char *const files[] = { "tls/key.pem", "tls/cert.pem", "vault/root.key",
		"vault/keyring", "installation.pem", "sallyport.conf" };
	static const char *const names[] = { "tls", "vault", "store", "recordings" };

	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		unlinkat(directory, files[i], 0);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(directory, names[i], AT_REMOVEDIR);
}

/* Once the directories are made. */
static int fill(struct cli *cli, int directory, int secret, const char *tenant, const char *url)
{
	int r = write_certificate(directory, url);

	if (r == CLI_OK)
		r = make_keys(cli, directory, STEAL_FD(secret));
	fd_closep(&secret);
	if (r == CLI_OK) /* last: its presence means the installation is whole */
		r = write_settings(cli, directory, tenant, url);
	if (r != CLI_OK)
		take_back(directory);
	return r;
}

static int init(struct cli *cli)
{
	CLEANUP(fd_closep) int directory = -1;
	CLEANUP(fd_closep) int secret = -1;
	const char *tenant = cli_option(cli, "tenant", 0), *url = cli_option(cli, "public-url", 0);

	umask(0077);
	int r = check_names(tenant, url, cli_option(cli, "store", 0));
	if (r == CLI_OK)
		r = init_keys_open(cli, &secret);
	if (r == CLI_OK)
		r = make_directories(cli->data, &directory);
	if (r == CLI_OK)
		r = fill(cli, directory, STEAL_FD(secret), tenant, url);
	if (r == CLI_OK && cli->json)
		show_json(json_pack("{s:s}", "data", cli->data));
	else if (r == CLI_OK)
		printf("Made an installation in %s. Start it with: sallyport --data %s serve\n",
			cli->data, cli->data);
	return r;
}

const struct command command_init = {
	.words = "init",
	.takes = "",
	.sentence = "Make a new installation: keys, certificate, settings",
	.options = (const struct option_row[]){ { "tenant", NULL, OPTION_TEXT, "NAME",
							"name printed as tenant in every answer" },
		{ "public-url", NULL, OPTION_TEXT, "https://HOST[:PORT]",
			"where people reach the gateway" },
		{ "store", NULL, OPTION_TEXT, "postgresql://USER@HOST/DATABASE",
			"where facts are kept; in files of the installation unless said" },
		{ "root-key", NULL, OPTION_TEXT, "file|passphrase|systemd-credential|pkcs11",
			"what opens the vault; file unless said" },
		{ "passphrase-stdin", NULL, OPTION_FLAG, NULL, "short for --root-key passphrase" },
		{ "token-key", NULL, OPTION_TEXT, "pkcs11:token=..;object=..",
			"pkcs11: the token and its key, made if there is none" },
		{ "token-module", NULL, OPTION_TEXT, "FILE",
			"pkcs11: the module; else those p11-kit knows" },
		{ "token-pin", NULL, OPTION_TEXT, "ask|credential|FILE",
			"pkcs11: where the PIN comes from; ask unless said" },
		{ "token-environment", NULL, OPTION_TEXT, "NAME=VALUE",
			"pkcs11: what the module reads from its environment" },
		{ "token-group", NULL, OPTION_TEXT, "GID",
			"pkcs11: number of the group that may use the token" },
		{ 0 } },
	.run = init,
};
