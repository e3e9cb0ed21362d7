/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/loop.h"
#include "base/settings.h"
#include "supervisor/outside.h"
#include "supervisor/programs.h"
#include "supervisor/share.h"
#include "wire/wire.h"

/*
 * The supervisor binds, starts, reaps, and does nothing else. It alone may be root. It reads no
 * byte that a client or a target sent.
 *
 * The services of one generation were started together from the same executables with the same
 * settings. `sallyport reload` puts a new generation in its place; of the old one there stays what
 * still has something to finish.
 */

enum service_id {
	SERVICE_VAULT,
	SERVICE_RECORDER,
	SERVICE_WITNESS, /* when a setting asks for it */
	SERVICE_BROKER,
	SERVICE_FRONT,
	SERVICE_COUNT
};

#define RETIRED_MAX 64 /* older processes that still finish what they have */

struct service {
	struct service *next; /* among the retired ones */
	struct supervisor *supervisor;
	enum service_id id;
	enum party party;
	const char *program;
	uint32_t generation;
	pid_t pid; /* 0: not running */
	struct channel *channel;
	struct timer *restart;
	uint64_t started_at;
	unsigned quick_deaths; /* in a row */
	bool ready, wanted;
	bool retiring; /* was told to finish: is not started again */
	char version[VERSION_SIZE];
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

enum reload_stage {
	STAGE_NONE,
	STAGE_EXECUTING, /* checked; this process becomes the new executable when all is said */
	STAGE_PREPARING, /* vault and recorder of the next generation start */
	STAGE_FRONT,     /* then its front; both fronts accept */
	STAGE_BROKER,  /* the old broker ends; the next one waits, and everybody's calls with it */
	STAGE_OPENING, /* the next broker opens the store */
};

struct reload {
	enum reload_stage stage;
	uint32_t generation; /* the next one */
	struct service *next[SERVICE_COUNT];
	struct programs programs;
	struct settings settings;
	struct place place; /* the old one, but for what was opened anew */
	struct timer *timer;
	uint64_t deadline; /* monotonic, of EXECUTING */
	enum reload_state state;
	char words[REASON_SIZE]; /* why the last one failed */
};

#define SPACES 3

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
	struct programs programs;
	uint32_t generation, last_generation; /* in charge; the largest number given out */
	int64_t since;                        /* wall clock: in charge since then */
	struct service *services[SERVICE_COUNT];
	struct service *retired;
	struct reload reload;
	struct worker *workers;
	struct template *templates; /* what workers are copied from */
	unsigned worker_count, next_worker_uid;
	struct {
		const char *data, *listen, *store;
	} options; /* of the command line: they beat the settings at every reload */
	struct token_errand token;
	bool root;
	bool offline;   /* no front: the command line works on a gateway that is not running */
	bool announced; /* "ready" was printed */
	bool renew;     /* after the ordered end: begin anew in this process, from the disk */
	int stopping;   /* 0, or 1 + the stage of the ordered end */
	struct timer *stop_timer;
	int signals;     /* signalfd */
	unsigned spaces; /* which of spawn.c's SPACES sets of namespaces is permitted here */
	bool spaces_known;
	struct share share;
	struct timer *look; /* share.c's next look at the workers */
};

/* manager.c: what a service manager (systemd) gave us at birth and wants to hear. */
/* The listening socket it bound for us; -ERR_NOT_FOUND: none; -ERR_MALFORMED: not one of TCP. */
int manager_listener(void);
bool manager_listens(void);           /* it bound it: where we listen is not ours to change */
void manager_tell(const char *state); /* "READY=1"; nothing when nobody asked to be told */
