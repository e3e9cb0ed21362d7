/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/secret.h"
#include "wire/messages.h"
#include "wire/view.h"

/*
 * A protocol is one folder that fills one struct driver; each worker executable links the host
 * (src/worker) and exactly one driver. A driver gets a connected descriptor, later a secret, and
 * draws. It does not know the browser, the recorder, the vault or DNS. telnet/ is the smallest
 * example.
 *
 * A driver never blocks and never sleeps. Functions return 0 or -ERR_...; an error that was not
 * put into words with worker_end() ends the session with the text of its row in errors.def.
 */
struct worker; /* the host */

struct screen {
	uint16_t columns, rows, width, height;
};

struct driver {
	const char *name;   /* as in drivers.def */
	bool proves_itself; /* has host keys: no secret before worker_host_key() */
	/*
	 * Before the sandbox, and once for all sessions that are copied from a template: whatever
	 * the library would load from files later, or work out again in each of them. May be NULL.
	 */
	int (*prepare)(void);
	/* In the sandbox. The session is the driver's own, and so is `target` from here on. */
	int (*open)(struct worker *worker, int target, void **ret_session);
	/*
	 * Something may have changed: the target is ready, the view has room again, or a time asked
	 * for with worker_wake() came. Goes as far as it can; 1 means: again soon, there is more.
	 */
	int (*turn)(void *session);
	/* The vault agreed. `secret` is the driver's now; NULL for a key: worker_agent() signs. */
	int (*secret)(void *session, struct secret *secret);
	/* What was typed, only while LIVE. Returns how much it took; the rest is offered again. */
	ssize_t (*input)(void *session, const uint8_t *bytes, size_t len);
	int (*resize)(void *session, const struct screen *screen);
	/* Provokes an answer from the target; NULL where a protocol has no such question. */
	int (*keepalive)(void *session);
	/* EPOLLIN and EPOLLOUT the driver waits for on the target now; 0: nothing. */
	uint32_t (*wants)(void *session);
	void (*close)(void *session); /* with its target; NULL is fine */
};
extern const struct driver driver;

/* What a driver may ask of its host. */
const struct worker_birth *worker_birth(const struct worker *worker);
const struct screen *worker_screen(const struct worker *worker);
/*
 * How many bytes of TEXT the view takes now; 0 while the recorder has not taken what was given:
 * then the driver stops reading its target, and turn() is called when there is room.
 */
size_t worker_room(const struct worker *worker);
int worker_text(struct worker *worker, const void *bytes, size_t len);
/* Tells the person where the session stands. */
void worker_state(struct worker *worker, enum view_state state);
bool worker_live(const struct worker *worker);
/*
 * The target proved that it holds this key (SSH wire form). The host compares it with the pins
 * and asks the vault; secret() follows. Any other key ends the session here, with -ERR_...: the
 * vault is never asked. `exchange` is what the key exchange hashed, in which the key stands: the
 * vault signs a login only for it. NULL: it could not be had; passwords do without.
 */
int worker_host_key(struct worker *worker, const char *algorithm, const void *blob, size_t len,
	const void *exchange, size_t exchange_len);
/* For protocols that prove nothing. */
int worker_ask_secret(struct worker *worker);
/* The vault's stream as an SSH agent; ownership moves to the caller. */
int worker_agent(struct worker *worker);
void worker_wake(struct worker *worker, unsigned ms); /* turn() at that time; the newest wins */
/*
 * Ends the session: why (0 or -ERR_...), the exit status of the target's program (-1 unknown),
 * and words for the person, which may quote the target. Only the first call counts. Returns why.
 */
int worker_end(struct worker *worker, int why, int exit_status, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
