/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/loop.h"
#include "base/settings.h"
#include "supervisor/outside.h"
#include "supervisor/share.h"
#include "wire/wire.h"

/*
 * The supervisor binds, starts, reaps, and does nothing else. It alone may be root. It reads no
 * byte that a client or a target sent.
 */

enum service_id {
	SERVICE_VAULT,
	SERVICE_RECORDER,
	SERVICE_WITNESS, /* when a setting asks for it */
	SERVICE_BROKER,
	SERVICE_FRONT,
	SERVICE_COUNT
};

struct service {
	struct supervisor *supervisor;
	enum party party;
	const char *program;
	pid_t pid; /* 0: not running */
	struct channel *channel;
	struct timer *restart;
	uint64_t started_at;
	unsigned quick_deaths; /* in a row */
	bool ready, wanted;
};

struct worker {
	struct worker *next;
	pid_t pid;
	int64_t session;
	struct appetite appetite;
};

/* What the installation directory gives: descriptors opened once, at start. */
struct place {
	int directory, lock;
	int vault, store, recordings;
	int root_key, root_key_next, token_pin; /* credentials; -1: none was given */
	int tls_cert, tls_key;
	int listen, control; /* listen -1: offline */
};

/* The program that speaks to the vault's token, while it runs. */
struct token_errand {
	pid_t pid; /* 0: none */
	struct timer *deadline;
};

struct supervisor {
	struct loop *loop;
	struct settings settings;
	struct place place;
	struct outside outside;
	char program_directory[URL_SIZE]; /* where the other executables lie */
	struct service services[SERVICE_COUNT];
	struct worker *workers;
	struct template *templates; /* what workers are copied from */
	unsigned worker_count, next_worker_uid;
	struct token_errand token;
	bool root;
	bool offline;   /* no front: the command line works on a gateway that is not running */
	bool announced; /* "ready" was printed */
	int stopping;   /* 0, or 1 + the stage of the ordered end */
	struct timer *stop_timer;
	int signals;     /* signalfd */
	unsigned spaces; /* which of spawn.c's sets of namespaces is permitted here */
	bool spaces_known;
	struct share share;
	struct timer *look; /* share.c's next look at the workers */
};

/* place.c: the directory, the lock, the sockets. Errors are printed; returns 0 or an error. */
int place_open(struct place *place, const char *directory, struct settings *settings, bool offline,
	const char *listen, const char *store);
/* As root: gives each process its own directory. */
int place_own(const struct place *place, const struct settings *settings);
void place_close(struct place *place);

/*
 * As root on an installation that belongs to an ordinary user: becomes that user, for good. Returns
 * 1 when it did, 0 when there was nothing to become, or an error.
 */
int place_become_owner(const struct place *place);

/* manager.c: what a service manager (systemd) gave us at birth and wants to hear. */
/* The listening socket it bound for us; -ERR_NOT_FOUND: none; -ERR_MALFORMED: not one of TCP. */
int manager_listener(void);
void manager_tell(const char *state); /* "READY=1"; nothing when nobody asked to be told */

/*
 * credential.c: what the service manager gives, $CREDENTIALS_DIRECTORY/NAME (systemd.exec(5)). A
 * descriptor, or -1: none of that name, or one that everybody may read.
 */
#define CREDENTIAL_ROOT_KEY "sallyport-root-key"
#define CREDENTIAL_ROOT_KEY_NEXT "sallyport-root-key-next"
#define CREDENTIAL_TOKEN_PIN "sallyport-token-pin"
int credential_open(const char *name);
/* The same for a file of a person's, which only its owner may read. */
int credential_open_file(const char *path);

/* token.c: starts the program that speaks to a token, once per question of the vault. */
int token_start(struct supervisor *supervisor, struct channel *vault, struct message *message);
/* True when it was the token's program that ended. */
bool token_reaped(struct supervisor *supervisor, pid_t pid, int status);

/* services.c: the services and who knows whom. */
void services_init(struct supervisor *supervisor);
int services_start(struct supervisor *supervisor);
void services_reaped(struct supervisor *supervisor, struct service *service, int status);
void services_stop(struct supervisor *supervisor); /* in order, each with its time */
unsigned service_uid(const struct supervisor *supervisor, enum party party);

/* spawn.c: the only file that forks and executes. */
pid_t spawn_service(struct supervisor *supervisor, const struct service *service, int channel);
/* A worker that waits to be copied, worker/template.h. channel: its end towards us. */
pid_t spawn_template(const char *driver, int program, int channel);
/* fds: target, view, vault, birth. Adds to supervisor->workers. */
int spawn_worker(
	struct supervisor *supervisor, const struct msg_worker_start *start, const int fds[4]);
/* fds: channel to the vault, PIN. */
pid_t spawn_token(struct supervisor *supervisor, const int fds[2]);
void spawn_kill(struct supervisor *supervisor, int64_t session);
struct worker *spawn_find(struct supervisor *supervisor, pid_t pid);
void spawn_forget(struct supervisor *supervisor, struct worker *worker);

/* templates.c: one process per driver, of which workers are copies. */
/* The pid of a new worker, a child of ours; -1 with errno: execute one instead. */
pid_t template_fork(struct supervisor *supervisor, const char *driver, int program,
	const struct msg_worker_fork *fork, const int fds[4]);
bool template_reaped(struct supervisor *supervisor, pid_t pid); /* was it one? It is forgotten. */
void templates_stop(struct supervisor *supervisor);
