/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/settings.h"
#include "ctl/reader.h"
#include "store/store_node.h"

#define PEM_MAX 4096
#define CONF_MAX 65536

int evidence_public_key(const struct cli *cli, uint8_t ret_key[32])
{
	char path[URL_SIZE * 2], pem[PEM_MAX];
	const char *given = cli_option(cli, "certificate", 0);

	snprintf(path, sizeof path, "%s/installation.pem", cli->data);
	if (given != NULL && text_copy(path, sizeof path, given) < 0)
		return cli_fail("the path of the certificate is too long");
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, pem, sizeof pem - 1) : -1;
	if (got < 0)
		return cli_fail("%s: %s", path, strerror(errno));
	pem[got] = '\0';
	return recording_public_key(pem, ret_key) < 0
		       ? cli_fail("%s: not an installation's public key", path)
		       : CLI_OK;
}

int evidence_open_witness(const struct cli *cli, int *ret_fd)
{
	const char *path = cli_option(cli, "witness", 0);

	if (path == NULL)
		return CLI_OK;
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	/* It is read twice where it differs. */
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return cli_fail("%s: %s", path, strerror(errno));
	*ret_fd = STEAL_FD(fd);
	return CLI_OK;
}

/* What cannot be read stays as it is unless said. */
static void read_settings(const struct cli *cli, struct settings *settings)
{
	char path[URL_SIZE * 2], complaint[REASON_SIZE];
	CLEANUP(buf_finish) struct buf text = BUF(CONF_MAX);
	uint8_t *room;

	settings_defaults(settings);
	snprintf(path, sizeof path, "%s/sallyport.conf", cli->data);
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 && buf_reserve(&text, CONF_MAX - 1, &room) == 0
			      ? read(fd, room, CONF_MAX - 1)
			      : -1;
	if (got > 0) {
		room[got] = '\0';
		settings_parse(settings, (char *)room, complaint);
	}
}

struct wanted {
	const char *name;
	int64_t id;
};

static int keep_wanted(void *context, const struct node_row *node)
{
	struct wanted *wanted = context;

	if (strcmp(node->name, wanted->name) == 0)
		wanted->id = node->id;
	return 0;
}

int evidence_choose_node(const struct cli *cli, struct store *store, const char *name)
{
	char host[HOSTNAME_SIZE];
	struct settings settings;
	struct wanted wanted = { .name = name };

	if (!store_shared(store))
		return name == NULL ? CLI_OK : cli_fail("this store has one gateway");
	read_settings(cli, &settings);
	store_node_name(settings.node_name, host);
	if (name == NULL)
		wanted.name = host;
	int r = store_node_list(store, keep_wanted, &wanted);
	if (r < 0)
		return cli_fail("the store: %s", error_text(r));
	if (wanted.id == 0)
		return cli_fail("%s: no gateway of that name was ever on this store", wanted.name);
	store_node_set(store, wanted.id);
	return CLI_OK;
}

int evidence_open_store(const struct cli *cli, struct store **ret_store)
{
	char directory[URL_SIZE * 2];
	struct settings settings;
	const char *where = settings.gateway_store;

	read_settings(cli, &settings);
	snprintf(directory, sizeof directory, "%s/store", cli->data);
	int r = store_open_read(where, directory, ret_store);
	return r < 0 ? cli_fail("%s: %s", strcmp(where, "sqlite") == 0 ? directory : where,
			       error_text(r))
		     : CLI_OK;
}

int evidence_compared(const struct witness_report *report, const char *what)
{
	if (report->heads == 0)
		return cli_fail("the witness file has no head of this %s", what);
	if (report->agreed == 0)
		return cli_fail("none of the %" PRIu64 " heads in the witness file is of this %s",
			report->heads, what);
	return CLI_OK;
}

int evidence_recording_exit(const struct recording_report *report)
{
	switch (report->verdict) {
	case RECORDING_INTACT:
		return report->compared ? evidence_compared(&report->witness, "recording") : CLI_OK;
	case RECORDING_CUT:
		return CLI_CUT;
	case RECORDING_DISAGREES:
		return CLI_DISAGREES;
	case RECORDING_ALTERED:
	case RECORDING_HEADER_ALTERED:
		return CLI_ALTERED;
	case RECORDING_FOREIGN:
		return CLI_FOREIGN;
	default:
		return CLI_FAILED;
	}
}
