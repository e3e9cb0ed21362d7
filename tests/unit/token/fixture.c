/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const places[] = { "/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so" };

int token_util(const char *word, ...)
{
	const char *argv[16] = { "softhsm2-util", word };
	unsigned count = 2;
	va_list words;
	int status;
	va_start(words, word);
	while (count < 15 && (argv[count] = va_arg(words, const char *)) != NULL)
		count++;
	va_end(words);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int nothing = open("/dev/null", O_RDWR);
		dup2(nothing, 1);
		dup2(nothing, 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_conf(const struct token_fixture *fixture)
{
	char path[128];
	snprintf(path, sizeof path, "%s/softhsm2.conf", fixture->path);
	FILE *conf = fopen(path, "w");
	assert_non_null(conf);
	fprintf(conf,
		"directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
		fixture->path);
	fclose(conf);
	setenv("SOFTHSM2_CONF", path, 1);
	snprintf(path, sizeof path, "%s/tokens", fixture->path);
	assert_int_equal(mkdir(path, 0700), 0);
}

int token_open(void **state)
{
	struct token_fixture *fixture = calloc(1, sizeof *fixture);
	assert_non_null(fixture);
	text_copy(fixture->path, sizeof fixture->path, "/tmp/sallyport-token-XXXXXX");
	assert_non_null(mkdtemp(fixture->path));
	for (unsigned i = 0; i < ARRAY_LEN(places) && fixture->module[0] == '\0'; i++)
		if (access(places[i], R_OK) == 0)
			text_copy(fixture->module, sizeof fixture->module, places[i]);
	write_conf(fixture);
	if (fixture->module[0] != '\0')
		assert_int_equal(token_util("--init-token", "--free", "--label", "gate", "--so-pin",
					 "87654321", "--pin", TOKEN_PIN, NULL),
			0);
	*state = fixture;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	return remove(path);
}

int token_close(void **state)
{
	struct token_fixture *fixture = *state;
	nftw(fixture->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(fixture);
	return 0;
}
