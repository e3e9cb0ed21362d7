/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/loop.h"
#include "vault/keyring.h"
#include "vault/release.h"
#include "wire/messages.h"

/*
 * A grant: one session may have one secret, once, after its worker named a host key that is pinned
 * and the broker wrote it down. The envelope stays sealed until then. Each grant has its stream to
 * the worker and a deadline; the worker's end of file, GRANT_END or the deadline ends it.
 */
#define GRANTS_MAX 1024

#define GRANT_STATES                                                                               \
	STATE(WAITING) /* the worker has yet to name the host key it verified */                   \
	STATE(ASKED)   /* the broker is writing its audit line */                                  \
	STATE(SERVING) /* a key: identities and signatures */                                      \
	STATE(POURING) /* a password: until its last byte is out */
#define GRANT_MOVES MOVE(WAITING, ASKED) MOVE(ASKED, SERVING) MOVE(ASKED, POURING)

enum grant_state {
#define STATE(name) GRANT_##name,
	GRANT_STATES
#undef STATE
};

struct grant;

/* What the owner of the grants hears. The grant is gone after refused(). */
struct grant_events {
	bool (*wanted)(void *context, const struct msg_grant *facts); /* false: nobody is there */
	void (*refused)(void *context, const struct msg_grant *facts, int r);
	void (*ended)(
		void *context, const struct msg_grant *facts, int r); /* r: 0 or -ERR_TIMED_OUT */
	void *context;
};
struct grants {
	struct loop *loop;
	struct keyring *keyring;
	struct release_log *log;
	struct grant_events events;
	uint64_t patience_ms;
	struct grant *first;
	unsigned count;
};

/* The answer to SECRET_GRANT. Takes ownership of fd, whatever happens. */
void grants_give(struct grants *grants, const struct msg_grant *facts, const void *envelope,
	size_t len, int fd);
void grants_release(struct grants *grants, int64_t session); /* unknown sessions are no error */
void grants_end(struct grants *grants, int64_t session);
/* The oldest root key that an envelope still waits under; 0: none waits. */
uint32_t grants_oldest_key(const struct grants *grants);
/* All of them, whatever they are at: those who have nothing yet are refused with r. */
void grants_drop(struct grants *grants, int r);
/*
 * The broker is gone. One that was replaced in order has answered what it had read, so the rest is
 * asked of the next; after a crash nobody knows whether it wrote down a release, and those who
 * waited for its word are let go. Whoever has not asked yet may ask the next one.
 */
void grants_orphan(struct grants *grants, bool replaced);
void grants_ask(struct grants *grants); /* a broker is there: those whom nobody has heard */
void grants_finish(struct grants *grants);
