/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include "ctl/init_keys.c"

#include "ctl/commands.h"

static void path_in(const struct desk *desk, const char *name, char out[256])
{
	snprintf(out, 256, "%s/%s", desk->directory, name);
}

static bool has(const struct desk *desk, const char *name)
{
	char path[256];

	path_in(desk, name, path);
	return access(path, F_OK) == 0;
}

static int init_new(struct desk *desk, const char *one, const char *two, const char *three)
{
	char path[256];

	path_in(desk, "new", path);
	return desk_run(desk, "init", "--data", path, one, two, three, NULL);
}

static void a_passphrase_is_asked_for_twice(void **state)
{
	struct desk *desk = *state;

	desk->terminal = true;
	desk->typed[0] = desk->typed[1] = "correct horse\n";
	assert_int_equal(init_new(desk, "--root-key=passphrase", NULL, NULL), CLI_OK);
	assert_string_equal(desk->error, "Passphrase: \nOnce more: \n");
	assert_true(has(desk, "new/vault/keyring"));
	assert_false(has(desk, "new/vault/root.key"));
	assert_null(strstr(desk->out, "horse"));
	assert_null(strstr(desk->shown, "horse"));
}

static void a_passphrase_is_piped(void **state)
{
	struct desk *desk = *state;

	desk->input = "correct horse battery staple\n";
	assert_int_equal(init_new(desk, "--passphrase-stdin", NULL, NULL), CLI_OK);
	assert_false(has(desk, "new/vault/root.key"));
}

static void a_credential_is_explained(void **state)
{
	struct desk *desk = *state;

	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(init_new(desk, "--root-key=systemd-credential", NULL, NULL), CLI_FAILED);
	assert_false(has(desk, "new"));
	desk_complained(desk, "systemd-creds encrypt --name=sallyport-root-key");
	desk_complained(
		desk, "LoadCredentialEncrypted=sallyport-root-key:/etc/credstore.encrypted/");
	desk_complained(desk, "init --root-key systemd-credential");
}

static void a_credential_is_taken(void **state)
{
	struct desk *desk = *state;

	desk_file(desk, "sallyport-root-key", "0123456789abcdef0123456789abcdef");
	setenv("CREDENTIALS_DIRECTORY", desk->directory, 1);
	assert_int_equal(init_new(desk, "--root-key=systemd-credential", NULL, NULL), CLI_OK);
	assert_true(has(desk, "new/vault/keyring"));
	assert_false(has(desk, "new/vault/root.key"));
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void a_credential_of_another_length(void **state)
{
	struct desk *desk = *state;

	desk_file(desk, "sallyport-root-key", "too short");
	setenv("CREDENTIALS_DIRECTORY", desk->directory, 1);
	assert_int_equal(init_new(desk, "--root-key=systemd-credential", NULL, NULL), CLI_FAILED);
	assert_false(has(desk, "new/vault"));
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void words_that_do_not_fit(void **state)
{
	static const struct {
		const char *one, *two, *words;
		int r;
	} rows[] = {
		{ "--root-key=tape", NULL, "--root-key is file, passphrase,", CLI_USAGE },
		{ "--root-key=pkcs11", NULL, "needs --token-key", CLI_USAGE },
		{ "--root-key=pkcs11", "--token-key=pkcs11:a\nb = c", "vault.token_key must be",
			CLI_FAILED },
	};
	struct desk *desk = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(init_new(desk, rows[i].one, rows[i].two, NULL), rows[i].r);
		desk_complained(desk, rows[i].words);
		assert_false(has(desk, "new"));
	}
	assert_int_equal(
		desk_run(desk, "init", "--data", "/nonesuch/x", "--root-key=pkcs11",
			"--token-key=pkcs11:token=a;object=b", "--token-group=wheel", NULL),
		CLI_FAILED);
	desk_complained(desk, "vault.token_group must be");
}

/* No module there: what the token's program says comes through the vault's. */
static void a_token_that_is_not_there(void **state)
{
	struct desk *desk = *state;

	desk->input = "4321";
	assert_int_equal(init_new(desk, "--root-key=pkcs11", "--token-key=pkcs11:token=a;object=b",
				 "--token-module=/nonesuch.so"),
		CLI_FAILED);
	desk_complained(desk, "The token or its module failed");
	assert_false(has(desk, "new/vault"));
	assert_int_equal(init_new(desk, "--root-key=pkcs11", "--token-key=pkcs11:token=a;object=b",
				 "--token-pin=/nonesuch/pin"),
		CLI_FAILED);
	desk_complained(desk, "the token's PIN: No such file");
}

static void the_settings_of_a_token(void **state)
{
	char *argv[] = { "--root-key", "pkcs11", "--token-key", "pkcs11:token=a;object=b",
		"--token-environment=A=1 B=2" };
	struct cli cli = { .command = &command_init, .argc = 5, .argv = argv };
	char text[1024];

	assert_int_equal(init_keys_settings(&cli, text, sizeof text), CLI_OK);
	assert_string_equal(text, "\n[vault]\ntoken_key = pkcs11:token=a;object=b\n"
				  "token_environment = A=1 B=2\n");
	assert_int_equal(init_keys_settings(&cli, text, 40), CLI_FAILED);
	cli.argc = 0;
	assert_int_equal(init_keys_settings(&cli, text, sizeof text), CLI_OK);
	assert_string_equal(text, "");
}

static void an_environment_is_cut_at_its_blanks(void **state)
{
	char text[] = "  A=1 B=2   C= ", *environment[TOKEN_VARIABLES + 1];
	char many[64] = "a b c d e f g h i j k l m n o p q r s";

	cut_environment(text, environment);
	assert_string_equal(environment[0], "A=1");
	assert_string_equal(environment[1], "B=2");
	assert_string_equal(environment[2], "C=");
	assert_null(environment[3]);
	cut_environment(many, environment);
	assert_string_equal(environment[TOKEN_VARIABLES - 1], "p");
	assert_null(environment[TOKEN_VARIABLES]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(a_passphrase_is_asked_for_twice),
		DESK_CASE(a_passphrase_is_piped),
		DESK_CASE(a_credential_is_explained),
		DESK_CASE(a_credential_is_taken),
		DESK_CASE(a_credential_of_another_length),
		DESK_CASE(words_that_do_not_fit),
		DESK_CASE(a_token_that_is_not_there),
		DESK_CASE(the_settings_of_a_token),
		DESK_CASE(an_environment_is_cut_at_its_blanks),
	};

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
