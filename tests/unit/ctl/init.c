/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <stdio.h>
#include <sys/wait.h>

#include "ctl/init.c"

static void path_in(const struct desk *desk, const char *name, char out[256])
{
	snprintf(out, 256, "%s/new%s%s", desk->directory, name[0] ? "/" : "", name);
}

static void has_mode(const struct desk *desk, const char *name, unsigned mode)
{
	char path[256];
	struct stat stat;

	path_in(desk, name, path);
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode & 07777, mode);
}

static void read_file(const struct desk *desk, const char *name, char out[4096])
{
	char path[256];

	path_in(desk, name, path);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t got = read(fd, out, 4095);
	close(fd);
	assert_true(got >= 0);
	out[got] = '\0';
}

/* init of DESK/new with two more words. */
static int init_new(struct desk *desk, const char *one, const char *two)
{
	char path[256];

	path_in(desk, "", path);
	return desk_run(desk, "init", "--data", path, one, two, NULL);
}

static bool made_nothing(const struct desk *desk)
{
	char path[256];

	path_in(desk, "", path);
	return access(path, F_OK) < 0;
}

static void makes_an_installation(void **state)
{
	struct desk *desk = *state;
	char text[4096], said[512];

	umask(0);
	assert_int_equal(
		init_new(desk, "--public-url=https://gate.example:8443", "--tenant=Casa"), CLI_OK);
	snprintf(said, sizeof said,
		"Made an installation in %s/new. Start it with: sallyport --data %s/new serve\n",
		desk->directory, desk->directory);
	desk_said(desk, said);
	has_mode(desk, "", 0700);
	has_mode(desk, "vault", 0700);
	has_mode(desk, "store", 0700);
	has_mode(desk, "recordings", 0700);
	has_mode(desk, "tls", 0700);
	has_mode(desk, "tls/key.pem", 0600);
	has_mode(desk, "tls/cert.pem", 0644);
	has_mode(desk, "vault/root.key", 0600);
	has_mode(desk, "installation.pem", 0644);
	has_mode(desk, "sallyport.conf", 0644);
	read_file(desk, "installation.pem", text);
	assert_memory_equal(text, "-----BEGIN PUBLIC KEY-----\n", 27);
	read_file(desk, "sallyport.conf", text);
	assert_non_null(strstr(text, "\n[gateway]\ntenant = Casa\npublic_url = "
				     "https://gate.example:8443\n"));
}

static void what_is_made_can_be_read_by_the_gateway(void **state)
{
	struct desk *desk = *state;
	struct settings settings;
	char text[4096], complaint[REASON_SIZE];

	assert_int_equal(init_new(desk, "--json", NULL), CLI_OK);
	assert_memory_equal(desk->out, "{\"data\":\"", 9);
	read_file(desk, "sallyport.conf", text);
	settings_defaults(&settings);
	assert_int_equal(settings_parse(&settings, text, complaint), 0);
	assert_string_equal(settings.gateway_tenant, "Sallyport");
	assert_string_equal(settings.gateway_public_url, "");
}

static void has_owner(const struct desk *desk, const char *name, unsigned uid, unsigned gid)
{
	char path[256];
	struct stat stat;

	path_in(desk, name, path);
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_uid, uid);
	assert_int_equal(stat.st_gid, gid);
}

/* Whether a stranger could start the vault's program where this was built. */
static bool walkable(void)
{
	char program[URL_SIZE * 2];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		program_path(program, sizeof program, "sallyport-vault");
		_exit(setresuid(4321, 4321, 4321) < 0 || access(program, X_OK) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* In a process of its own: what it becomes it stays. */
static void root_makes_it_for_the_owner(void **state)
{
	struct desk *desk = *state;
	char path[256];
	int status;

	if (geteuid() != 0 || !walkable())
		skip();
	path_in(desk, "", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, 4321, 4322), 0);
	assert_int_equal(chmod(desk->directory, 0755), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(init_new(desk, NULL, NULL) == CLI_OK ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	static const char *const made[] = { "vault", "vault/root.key", "store", "recordings",
		"tls/key.pem", "installation.pem", "sallyport.conf" };
	for (unsigned i = 0; i < ARRAY_LEN(made); i++)
		has_owner(desk, made[i], 4321, 4322);
}

static void leaves_an_installation_alone(void **state)
{
	struct desk *desk = *state;
	char before[4096], after[4096];

	assert_int_equal(init_new(desk, NULL, NULL), CLI_OK);
	read_file(desk, "tls/key.pem", before);
	assert_int_equal(init_new(desk, "--tenant=Other", NULL), CLI_FAILED);
	desk_complained(desk, "/new: there is an installation already\n");
	read_file(desk, "tls/key.pem", after);
	assert_string_equal(before, after);
}

static void leaves_what_stands_there_alone(void **state)
{
	struct desk *desk = *state;
	char path[256];

	path_in(desk, "", path);
	assert_int_equal(mkdir(path, 0755), 0);
	path_in(desk, "store", path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(init_new(desk, NULL, NULL), CLI_FAILED);
	desk_complained(desk, "/new/store: File exists\n");
	path_in(desk, "sallyport.conf", path);
	assert_int_equal(access(path, F_OK), -1);
}

/* Nothing half made: the same command with better words works. */
static void bad_words_make_nothing(void **state)
{
	static const char *const table[][2] = {
		{ "--public-url=http://gate.example", "gateway.public_url must be https://host" },
		{ "--public-url=gate.example", "gateway.public_url must be https://host" },
		{ "--public-url=https://someone@gate.example", "gateway.public_url must be" },
		{ "--public-url=https://gate.example\nlisten = [::]:1", "gateway.public_url must" },
		{ "--public-url=https://gate.example,DNS:bank.example",
			"the public URL must name a host or an address" },
		{ "--tenant=Casa\nlog_level = debug", "gateway.tenant must be" },
	};
	struct desk *desk = *state;
	static char long_name[3000] = "--tenant=";

	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(init_new(desk, table[i][0], NULL), CLI_FAILED);
		desk_complained(desk, table[i][1]);
		assert_true(made_nothing(desk));
	}
	memset(long_name + 9, 'n', sizeof long_name - 10);
	assert_int_equal(init_new(desk, long_name, NULL), CLI_FAILED);
	desk_complained(desk, "gateway.tenant must be");
	assert_true(made_nothing(desk));
	assert_int_equal(init_new(desk, "--public-url=https://gate.example", NULL), CLI_OK);
}

/* What was made before it failed is gone: the same command with better words works. */
static void what_fails_is_taken_back(void **state)
{
	static const char *const names[] = { "vault", "tls", "store", "recordings",
		"installation.pem", "sallyport.conf" };
	struct desk *desk = *state;
	char path[256];

	desk->input = "";
	assert_int_equal(init_new(desk, "--passphrase-stdin", NULL), CLI_FAILED);
	desk_complained(desk, "the vault could not be made");
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		path_in(desk, names[i], path);
		assert_int_equal(access(path, F_OK), -1);
	}
	desk->input = "correct horse";
	assert_int_equal(init_new(desk, "--passphrase-stdin", NULL), CLI_OK);
}

static void parent_must_be_there(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_run(desk, "init", "--data", "/nonesuch/deep", NULL), CLI_FAILED);
	desk_complained(desk, "/nonesuch/deep: No such file or directory");
	desk_file(desk, "new", "a file");
	assert_int_equal(init_new(desk, NULL, NULL), CLI_FAILED);
	desk_complained(desk, "/new: Not a directory");
}

static void finds_the_host(void **state)
{
	static const char *const table[][2] = {
		{ NULL, "localhost" },
		{ "", "localhost" },
		{ "gate.example", "localhost" },
		{ "https://", "localhost" },
		{ "https:///path", "localhost" },
		{ "https://gate.example", "gate.example" },
		{ "https://gate.example/", "gate.example" },
		{ "https://gate.example:8443", "gate.example" },
		{ "https://gate.example:8443/x:y", "gate.example" },
		{ "https://192.0.2.7:1", "192.0.2.7" },
		{ "https://[2001:db8::7]:8443/", "2001:db8::7" },
		{ "https://[2001:db8::7]", "2001:db8::7" },
	};
	char host[HOSTNAME_SIZE];

	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		host_of(table[i][0], host);
		assert_string_equal(host, table[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(makes_an_installation),
		DESK_CASE(what_is_made_can_be_read_by_the_gateway),
		DESK_CASE(root_makes_it_for_the_owner),
		DESK_CASE(leaves_an_installation_alone),
		DESK_CASE(leaves_what_stands_there_alone),
		DESK_CASE(bad_words_make_nothing),
		DESK_CASE(what_fails_is_taken_back),
		DESK_CASE(parent_must_be_there),
		cmocka_unit_test(finds_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
