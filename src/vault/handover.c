/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/handover.h"

#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/format.h"

#define WORD "sallyport handover 1"
#define MASTER_LEN 32

struct question {
	char word[24];
	char format[WIRE_FORMAT_SIZE];
	uint8_t installation_id[KEYRING_ID_LEN];
	uint8_t installation_public[32];
	uint8_t box[crypto_box_PUBLICKEYBYTES];
};
struct answer {
	char word[24];
	int32_t result;
	uint8_t master[MASTER_LEN + crypto_box_SEALBYTES];
};

struct handover {
	int fd; /* -1: the asker is gone */
	struct watch *watch;
	const struct keyring *keyring;
};

/* One packet from a process under our own uid; the supervisor had the kernel name each sender. */
static int receive(int fd, void *bytes, size_t size)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec piece = { bytes, size };
	struct msghdr message = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	struct ucred sender = { .uid = (uid_t)-1 };
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got <= 0)
		return -ERR_CLOSED;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at))
		if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_CREDENTIALS)
			memcpy(&sender, CMSG_DATA(at), sizeof sender);
	if ((size_t)got != size || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return -ERR_MALFORMED;
	return sender.uid == getuid() ? 0 : -ERR_NOT_AUTHORIZED;
}

static int deliver(int fd, const void *bytes, size_t size)
{
	return send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size ? 0
										   : -ERR_CLOSED;
}

static void fill_question(struct question *question, const struct keyring *keyring)
{
	memset(question, 0, sizeof *question);
	memcpy(question->word, WORD, sizeof WORD);
	memcpy(question->format, wire_format(), WIRE_FORMAT_SIZE);
	memcpy(question->installation_id, keyring_installation_id(keyring), KEYRING_ID_LEN);
	memcpy(question->installation_public, keyring_installation_public(keyring), 32);
}

/* --- the new one ---------------------------------------------------------------------------- */

static int await(int fd, struct answer *answer)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	if (poll(&poller, 1, HANDOVER_MS) != 1)
		return -ERR_TIMED_OUT;
	int r = receive(fd, answer, sizeof *answer);
	if (r == 0 && memcmp(answer->word, WORD, sizeof WORD) != 0)
		r = -ERR_MALFORMED;
	return r == 0 && answer->result < 0 ? answer->result : r;
}

/* The file is read again: until now the old one could change it. */
static int load_with(int directory, const uint8_t master[MASTER_LEN], struct keyring **ret_keyring)
{
	CLEANUP(keyring_destroyp) struct keyring *keyring = NULL;
	int r = keyring_load(directory, &keyring);
	if (r == 0)
		r = keyring_open_master(keyring, master);
	if (r == 0)
		*ret_keyring = STEAL(keyring);
	return r;
}

/* What is secret lies where keys lie. */
struct passage {
	uint8_t secret[crypto_box_SECRETKEYBYTES], master[MASTER_LEN];
};
_Static_assert(sizeof(struct passage) <= KEYRING_SCRATCH, "it fits");

int handover_ask(int fd, const struct keyring *mine, int directory, struct keyring **ret_keyring)
{
	struct passage *passage = keyring_scratch(mine);
	struct question question;
	struct answer answer = { .result = 0 };
	fill_question(&question, mine);
	crypto_box_keypair(question.box, passage->secret);
	int r = deliver(fd, &question, sizeof question);
	if (r == 0)
		r = await(fd, &answer);
	if (r == 0 && crypto_box_seal_open(passage->master, answer.master, sizeof answer.master,
			      question.box, passage->secret) != 0)
		r = -ERR_CRYPTO;
	if (r == 0)
		r = load_with(directory, passage->master, ret_keyring);
	mem_wipe(passage, sizeof *passage);
	return r;
}

/* --- the old one ---------------------------------------------------------------------------- */

static int check(const struct handover *handover, const struct question *question)
{
	struct question ours;
	fill_question(&ours, handover->keyring);
	/* Everything before the asker's key must be what we would ask. */
	if (memcmp(question, &ours, offsetof(struct question, box)) != 0)
		return -ERR_NOT_AUTHORIZED;
	return keyring_sealed(handover->keyring) ? -ERR_SEALED : 0;
}

static int reply(struct handover *handover)
{
	struct question question;
	struct answer answer;
	memset(&answer, 0, sizeof answer);
	memcpy(answer.word, WORD, sizeof WORD);
	int r = receive(handover->fd, &question, sizeof question);
	if (r == -ERR_CLOSED)
		return r;
	if (r == 0)
		r = check(handover, &question);
	if (r == 0 && crypto_box_seal(answer.master, keyring_master(handover->keyring), MASTER_LEN,
			      question.box) != 0)
		r = -ERR_CRYPTO;
	answer.result = r;
	if (r < 0 && r != -ERR_SEALED)
		log_error("vault.handover", "refused: %s", error_name(r));
	r = deliver(handover->fd, &answer, sizeof answer);
	mem_wipe(&answer, sizeof answer);
	return r;
}

static void hang_up(struct handover *handover)
{
	watch_remove(STEAL(handover->watch));
	fd_closep(&handover->fd);
}

static void on_asked(void *context, uint32_t events)
{
	struct handover *handover = context;
	if ((events & EPOLLIN) == 0 || reply(handover) < 0)
		hang_up(handover);
}

int handover_create(
	struct loop *loop, int fd, const struct keyring *keyring, struct handover **ret_handover)
{
	struct handover *handover = calloc(1, sizeof *handover);
	if (handover == NULL) {
		fd_closep(&fd);
		return -ERR_SYSTEM;
	}
	*handover = (struct handover){ .fd = fd, .keyring = keyring };
	int r = loop_watch(loop, fd, EPOLLIN, on_asked, handover, &handover->watch);
	if (r < 0) {
		handover_destroy(handover);
		return r;
	}
	*ret_handover = handover;
	return 0;
}

void handover_destroy(struct handover *handover)
{
	if (handover == NULL)
		return;
	hang_up(handover);
	free(handover);
}

bool handover_under_way(const struct handover *handover)
{
	return handover != NULL && handover->fd >= 0;
}
