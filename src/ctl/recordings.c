/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings: found by file or id, verified with the public key alone, read with the one key. */
#include "ctl/commands.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "ctl/evidence.h"
#include "ctl/reader.h"
#include "ctl/recording_play.h"

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })

const struct command command_recording_list = {
	.words = "recording list",
	.takes = "",
	.sentence = "List recordings, newest first",
	.method = "GET",
	.path = "recording/list",
	.columns = (const struct column[]){ { "ID", "session" }, { "USER", "user" },
		{ "TARGET", "device" }, { "ACCOUNT", "username" }, { "STARTED", "started_at" },
		{ "ENDED", "ended_at" }, { "SEALED", "sealed" }, { "SESSION ID", "session_id" },
		{ 0 } },
	.options = (const struct option_row[]){ { "limit", "limit", OPTION_TEXT, "N",
							"at most so many" },
		{ "before", "before", OPTION_TEXT, "ID", "older than this one" }, { 0 } },
};

#define SECRETS_OPTION                                                                             \
	{                                                                                          \
		"secrets", NULL, OPTION_FLAG, NULL,                                                \
			"what was typed without echo too; its key is audited by itself"            \
	}

static bool all_of(const char *text, int (*kind)(int))
{
	for (const char *p = text; *p != '\0'; p++)
		if (!kind((unsigned char)*p))
			return false;
	return text[0] != '\0';
}

/* The session's 40 digits for its short id: only the gateway knows. */
static int session_id_of(struct cli *cli, const char *id, char out[SESSION_ID_SIZE])
{
	json_t *session = NULL;

	buf_clear(&cli->params);
	if (cli_param(cli, "id", id) != CLI_OK ||
		client_entity(cli, "GET", "session/show", &session) != CLI_OK)
		return CLI_FAILED;
	const char *digits = json_string_value(json_object_get(session, "session_id"));
	int r = digits != NULL ? text_copy(out, SESSION_ID_SIZE, digits) : -ERR_MALFORMED;
	json_decref(session);
	return r < 0 ? CLI_FAILED : CLI_OK;
}

static int open_in_installation(const struct cli *cli, const char *session_id)
{
	char path[URL_SIZE * 2];

	snprintf(path, sizeof path, "%s/recordings/%s.rec", cli->data, session_id);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* A file, the 40 digits, or the short id. -1 after a complaint. */
static int open_recording(struct cli *cli, const char *what)
{
	char session_id[SESSION_ID_SIZE];

	int fd = open(what, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || strchr(what, '/') != NULL || !all_of(what, isxdigit)) {
		if (fd < 0)
			cli_fail("%s: %s", what, strerror(errno));
		return fd;
	}
	if (strlen(what) == SESSION_ID_SIZE - 1)
		fd = open_in_installation(cli, what);
	else if (session_id_of(cli, what, session_id) == CLI_OK)
		fd = open_in_installation(cli, session_id);
	else
		return -1;
	if (fd < 0)
		cli_fail("recording %s: %s", what, strerror(errno));
	return fd;
}

static int verify(struct cli *cli)
{
	uint8_t key[32];
	struct witness witness;
	struct recording_report *report = calloc(1, sizeof *report);
	CLEANUP(fd_closep) int kept = -1;
	CLEANUP(fd_closep) int fd = report != NULL ? open_recording(cli, cli_argument(cli, 0)) : -1;

	int r = fd >= 0 ? evidence_public_key(cli, key) : CLI_FAILED;
	if (r == CLI_OK)
		r = evidence_open_witness(cli, &kept);
	client_close(cli);
	if (r == CLI_OK && sandbox_enter(SANDBOX_READER, -1) < 0)
		r = cli_fail("no sandbox can be had; a recording is not read without one");
	witness_open(&witness, kept, key);
	if (r == CLI_OK &&
		recording_verify_against(fd, key, kept >= 0 ? &witness : NULL, report) < 0)
		r = cli_fail("the recording or the witness file cannot be read");
	if (r == CLI_OK) {
		recording_report_print(report, cli->json, stdout);
		r = evidence_recording_exit(report);
	}
	free(report);
	return r;
}

const struct command command_recording_verify = {
	.words = "recording verify",
	.takes = "FILE|ID",
	.sentence = "Say whether a recording is whole, from the file and the public key alone",
	.options = (const struct option_row[]){ EVIDENCE_OPTIONS{ 0 } },
	.run = verify,
};

/* What is asked of the vault: the data key of a recording, or the second one. */
static int ask_params(
	struct cli *cli, const struct recording_header *header, const uint8_t *wrapped, size_t len)
{
	char hex[2 * RECORDING_WRAPPED_MAX + 1], version[16];

	buf_clear(&cli->params);
	hex_encode(hex, wrapped, len);
	snprintf(version, sizeof version, "%u", header->key_version);
	int r = cli_param(cli, "session_id", header->session_id);
	if (r == CLI_OK)
		r = cli_param(cli, "wrapped", hex);
	return r == CLI_OK ? cli_param(cli, "key_version", version) : r;
}

static int ask_key(struct cli *cli, bool secrets, json_t **ret_entity)
{
	if (secrets)
		return client_entity(cli, "POST", "recording/secrets", ret_entity);
	return client_entity(cli, "POST", "recording/key", ret_entity);
}

/* A key comes out of the vault through a memory file, past everyone else; audited. */
static int fetch_key(struct cli *cli, bool secrets, uint8_t ret_key[RECORDING_KEY_LEN])
{
	json_t *entity = NULL;

	cli->fds[1] = memfd_create("key", MFD_CLOEXEC);
	int r = cli->fds[1] >= 0 ? ask_key(cli, secrets, &entity) : CLI_FAILED;
	if (r == CLI_OK && pread(cli->fds[1], ret_key, RECORDING_KEY_LEN, 0) != RECORDING_KEY_LEN)
		r = cli_fail("the key of this recording did not come");
	fd_closep(&cli->fds[1]);
	json_decref(entity);
	return r;
}

/* secrets: also the key of what was typed without echo, for which --secrets asks. */
struct keys {
	uint8_t data[RECORDING_KEY_LEN], second[RECORDING_KEY_LEN];
	bool secrets;
};

static int fetch_keys(struct cli *cli, int recording, struct keys *ret_keys)
{
	CLEANUP(mem_freep) struct recording_summary *summary = calloc(1, sizeof *summary);
	uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN];

	if (summary == NULL || recording_summarize(recording, summary) < 0)
		return cli_fail("this is not a recording");
	const struct recording_header *header = &summary->header;
	ret_keys->secrets = cli_option(cli, "secrets", 0) != NULL;
	if (ret_keys->secrets && recording_secrets_key(recording, wrapped) < 0)
		return cli_fail("this recording keeps nothing under a second key");
	int r = ask_params(cli, header, header->wrapped, header->wrapped_len);
	if (r == CLI_OK)
		r = fetch_key(cli, false, ret_keys->data);
	if (r == CLI_OK && ret_keys->secrets)
		r = ask_params(cli, header, wrapped, sizeof wrapped);
	if (r == CLI_OK && ret_keys->secrets)
		r = fetch_key(cli, true, ret_keys->second);
	return r;
}

/*
 * The walls close before the first byte of the content is read, so the output is made before them,
 * and after the key came: a refused export leaves no empty file.
 */
static int enter_reader(const char *path, FILE **ret_out)
{
	if (path != NULL && (*ret_out = fopen(path, "wxe")) == NULL)
		return cli_fail("%s: %s", path, strerror(errno));
	if (sandbox_enter(SANDBOX_READER, -1) < 0)
		return cli_fail("no sandbox can be had; a recording is not read without one");
	return CLI_OK;
}

/* path: of the output, NULL when it is open already. */
static int open_reader(
	struct cli *cli, const char *path, int *ret_fd, struct reader **ret_reader, FILE **ret_out)
{
	struct keys keys;
	CLEANUP(fd_closep) int fd = open_recording(cli, cli_argument(cli, 0));

	if (fd < 0)
		return CLI_FAILED;
	int r = fetch_keys(cli, fd, &keys);
	client_close(cli);
	if (r == CLI_OK)
		r = enter_reader(path, ret_out);
	if (r == CLI_OK && reader_open(fd, keys.data, ret_reader) < 0)
		r = cli_fail("the recording cannot be opened with its key: verify it");
	if (r == CLI_OK && keys.secrets && reader_open_secrets(*ret_reader, keys.second) < 0)
		r = cli_fail("%s", error_text(-ERR_SYSTEM));
	mem_wipe(&keys, sizeof keys);
	if (r == CLI_OK)
		*ret_fd = STEAL_FD(fd);
	return r;
}

static int parse_format(struct cli *cli, enum export_format *ret_format)
{
	const char *word = cli_option(cli, "format", 0);

	if (word == NULL || strcmp(word, "text") == 0)
		*ret_format = EXPORT_TEXT;
	else if (strcmp(word, "asciicast") == 0)
		*ret_format = EXPORT_ASCIICAST;
	else if (strcmp(word, "json") == 0)
		*ret_format = EXPORT_JSON;
	else
		return cli_usage_error(cli, "the formats are text, asciicast and json");
	return CLI_OK;
}

static int export_to(struct cli *cli, const struct export_options *options, const char *path)
{
	CLEANUP(fd_closep) int fd = -1;
	struct reader *reader = NULL;
	FILE *out = stdout;

	int r = open_reader(cli, path, &fd, &reader, &out);
	if (r != CLI_OK)
		return r;
	int failed = recording_export(reader, options, out);
	if (fflush(out) != 0)
		r = cli_fail("the export cannot be written");
	else if (failed < 0)
		r = cli_fail("chunk %llu is not whole; what came before it was exported",
			(unsigned long long)reader_chunk(reader));
	else if (reader_end(reader) == NULL)
		cli_fail("warning: the recording was cut short; what there is was exported");
	reader_close(reader);
	return r;
}

static int export(struct cli *cli)
{
	const char *path = cli_option(cli, "output", 0);
	struct export_options options = { .input = cli_option(cli, "input", 0) != NULL,
		.times = cli_option(cli, "times", 0) != NULL };

	int r = parse_format(cli, &options.format);
	if (r != CLI_OK)
		return r;
	options.input |= options.format == EXPORT_TEXT || cli_option(cli, "secrets", 0) != NULL;
	if (path != NULL && access(path, F_OK) == 0) /* before the key is asked for */
		return cli_fail("%s: %s", path, strerror(EEXIST));
	return export_to(cli, &options, path);
}

const struct command command_recording_export = {
	.words = "recording export",
	.takes = "FILE|ID",
	.sentence = "Write what a recording holds; the release of its key is audited",
	.options =
		(const struct option_row[]){
			{ "format", NULL, OPTION_TEXT, "text|asciicast|json",
				"text unless said; asciicast plays in asciinema" },
			{ "output", NULL, OPTION_TEXT, "FILE",
				"a new file; standard output unless said" },
			{ "input", NULL, OPTION_FLAG, NULL, "asciicast: what was typed too" },
			{ "times", NULL, OPTION_FLAG, NULL, "text: a time before each line" },
			SECRETS_OPTION, { 0 } },
	.run = export,
};

static int parse_positive(struct cli *cli, const char *name, double otherwise, double *ret_value)
{
	const char *text = cli_option(cli, name, 0);
	char *end = NULL;

	*ret_value = text != NULL ? strtod(text, &end) : otherwise;
	if (text != NULL &&
		(*end != '\0' || end == text || !(*ret_value >= 0) || *ret_value > 86400))
		return cli_usage_error(cli, "--%s takes a positive number", name);
	return CLI_OK;
}

static int play(struct cli *cli)
{
	struct play_options options = { .keys = -1, .out = STDOUT_FILENO };
	CLEANUP(fd_closep) int fd = -1;
	struct reader *reader = NULL;

	if (parse_positive(cli, "speed", 1, &options.speed) != CLI_OK ||
		parse_positive(cli, "longest-pause", 2, &options.longest) != CLI_OK ||
		parse_positive(cli, "from", 0, &options.from) != CLI_OK)
		return CLI_USAGE;
	if (options.speed == 0)
		return cli_usage_error(cli, "--speed takes a positive number");
	if (isatty(STDIN_FILENO))
		options.keys = STDIN_FILENO;
	int r = open_reader(cli, NULL, &fd, &reader, NULL);
	if (r == CLI_OK && recording_play(reader, &options) < 0)
		r = cli_fail("the recording is not whole from here on: verify it");
	reader_close(reader);
	return r;
}

const struct command command_recording_play = {
	.words = "recording play",
	.takes = "FILE|ID",
	.sentence = "Play a recording here; space pauses, arrows seek and change speed, q ends",
	.options = (const struct option_row[]){ { "speed", NULL, OPTION_TEXT, "FACTOR",
							"1 unless said" },
		{ "longest-pause", NULL, OPTION_TEXT, "SECONDS",
			"2 unless said; 0 keeps every pause as it was" },
		{ "from", NULL, OPTION_TEXT, "SECONDS", "where to begin: 0 unless said" },
		SECRETS_OPTION, { 0 } },
	.run = play,
};
