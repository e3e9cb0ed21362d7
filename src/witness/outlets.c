/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "witness/witness.h"

#define AUTHORITIES_MAX (1024 * 1024)
#define MOST_FILE WITNESS_ROWS_MAX
#define MOST_MESSAGES (32 * 1024) /* a receiver out there should not choke on one delivery */

static int complain(const char *setting, const char *why)
{
	log_error("witness.settings", "%s: %s", setting, why);
	return -ERR_MALFORMED;
}

/* A whole file from its beginning, whoever read in it before. The caller frees. */
static char *read_text(int fd)
{
	CLEANUP(mem_freep) char *text = malloc(AUTHORITIES_MAX);
	ssize_t len = 0, got = 1;

	while (text != NULL && fd >= 0 && got > 0 && len < AUTHORITIES_MAX - 1) {
		got = pread(fd, text + len, (size_t)(AUTHORITIES_MAX - 1 - len), len);
		len += got > 0 ? got : 0;
	}
	if (text == NULL || fd < 0 || got != 0)
		return NULL;
	text[len] = '\0';
	return STEAL(text);
}

static int open_file(struct witness *witness, enum outlet_id id, const char *given,
	const char *setting, const char *path)
{
	struct outlet *outlet = &witness->outlets[id];
	struct file *file = &witness->files[id == OUTLET_MIRROR ? 0 : 1];
	int directory = process_fd(&witness->process, given);

	if (path[0] == '\0')
		return 0;
	if (directory < 0)
		return complain(setting, "its directory cannot be opened");
	file_init(file, directory, path);
	outlet->kind = &file_kind;
	outlet->self = file;
	outlet->rows = outlet->whole = id == OUTLET_MIRROR;
	outlet->recordings = id == OUTLET_FILE;
	outlet->most = MOST_FILE;
	return 0;
}

static void begin_messages(struct witness *witness, struct outlet *outlet)
{
	const struct settings *settings = &witness->process.settings;

	outlet->rows = setting_yes(settings->witness_rows);
	outlet->recordings = true;
	outlet->most = MOST_MESSAGES;
	if (setting_yes(settings->witness_required))
		outlet->heartbeat_ms = (uint64_t)settings->witness_within * 1000 / 3;
}

static int open_syslog(struct witness *witness, const char *authorities)
{
	const struct settings *settings = &witness->process.settings;
	struct outlet *outlet = &witness->outlets[OUTLET_SYSLOG];
	bool cef = strcmp(settings->witness_syslog_form, "cef") == 0;

	if (settings->witness_syslog[0] == '\0')
		return 0;
	int r = syslog_init(&witness->syslog, settings->witness_syslog, cef, authorities);
	if (r == -ERR_CRYPTO)
		return complain("witness.authorities", "no certificate can be read in it");
	if (r < 0)
		return complain("witness.syslog", "not tls://host:port or tcp://host:port");
	lookup_resolve(&witness->syslog.lookup, witness->process.uid);
	outlet->kind = &syslog_kind;
	outlet->self = &witness->syslog;
	begin_messages(witness, outlet);
	return 0;
}

static struct secret *read_key(struct witness *witness)
{
	CLEANUP(fd_closep) int fd = process_fd(&witness->process, "webhook-key");
	struct secret *key = NULL;

	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || secret_read(fd, 1, &key) < 0)
		return NULL;
	return key;
}

static int open_webhook(struct witness *witness, const char *authorities)
{
	const struct settings *settings = &witness->process.settings;
	struct outlet *outlet = &witness->outlets[OUTLET_WEBHOOK];
	struct webhook *webhook = &witness->webhook;

	if (settings->witness_webhook[0] == '\0')
		return 0;
	struct secret *key = read_key(witness);
	if (key == NULL || secret_len(key) < WEBHOOK_KEY_LEAST) {
		secret_destroy(key);
		return complain("witness.webhook_key", "no file with 16 bytes or more");
	}
	int r = webhook_init(webhook, settings->witness_webhook, key, strdup(authorities));
	if (r < 0 || webhook->authorities == NULL)
		return complain("witness.webhook", "not https://host/path");
	lookup_resolve(&webhook->lookup, witness->process.uid);
	if (webhook_open(webhook) < 0)
		return complain("witness.webhook", "the HTTP library does not work");
	outlet->kind = &webhook_kind;
	outlet->self = webhook;
	begin_messages(witness, outlet);
	return 0;
}

int outlets_open(struct witness *witness)
{
	const struct settings *settings = &witness->process.settings;
	CLEANUP(fd_closep) int fd = process_fd(&witness->process, "authorities");
	CLEANUP(mem_freep) char *authorities = read_text(fd);

	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		witness->outlets[i].id = i;
	int r = open_file(witness, OUTLET_MIRROR, "mirror", "audit.mirror", settings->audit_mirror);
	if (r == 0)
		r = open_file(witness, OUTLET_FILE, "witness-file", "witness.file",
			settings->witness_file);
	if (r == 0)
		r = open_syslog(witness, authorities != NULL ? authorities : "");
	return r < 0 ? r : open_webhook(witness, authorities != NULL ? authorities : "");
}

void outlets_begin(struct witness *witness)
{
	struct positions *positions = &witness->positions;

	for (unsigned i = 0; i < OUTLET_COUNT; i++) {
		struct outlet *outlet = &witness->outlets[i];
		outlet->host = &witness->host;
		if (outlet->kind == NULL)
			continue;
		outlet_begin(outlet, positions->known[i] ? &positions->rows[i] : NULL);
		outlet_look(outlet);
	}
}

void outlets_end(struct witness *witness)
{
	for (unsigned i = 0; i < OUTLET_COUNT; i++)
		outlet_end(&witness->outlets[i]);
}
