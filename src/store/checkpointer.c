/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpointer.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

extern const char connection_sqlite_checkpoint[]; /* the file .sql */

struct checkpointer {
	sqlite3 *database; /* the thread's alone, once it runs */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t work;
	bool wanted, stopping, started;
};

/* What goes wrong here goes wrong again, and is told, when the writer does it itself. */
static void *checkpointer_main(void *context)
{
	struct checkpointer *checkpointer = context;

	pthread_mutex_lock(&checkpointer->mutex);
	while (!checkpointer->stopping) {
		if (!checkpointer->wanted) {
			pthread_cond_wait(&checkpointer->work, &checkpointer->mutex);
			continue;
		}
		checkpointer->wanted = false;
		pthread_mutex_unlock(&checkpointer->mutex);
		sqlite3_wal_checkpoint_v2(
			checkpointer->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		pthread_mutex_lock(&checkpointer->mutex);
	}
	pthread_mutex_unlock(&checkpointer->mutex);
	return NULL;
}

static int open_database(struct checkpointer *checkpointer, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE;
	int code = sqlite3_open_v2(path, &checkpointer->database, flags, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(
			checkpointer->database, connection_sqlite_checkpoint, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : -ERR_STORE;
}

static int start(struct checkpointer *checkpointer)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&checkpointer->thread, NULL, checkpointer_main, checkpointer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	checkpointer->started = r == 0;
	return r == 0 ? 0 : -ERR_SYSTEM;
}

int checkpointer_create(const char *path, struct checkpointer **ret_checkpointer)
{
	struct checkpointer *checkpointer = calloc(1, sizeof *checkpointer);

	if (checkpointer == NULL)
		return -ERR_SYSTEM;
	pthread_mutex_init(&checkpointer->mutex, NULL);
	pthread_cond_init(&checkpointer->work, NULL);
	int r = open_database(checkpointer, path);
	if (r == 0)
		r = start(checkpointer);
	if (r < 0) {
		checkpointer_destroy(checkpointer);
		return r;
	}
	*ret_checkpointer = checkpointer;
	return 0;
}

void checkpointer_destroy(struct checkpointer *checkpointer)
{
	if (checkpointer == NULL)
		return;
	pthread_mutex_lock(&checkpointer->mutex);
	checkpointer->stopping = true;
	pthread_cond_signal(&checkpointer->work);
	pthread_mutex_unlock(&checkpointer->mutex);
	if (checkpointer->started)
		pthread_join(checkpointer->thread, NULL);
	sqlite3_close(checkpointer->database);
	pthread_cond_destroy(&checkpointer->work);
	pthread_mutex_destroy(&checkpointer->mutex);
	free(checkpointer);
}

void checkpointer_poke(struct checkpointer *checkpointer)
{
	pthread_mutex_lock(&checkpointer->mutex);
	checkpointer->wanted = true;
	pthread_cond_signal(&checkpointer->work);
	pthread_mutex_unlock(&checkpointer->mutex);
}
