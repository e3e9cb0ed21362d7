/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail, proven from files alone: the store, a copy of it, or its mirror. */
#include "ctl/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "ctl/evidence.h"
#include "ctl/trail.h"
#include "store/store_node.h"

static json_t *report_json(const struct trail_report *report)
{
	bool broken = report->verdict == TRAIL_ALTERED || report->verdict == TRAIL_FOREIGN;
	char words[REASON_SIZE];
	json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s?, s:I, s:I}", "verdict",
		trail_verdict_name(report->verdict), "detail", trail_verdict_text(report, words),
		"first", (json_int_t)report->first, "rows", (json_int_t)report->last, "proven",
		(json_int_t)report->proven, "heads", (json_int_t)report->heads, "how", report->how,
		"broken", (json_int_t)(broken ? report->altered : 0), "broken_last",
		(json_int_t)(broken ? report->altered_last : 0));

	if (report->compared)
		json_object_set_new(object, "witness", witness_report_json(&report->witness));
	return object;
}

static void say(const struct cli *cli, const struct trail_report *report)
{
	char words[REASON_SIZE];

	if (cli->json) {
		json_t *object = report_json(report);
		show_json(object);
		json_decref(object);
		return;
	}
	puts(trail_verdict_text(report, words));
	printf("proven       up to row %lld, by %lld signatures\n", (long long)report->proven,
		(long long)report->heads);
	if (report->compared)
		witness_report_print(&report->witness, stdout);
}

static int exit_of(const struct trail_report *report)
{
	static const int codes[] = { [TRAIL_INTACT] = CLI_OK,
		[TRAIL_CUT] = CLI_CUT,
		[TRAIL_ALTERED] = CLI_ALTERED,
		[TRAIL_DISAGREES] = CLI_DISAGREES,
		[TRAIL_FOREIGN] = CLI_FOREIGN,
		[TRAIL_UNPROVEN] = CLI_UNPROVEN,
		[TRAIL_EMPTY] = CLI_UNPROVEN };

	if (report->verdict == TRAIL_INTACT && report->compared)
		return evidence_compared(&report->witness, "audit trail");
	return codes[report->verdict];
}

static bool is_mirror(int fd)
{
	struct stat stat;
	char first;

	return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
	       (stat.st_size == 0 || (pread(fd, &first, 1, 0) == 1 && first == '{'));
}

/* Files of a mirror, oldest first; nothing is opened after the walls. */
static int read_mirrors(struct cli *cli, struct trail *trail)
{
	int fds[16], r = 0;
	unsigned count = 0;

	for (const char *path; r >= 0 && (path = cli_argument(cli, count)) != NULL; count++) {
		fds[count] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[count] < 0 || !is_mirror(fds[count])) {
			cli_fail("%s: %s", path,
				fds[count] < 0 ? strerror(errno) : "not a mirror's file");
			r = -ERR_NOT_FOUND;
		}
	}
	if (r == 0 && sandbox_enter(SANDBOX_READER, -1) < 0) {
		cli_fail("no sandbox can be had; a mirror is not read without one");
		r = -ERR_NOT_FOUND;
	}
	for (unsigned i = 0; i < count; i++) {
		if (r == 0 && (r = trail_from_mirror(trail, fds[i])) < 0)
			cli_fail("%s: %s", cli_argument(cli, i), error_text(r));
		fd_closep(&fds[i]);
	}
	return r;
}

static int read_store(struct trail *trail, struct store *store)
{
	int r = trail_from_store(trail, store);

	store_close(store);
	if (r < 0)
		cli_fail("the store: %s", error_text(r));
	return r;
}

/* A copy of the database, as a file. */
static int read_copy(const char *path, struct trail *trail)
{
	struct store *store = NULL;
	int r = store_open_read("sqlite", path, &store);

	if (r == 0)
		return read_store(trail, store);
	cli_fail("%s: %s", path, error_text(r));
	return r;
}

static int read_trail(struct cli *cli, struct trail *trail)
{
	const char *path = cli_argument(cli, 0);
	struct store *store = NULL;

	if (path == NULL) {
		int r = evidence_open_store(cli, &store);
		if (r == CLI_OK)
			r = evidence_choose_node(cli, store, cli_option(cli, "node", 0));
		if (r == CLI_OK)
			return read_store(trail, store);
		store_close(store);
		return -ERR_STORE;
	}
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		cli_fail("%s: %s", path, strerror(errno));
		return -ERR_NOT_FOUND;
	}
	return is_mirror(fd) ? read_mirrors(cli, trail) : read_copy(path, trail);
}

#define NODES_MAX 256

struct names {
	unsigned count;
	char names[NODES_MAX][HOSTNAME_SIZE];
};

static int keep_name(void *context, const struct node_row *node)
{
	struct names *names = context;

	if (names->count == NODES_MAX)
		return -ERR_FULL;
	memcpy(names->names[names->count++], node->name, HOSTNAME_SIZE);
	return 0;
}

static int verify_node(
	struct cli *cli, const uint8_t key[32], struct store *store, const char *name)
{
	struct trail_report report;
	struct trail trail;

	int r = evidence_choose_node(cli, store, name);
	if (r != CLI_OK)
		return r;
	trail_begin(&trail, key, NULL, &report);
	if (trail_from_store(&trail, store) < 0 || trail_end(&trail) < 0)
		return cli_fail("%s: the store cannot be read", name);
	if (cli->json) {
		json_t *object = report_json(&report);
		json_object_set_new(object, "node", json_string(name));
		show_json(object);
		json_decref(object);
	} else {
		printf("%s: ", name);
		say(cli, &report);
	}
	return exit_of(&report);
}

/* One after the other; the exit code is of the first that is not intact. */
static int verify_all(struct cli *cli, const uint8_t key[32])
{
	CLEANUP(mem_freep) struct names *names = calloc(1, sizeof *names);
	struct store *store = NULL;

	if (names == NULL)
		return cli_fail("no memory");
	int r = evidence_open_store(cli, &store);
	if (r == CLI_OK && store_node_list(store, keep_name, names) < 0)
		r = cli_fail("the gateways on this store cannot be listed");
	for (unsigned i = 0; i < names->count; i++) {
		int said = verify_node(cli, key, store, names->names[i]);
		r = r == CLI_OK ? said : r;
	}
	store_close(store);
	return r;
}

static int audit_verify(struct cli *cli)
{
	const char *node = cli_option(cli, "node", 0);
	CLEANUP(fd_closep) int kept = -1;
	struct trail_report report;
	struct witness witness;
	struct trail trail;
	uint8_t key[32];

	int r = evidence_public_key(cli, key);
	if (r == CLI_OK && node != NULL && strcmp(node, "all") == 0)
		return verify_all(cli, key);
	if (r == CLI_OK)
		r = evidence_open_witness(cli, &kept);
	if (r != CLI_OK)
		return r;
	witness_open(&witness, kept, key);
	trail_begin(&trail, key, kept >= 0 ? &witness : NULL, &report);
	if (read_trail(cli, &trail) < 0)
		return CLI_FAILED;
	if (trail_end(&trail) < 0)
		return cli_fail("the witness file cannot be read");
	say(cli, &report);
	return exit_of(&report);
}

const struct command command_audit_verify = {
	.words = "audit verify",
	.takes = "[FILE..]",
	.sentence =
		"Say whether the audit trail is whole, from files and the public key alone: the "
		"store, a copy of it, or its mirror",
	.options =
		(const struct option_row[]){
			EVIDENCE_OPTIONS{ "node", NULL, OPTION_TEXT, "NAME|all",
				"of the gateways that share a store; this one "
				"unless said" },
			{ 0 } },
	.run = audit_verify,
};
