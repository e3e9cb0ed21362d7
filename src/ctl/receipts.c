/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts of sessions: fetched from the gateway, proven without it. */
#include "ctl/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "ctl/evidence.h"
#include "ctl/reader.h"
#include "ctl/receipt_file.h"
#include "wire/head.h"

static int session_receipt(struct cli *cli)
{
	json_t *receipt = NULL;
	int r = client_entity(cli, "GET", "session/receipt", &receipt);

	if (r == CLI_OK)
		show_json(receipt); /* whoever reads it: it is for a file */
	json_decref(receipt);
	return r;
}

const struct command command_session_receipt = {
	.words = "session receipt",
	.takes = "ID",
	.sentence = "Print the signed receipt of a session that ended, as JSON",
	.params = (const char *const[]){ "id", NULL },
	.run = session_receipt,
};

/* ---- verify ---- */

/* What was found of one thing: the exit code that says so, a word for programs, one for people. */
struct finding {
	int exit;
	const char *name;
	char detail[REASON_SIZE];
};

static int open_named(const char *path, int *ret_fd)
{
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? cli_fail("%s: %s", path, strerror(errno)) : CLI_OK;
}

static int load_receipt(const char *path, int fd, struct receipt *ret_receipt)
{
	CLEANUP(mem_freep) char *bytes = malloc(RECEIPT_FILE_MAX);
	size_t len = 0;
	ssize_t got = -1;

	while (bytes != NULL && (got = read(fd, bytes + len, RECEIPT_FILE_MAX - len)) > 0)
		len += (size_t)got;
	if (got < 0)
		return cli_fail("%s: %s", path, strerror(errno));
	return receipt_file_read(bytes, len, ret_receipt) < 0 ? cli_fail("%s: not a receipt", path)
							      : CLI_OK;
}

static struct finding judge(const struct receipt *receipt, const uint8_t installation_public[32])
{
	if (receipt_check(receipt->text, strlen(receipt->text), receipt->signature,
		    receipt->signer.public_key) < 0)
		return (struct finding){ CLI_ALTERED, "altered",
			"the signature is not of this text" };
	if (!receipt->signer.certified)
		return (struct finding){ CLI_UNPROVEN, "unproven",
			"the key was not certified yet: fetch the receipt again" };
	if (signer_check(&receipt->signer, installation_public) < 0)
		return (struct finding){ CLI_FOREIGN, "not certified",
			"this installation did not certify the key" };
	return (struct finding){ CLI_OK, "genuine",
		"signed by a key that this installation certified" };
}

/* A recording that is intact by itself: is it the one the receipt is of? */
static struct finding match(const struct receipt *receipt, const struct recording_report *report)
{
	char session_id[SESSION_ID_SIZE];
	uint8_t head[HASH_LEN];
	int r = receipt_file_recording(receipt, session_id, head);

	if (r < 0)
		return (struct finding){ CLI_UNPROVEN, "unproven",
			"the receipt knows of no sealed recording" };
	if (strcmp(session_id, report->header.session_id) != 0)
		return (struct finding){ CLI_DISAGREES, "disagrees", "it is of another session" };
	if (memcmp(head, report->head, HASH_LEN) != 0)
		return (struct finding){ CLI_DISAGREES, "disagrees",
			"the receipt has another head of this session" };
	return (struct finding){ CLI_OK, "intact", "and the one that the receipt is of" };
}

static int judge_recording(const struct receipt *receipt, int fd,
	const uint8_t installation_public[32], struct finding *ret_finding)
{
	CLEANUP(mem_freep) struct recording_report *report = calloc(1, sizeof *report);

	if (report == NULL || recording_verify(fd, installation_public, report) < 0)
		return cli_fail("the recording cannot be read");
	*ret_finding = (struct finding){ evidence_recording_exit(report),
		recording_verdict_name(report->verdict), "" };
	recording_verdict_text(report, ret_finding->detail);
	if (ret_finding->exit == CLI_OK)
		*ret_finding = match(receipt, report);
	return CLI_OK;
}

static json_t *finding_json(const struct finding *finding)
{
	return json_pack(
		"{s:s, s:s}", "verdict", finding->name, "detail", (const char *)finding->detail);
}

/* What nobody vouches for is not repeated. recording: NULL when none was compared. */
static void say(const struct cli *cli, const struct receipt *receipt, const struct finding *finding,
	const struct finding *recording)
{
	json_t *text = finding->exit == CLI_OK ? json_loads(receipt->text, 0, NULL) : NULL;

	if (cli->json) {
		json_t *object = finding_json(finding);
		json_object_set(object, "receipt", text != NULL ? text : json_null());
		if (recording != NULL)
			json_object_set_new(object, "recording", finding_json(recording));
		show_json(object);
		json_decref(object);
	} else {
		printf("%s: %s\n", finding->name, finding->detail);
		if (recording != NULL)
			printf("recording %s: %s\n", recording->name, recording->detail);
		if (text != NULL)
			show_object(text);
	}
	json_decref(text);
}

/* Inside the walls, with everything open. recording: -1 without one. */
static int verify_open(
	const struct cli *cli, int fd, int recording, const uint8_t installation_public[32])
{
	struct receipt receipt = { .text = "" };
	struct finding finding, compared = { 0 };
	int r = load_receipt(cli_argument(cli, 0), fd, &receipt);

	if (r != CLI_OK)
		return r;
	finding = judge(&receipt, installation_public);
	bool compare = recording >= 0 && finding.exit == CLI_OK;
	if (compare)
		r = judge_recording(&receipt, recording, installation_public, &compared);
	if (r != CLI_OK)
		return r;
	say(cli, &receipt, &finding, compare ? &compared : NULL);
	return compare ? compared.exit : finding.exit;
}

static int receipt_verify(struct cli *cli)
{
	CLEANUP(fd_closep) int fd = -1, recording = -1;
	const char *named = cli_option(cli, "recording", 0);
	uint8_t key[32];
	int r = evidence_public_key(cli, key);

	if (r == CLI_OK)
		r = open_named(cli_argument(cli, 0), &fd);
	if (r == CLI_OK && named != NULL)
		r = open_named(named, &recording);
	if (r == CLI_OK && sandbox_enter(SANDBOX_READER, -1) < 0)
		r = cli_fail("no sandbox can be had; a receipt is not read without one");
	return r == CLI_OK ? verify_open(cli, fd, recording, key) : r;
}

const struct command command_receipt_verify = {
	.words = "receipt verify",
	.takes = "FILE",
	.sentence = "Say whether a receipt is genuine, from its file and the public key alone",
	.options = (const struct option_row[]){ { "certificate", NULL, OPTION_TEXT, "FILE",
							"the installation's public key; "
							"DIR/installation.pem unless said" },
		{ "recording", NULL, OPTION_TEXT, "FILE",
			"verify this recording too, and that the receipt is of it" },
		{ 0 } },
	.run = receipt_verify,
};
