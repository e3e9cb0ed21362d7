/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's own log of what it let go of: listed and proven from the files alone. */
#include "ctl/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "ctl/evidence.h"
#include "ctl/release_proof.h"

static int open_vault(const struct cli *cli)
{
	char path[URL_SIZE * 2];

	snprintf(path, sizeof path, "%s/vault", cli->data);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		cli_fail("%s: %s", path, strerror(errno));
	return fd;
}

/* --- list ----------------------------------------------------------------------------------- */

struct listing {
	json_t *rows;
	uint64_t after, left;
};

/* What is no line of ours is shown as that: verify says more. */
static bool list_line(void *context, const char *line, size_t len)
{
	struct listing *listing = context;
	json_t *row = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	if (releases_line_sequence(line, len) <= listing->after && row != NULL) {
		json_decref(row);
		return true;
	}
	if (row == NULL)
		row = json_pack("{s:s}", "what", "unreadable");
	json_array_append_new(listing->rows, row);
	return --listing->left > 0;
}

static int number_of(struct cli *cli, const char *name, uint64_t otherwise, uint64_t *ret_value)
{
	const char *text = cli_option(cli, name, 0);
	char *end = NULL;

	errno = 0;
	*ret_value = text != NULL ? strtoull(text, &end, 10) : otherwise;
	if (text != NULL && (text[strspn(text, "0123456789")] != '\0' || end == text || errno != 0))
		return cli_usage_error(cli, "--%s takes a number", name);
	return CLI_OK;
}

static const struct column columns[] = { { "LINE", "sequence" }, { "TIME", "time" },
	{ "WHAT", "what" }, { "DEVICE", "device" }, { "ACCOUNT", "username" },
	{ "SESSION ID", "session" }, { "HOST KEY", "host_key" }, { 0 } };

static int list(struct cli *cli)
{
	struct listing listing = { .rows = json_array() };
	int r = number_of(cli, "after", 0, &listing.after);

	if (r == CLI_OK)
		r = number_of(cli, "limit", UINT64_MAX, &listing.left);
	CLEANUP(fd_closep) int directory = r == CLI_OK ? open_vault(cli) : -1;
	if (r == CLI_OK && directory < 0)
		r = CLI_FAILED;
	if (r == CLI_OK && listing.left > 0 &&
		release_files_read(directory, list_line, &listing) < 0)
		r = cli_fail("the log of releases cannot be read");
	if (r == CLI_OK && cli->json)
		show_json(listing.rows);
	else if (r == CLI_OK)
		show_table(listing.rows, columns);
	json_decref(listing.rows);
	return r;
}

const struct command command_releases_list = {
	.words = "releases list",
	.takes = "",
	.sentence = "List what the vault let go of, from its own log, oldest first",
	.options = (const struct option_row[]){ { "after", NULL, OPTION_TEXT, "LINE",
							"only what came after this one" },
		{ "limit", NULL, OPTION_TEXT, "N", "at most so many" }, { 0 } },
	.run = list,
};

/* --- verify --------------------------------------------------------------------------------- */

static void say_report(const struct release_report *report, const char *trail)
{
	switch (report->verdict) {
	case RELEASES_INTACT:
		printf("intact: %" PRIu64 " lines%s\n", report->lines, trail);
		break;
	case RELEASES_ALTERED:
		printf("line %" PRIu64 " was altered\n", report->line);
		break;
	case RELEASES_MISSING:
		printf("line %" PRIu64 " is missing\n", report->line);
		break;
	case RELEASES_CUT:
		printf("cut short after line %" PRIu64 ": row %" PRId64
		       " of the audit trail has seen line %" PRIu64 "\n",
			report->line, report->row, report->seen);
		break;
	case RELEASES_OTHER:
		printf("line %" PRIu64 " is not the one that row %" PRId64
		       " of the audit trail has seen\n",
			report->line, report->row);
		break;
	case RELEASES_UNAUDITED:
		printf("line %" PRIu64 " is a release that is not in the audit trail\n",
			report->line);
		break;
	}
}

static int say(const struct cli *cli, const struct release_report *report)
{
	if (cli->json)
		show_json(json_pack("{s:s, s:I, s:I, s:I, s:b}", "verdict",
			release_verdict_name(report->verdict), "lines", (json_int_t)report->lines,
			"line", (json_int_t)report->line, "row", (json_int_t)report->row,
			"compared", report->compared));
	else
		say_report(report, report->compared ? ", and the audit trail agrees"
						    : "; there was no audit trail to compare");
	return report->verdict == RELEASES_INTACT ? CLI_OK : CLI_FAILED;
}

static int open_trail(struct cli *cli, struct store **ret_store)
{
	if (cli_option(cli, "alone", 0) != NULL)
		return CLI_OK;
	int r = evidence_open_store(cli, ret_store);
	if (r == CLI_OK)
		r = evidence_choose_node(cli, *ret_store, NULL);
	if (r != CLI_OK)
		fputs("--alone proves the log without it\n", stderr);
	return r;
}

static int verify(struct cli *cli)
{
	uint8_t key[32];
	struct store *store = NULL;
	struct release_report report;
	CLEANUP(fd_closep) int directory = open_vault(cli);

	int r = directory < 0 ? CLI_FAILED : evidence_public_key(cli, key);
	if (r == CLI_OK)
		r = open_trail(cli, &store);
	if (r != CLI_OK)
		return r;
	int proven = release_prove(directory, key, store, &report);
	store_close(store);
	return proven < 0 ? cli_fail("the log cannot be read: %s", error_text(proven))
			  : say(cli, &report);
}

const struct command command_releases_verify = {
	.words = "releases verify",
	.takes = "",
	.sentence = "Say whether the vault's log is whole, and the audit trail agrees; from files "
		    "alone",
	.options = (const struct option_row[]){ { "certificate", NULL, OPTION_TEXT, "FILE",
							"the installation's public key" },
		{ "alone", NULL, OPTION_FLAG, NULL, "do not compare it with the audit trail" },
		{ 0 } },
	.run = verify,
};
