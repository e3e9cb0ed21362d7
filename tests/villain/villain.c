/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The villain: what sits in a worker's place after its target took it over. It is a driver like
 * any other, in the real host, behind the real walls; a line that the target sends or the person
 * types names what to try:
 *
 *	list				every name
 *	openat_to_read			an attempt of tests/unit/base/probes.def
 *	vault_again			one of its own, below
 *
 * It says "trying NAME" first, and "NAME: refused (why)" or "NAME: GOT AWAY WITH IT" if it is still
 * alive afterwards. To play it, put it in the place of another worker's executable.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "drivers/driver.h"
#include "../unit/base/probes.h"

#define FD_VIEW 4
#define FD_VAULT 5
#define LINE_MAX_LEN 64
#define FOUND_NOTHING (-1L)

struct villain {
	struct worker *worker;
	int target;
	char line[LINE_MAX_LEN];
	size_t len;
	struct spoils spoils;
};

/* A frame of any type, past the host. */
static long raw_frame(uint8_t type, uint32_t len, const void *payload, size_t payload_len)
{
	uint8_t bytes[512] = { type };

	put32(bytes + 4, len);
	memcpy(bytes + VIEW_HEADER_LEN, payload, payload_len);
	return send(FD_VIEW, bytes, VIEW_HEADER_LEN + payload_len, MSG_NOSIGNAL);
}

/* Asks the vault with this proof and says what it answered: 6 is an agreement. */
static long ask_vault(uint8_t proof)
{
	uint8_t asked[58] = "\0\0\0\x36\x1b\0\0\0\x0dpin@sallyport\0\0\0\x20", answer[64] = { 0 };

	memset(asked + 26, proof, 32);
	if (send(FD_VAULT, asked, sizeof asked, MSG_NOSIGNAL) < 0)
		return FOUND_NOTHING;
	fcntl(FD_VAULT, F_SETFL, 0);
	if (recv(FD_VAULT, answer, sizeof answer, 0) <= 4 || answer[4] != 6) {
		errno = EPERM;
		return FOUND_NOTHING;
	}
	return 0;
}

static long vault_sign_first(void)
{
	static const uint8_t list[5] = { 0, 0, 0, 1, 11 };
	uint8_t answer[64] = { 0 };

	if (send(FD_VAULT, list, sizeof list, MSG_NOSIGNAL) < 0)
		return FOUND_NOTHING;
	fcntl(FD_VAULT, F_SETFL, 0);
	if (recv(FD_VAULT, answer, sizeof answer, 0) <= 4 || answer[4] != 12) {
		errno = EPERM;
		return FOUND_NOTHING;
	}
	return 0;
}

/* Takes all memory there is, touching it. */
static long eat_memory(void)
{
	long mebibytes = 0;

	for (char *piece; (piece = malloc(1 << 20)) != NULL; mebibytes++) {
		memset(piece, 1, 1 << 20);
		if (mebibytes >= 1024)
			return mebibytes;
	}
	errno = ENOMEM;
	return FOUND_NOTHING;
}

static long eat_descriptors(void)
{
	for (int i = 0; i < 64; i++)
		if (dup(FD_VIEW) < 0)
			return FOUND_NOTHING;
	return 64;
}

static long spin(void)
{
	volatile unsigned long turns = 1;

	while (turns != 0)
		turns |= 1;
	return (long)turns;
}

static long flood_recorder(void)
{
	static uint8_t bytes[65536];

	fcntl(FD_VIEW, F_SETFL, 0);
	for (int i = 0; i < 1600; i++)
		if (raw_frame(VIEW_TEXT, sizeof bytes, "", 0) < 0 ||
			send(FD_VIEW, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
			return FOUND_NOTHING;
	return 1600;
}

static const struct {
	const char *name;
	long (*attempt)(void);
} simple[] = {
	{ "vault_sign_first", vault_sign_first },
	{ "eat_memory", eat_memory },
	{ "eat_descriptors", eat_descriptors },
	{ "spin", spin },
	{ "flood_recorder", flood_recorder },
};

/* Frames a worker must not send, whatever it became. */
static const struct {
	const char *name;
	uint8_t type;
	uint32_t len;
	const char *payload;
	size_t payload_len;
} frames[] = {
	{ "frame_typed_by_nobody", VIEW_KEYS, 4, "rm \r", 4 },
	{ "frame_size_by_nobody", VIEW_RESIZE, 8, "\1\0\1\0\0\0\0\0", 8 },
	{ "frame_welcome", VIEW_WELCOME, 16, "0123456789abcdef", 16 },
	{ "frame_refused", VIEW_REFUSED, 4, "\0\0\0\0", 4 },
	{ "frame_somebody_joined", VIEW_JOIN, 4, "\0eve", 4 },
	{ "frame_gateway_speaks", VIEW_NOTICE, 5, "Hello", 5 },
	{ "frame_too_long", VIEW_TEXT, 0xffffffff, "x", 1 },
	{ "frame_empty_text", VIEW_TEXT, 0, "", 0 },
	{ "frame_bad_state", VIEW_STATE, 1, "\x63", 1 },
	{ "frame_reserved_bits", 0xff, 1, "x", 1 },
};

static void say(struct villain *villain, const char *name, const char *what)
{
	char line[200];
	int len = snprintf(line, sizeof line, "%s %s\r\n", name, what);

	worker_text(villain->worker, line, (size_t)len);
}

static void list(struct villain *villain)
{
	for (unsigned i = 0; i < probe_count; i++)
		say(villain, probes[i].name, "");
	for (unsigned i = 0; i < ARRAY_LEN(simple); i++)
		say(villain, simple[i].name, "");
	for (unsigned i = 0; i < ARRAY_LEN(frames); i++)
		say(villain, frames[i].name, "");
	say(villain, "vault_again", "");
	say(villain, "vault_other_key", "");
}

/* 1 when there is such an attempt. */
static int attempt(struct villain *villain, const char *name, long *ret_got)
{
	for (unsigned i = 0; i < probe_count; i++)
		if (strcmp(probes[i].name, name) == 0)
			return *ret_got = probes[i].attempt(villain->spoils), 1;
	for (unsigned i = 0; i < ARRAY_LEN(simple); i++)
		if (strcmp(simple[i].name, name) == 0)
			return *ret_got = simple[i].attempt(), 1;
	for (unsigned i = 0; i < ARRAY_LEN(frames); i++)
		if (strcmp(frames[i].name, name) == 0)
			return *ret_got = raw_frame(frames[i].type, frames[i].len,
				       frames[i].payload, frames[i].payload_len),
			       1;
	if (strcmp(name, "vault_again") == 0)
		return ask_vault(0), *ret_got = ask_vault(0), 1;
	if (strcmp(name, "vault_other_key") == 0)
		return *ret_got = ask_vault(0xee), 1;
	return 0;
}

static void obey(struct villain *villain, const char *name)
{
	char why[64];
	long got = FOUND_NOTHING;

	if (strcmp(name, "list") == 0) {
		list(villain);
		return;
	}
	say(villain, "trying", name);
	errno = 0;
	if (!attempt(villain, name, &got)) {
		say(villain, name, "is unknown");
		return;
	}
	snprintf(why, sizeof why, "refused (%d)", errno);
	say(villain, name, got < 0 ? why : "GOT AWAY WITH IT");
}

static void hear(struct villain *villain, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\r' || bytes[i] == '\n') {
			villain->line[villain->len] = '\0';
			if (villain->len > 0)
				obey(villain, villain->line);
			villain->len = 0;
		} else if (villain->len < sizeof villain->line - 1) {
			villain->line[villain->len++] = (char)bytes[i];
		}
	}
}

static int turn(void *session)
{
	struct villain *villain = session;
	uint8_t bytes[256];
	ssize_t n = recv(villain->target, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n == 0)
		return worker_end(villain->worker, 0, -1, "The villain's target hung up.");
	if (n > 0)
		hear(villain, bytes, (size_t)n);
	return 0;
}

static ssize_t input(void *session, const uint8_t *bytes, size_t len)
{
	hear(session, bytes, len);
	return (ssize_t)len;
}

static int resize(void *session, const struct screen *screen)
{
	return 0;
}

static uint32_t wants(void *session)
{
	return session == NULL ? 0 : EPOLLIN;
}

static int on_secret(void *session, struct secret *secret)
{
	secret_destroy(secret);
	return 0;
}

static void close_session(void *session)
{
	free(session);
}

static int open_session(struct worker *worker, int target, void **ret_session)
{
	struct villain *villain = calloc(1, sizeof *villain);

	if (villain == NULL)
		return -ERR_SYSTEM;
	villain->worker = worker;
	villain->target = target;
	/* A file to abuse it has none: its own socket must do. */
	villain->spoils.socket = villain->spoils.file = target;
	/* In a pid namespace of its own a worker is 1 itself; then anyone else will do. */
	villain->spoils.parent = getpid() == 1 ? 2 : 1;
	villain->spoils.page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*ret_session = villain;
	worker_state(worker, VIEW_LIVE);
	say(villain, "villain", "at your service");
	return 0;
}

const struct driver driver = {
	.name = "villain",
	.open = open_session,
	.turn = turn,
	.secret = on_secret,
	.input = input,
	.resize = resize,
	.wants = wants,
	.close = close_session,
};
