/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The villain: what sits in a worker's place after its target took it over. It is a driver like
 * any other, in the real host, behind the real walls; a line that the target sends or the person
 * types names what to try:
 *
 *	list				every name, its class, and what becomes of it
 *	openat_to_read			an attempt of tests/unit/base/probes.def
 *	vault_again			one of its own, below
 *
 * What becomes of an attempt: "deadly", the filter ends the process; "struck", who it was said to
 *ends the session; "refused", an error; "bounded", it goes on and does not matter; "granted", the
 *little that a worker may.
 *
 * It says "trying NAME" first, and "NAME refused (why)" or "NAME GOT AWAY WITH IT" if it is still
 *alive afterwards. To play it, put it in the place of another worker's executable.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
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
#include "wire/messages.h"
#include "../unit/base/probes.h"

#define FD_TARGET_SOCKET 3
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

/* States without end: each would be work for the broker. */
static long flood_states(void)
{
	fcntl(FD_VIEW, F_SETFL, 0);
	for (int i = 0; i < 100000; i++)
		if (raw_frame(VIEW_STATE, 1, "\3", 1) < 0)
			return FOUND_NOTHING;
	return 100000;
}

/* Bytes without end that are no frames. */
static long flood_garbage(void)
{
	static uint8_t bytes[65536];

	memset(bytes, 0xa5, sizeof bytes);
	fcntl(FD_VIEW, F_SETFL, 0);
	for (int i = 0; i < 1600; i++)
		if (send(FD_VIEW, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
			return FOUND_NOTHING;
	return 1600;
}

/* Questions without end to the vault, none of whose answers is read. */
static long flood_vault(void)
{
	static const uint8_t list[5] = { 0, 0, 0, 1, 11 };

	fcntl(FD_VAULT, F_SETFL, 0);
	for (int i = 0; i < 1000000; i++)
		if (send(FD_VAULT, list, sizeof list, MSG_NOSIGNAL) < 0)
			return FOUND_NOTHING;
	return 1000000;
}

static long flood_vault_garbage(void)
{
	static uint8_t bytes[65536];

	memset(bytes, 0xa5, sizeof bytes);
	fcntl(FD_VAULT, F_SETFL, 0);
	for (int i = 0; i < 1600; i++)
		if (send(FD_VAULT, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
			return FOUND_NOTHING;
	return 1600;
}

/* Messages as processes exchange them, to whoever is at the other end: nobody there reads them. */
static long say_message(int fd)
{
	uint8_t packet[16] = { MSG_STOP_ASK };

	return send(fd, packet, sizeof packet, MSG_NOSIGNAL);
}

static long message_to_recorder(void)
{
	return say_message(FD_VIEW);
}

static long message_to_vault(void)
{
	long r = say_message(FD_VAULT);
	uint8_t answer[8];

	fcntl(FD_VAULT, F_SETFL, 0);
	return r < 0 || recv(FD_VAULT, answer, sizeof answer, 0) <= 4 || answer[4] == 5
		       ? FOUND_NOTHING
		       : r;
}

static long resolve_a_name(void)
{
	struct addrinfo *found;

	return getaddrinfo("localhost", "22", NULL, &found) == 0 ? 1 : FOUND_NOTHING;
}

static long its_own_socket(void)
{
	return send(FD_TARGET_SOCKET, "granted\n", 8, MSG_NOSIGNAL);
}

/* Threads and processes by the library, as code that was smuggled in would. */
static long fork_by_library(void)
{
	return fork();
}

static void *idle(void *context)
{
	return context;
}

static long thread_by_library(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, idle, NULL) == 0 ? 1 : FOUND_NOTHING;
}

/* Memory of many small pieces, whose tables are the kernel's. */
static long eat_mappings(void)
{
	for (long i = 0; i < 1000000; i++)
		if (mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return FOUND_NOTHING;
	return 1000000;
}

static long lock_memory(void)
{
	void *piece =
		mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return piece == MAP_FAILED || mlock(piece, 64 << 20) < 0 ? FOUND_NOTHING : 1;
}

static const struct {
	const char *name, *class, *becomes;
	long (*attempt)(void);
} simple[] = {
	{ "its_own_socket", "E2", "granted", its_own_socket },
	{ "resolve_a_name", "E2", "deadly", resolve_a_name },
	{ "fork_by_library", "E3", "deadly", fork_by_library },
	{ "thread_by_library", "E3", "deadly", thread_by_library },
	{ "eat_memory", "E7", "refused", eat_memory },
	{ "eat_mappings", "E7", "refused", eat_mappings },
	{ "lock_memory", "E7", "refused", lock_memory },
	{ "eat_descriptors", "E7", "refused", eat_descriptors },
	{ "spin", "E7", "bounded", spin },
	{ "flood_recorder", "E7", "bounded", flood_recorder },
	{ "flood_garbage", "E7", "struck", flood_garbage },
	{ "flood_states", "E7", "struck", flood_states },
	{ "flood_vault", "E7", "refused", flood_vault },
	{ "flood_vault_garbage", "E7", "refused", flood_vault_garbage },
	{ "message_to_recorder", "E8", "struck", message_to_recorder },
	{ "message_to_vault", "E8", "refused", message_to_vault },
	{ "vault_sign_first", "E8", "refused", vault_sign_first },
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
	{ "frame_state_again", VIEW_STATE, 1, "\3", 1 },
	{ "frame_state_backwards", VIEW_STATE, 1, "\1", 1 },
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
	char what[32];

	for (unsigned i = 0; i < probe_count; i++) {
		snprintf(what, sizeof what, "%s deadly", probes[i].class);
		say(villain, probes[i].name, what);
	}
	for (unsigned i = 0; i < ARRAY_LEN(simple); i++) {
		snprintf(what, sizeof what, "%s %s", simple[i].class, simple[i].becomes);
		say(villain, simple[i].name, what);
	}
	for (unsigned i = 0; i < ARRAY_LEN(frames); i++)
		say(villain, frames[i].name, "E8 struck");
	say(villain, "vault_again", "E8 refused");
	say(villain, "vault_other_key", "E8 refused");
	say(villain, "list", "is complete");
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
