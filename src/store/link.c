/* SPDX-License-Identifier: Apache-2.0 */
#include "store/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

/* Until the socket is ready or the time is up: false. */
static bool wait_for(const PGconn *connection, short events, uint64_t until)
{
	struct pollfd ready = { .fd = PQsocket(connection), .events = events };

	for (;;) {
		uint64_t now = clock_monotonic_ms();
		int r = poll(&ready, 1, now < until ? (int)(until - now) : 0);
		if (r > 0)
			return true;
		if (r == 0 || errno != EINTR)
			return false;
	}
}

static bool connect_all(PGconn *connection, uint64_t until)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (connection == NULL || PQstatus(connection) == CONNECTION_BAD)
		return false;
	while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
		if (!wait_for(
			    connection, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
			return false;
		status = PQconnectPoll(connection);
	}
	return status == PGRES_POLLING_OK;
}

static void ignore_notice(void *context, const char *words)
{
	(void)context;
	(void)words;
}

int link_open(const struct way *way, struct link *ret_link)
{
	struct link link = { .connection = way_begin(way), .wait_ms = LINK_WAIT_MS };

	if (!connect_all(link.connection, clock_monotonic_ms() + LINK_WAIT_MS) ||
		PQsetnonblocking(link.connection, 1) < 0) {
		way_complain(link.connection);
		PQfinish(link.connection);
		return -ERR_STORE_LOST;
	}
	PQsetNoticeProcessor(link.connection, ignore_notice, NULL);
	*ret_link = link;
	return 0;
}

void link_close(struct link *link)
{
	PQfinish(STEAL(link->connection));
}

static int lose(struct link *link)
{
	if (!link->lost)
		way_complain(link->connection);
	link->lost = true;
	return -ERR_STORE_LOST;
}

int link_result(struct link *link, PGresult **ret_result)
{
	uint64_t until = clock_monotonic_ms() + (uint64_t)link->wait_ms;

	*ret_result = NULL;
	if (link->lost)
		return -ERR_STORE_LOST;
	for (;;) {
		int unsent = PQflush(link->connection);
		if (unsent < 0)
			return lose(link);
		if (unsent == 0 && !PQisBusy(link->connection))
			break;
		if (!wait_for(link->connection, unsent > 0 ? POLLIN | POLLOUT : POLLIN, until) ||
			!PQconsumeInput(link->connection))
			return lose(link);
	}
	*ret_result = PQgetResult(link->connection);
	if (PQstatus(link->connection) == CONNECTION_BAD) {
		PQclear(STEAL(*ret_result));
		return lose(link);
	}
	return 0;
}

int link_drain(struct link *link)
{
	int r = 0;

	for (bool more = true; more;) {
		CLEANUP(result_clear) PGresult *result = NULL;
		int got = link_result(link, &result);
		if (got < 0)
			return got;
		more = result != NULL;
		if (more && r == 0)
			r = result_error(result);
	}
	return r;
}

int link_script(struct link *link, const char *script)
{
	if (link->lost || !PQsendQuery(link->connection, script))
		return lose(link);
	return link_drain(link);
}

/* SQLSTATEs that say something to us; the rest is a fault of ours or of the server. */
static const struct {
	const char state[6];
	int error;
} states[] = {
	{ "23505", -ERR_EXISTS },
	{ "23503", -ERR_NOT_FOUND },
	{ "53100", -ERR_STORE_FULL }, /* its disk */
	{ "40001", -ERR_STORE }, /* cannot be serialized, deadlock, a lock, time: tried again */
	{ "40P01", -ERR_STORE },
	{ "55P03", -ERR_STORE },
	{ "57014", -ERR_STORE },
	{ "25P02", -ERR_STORE }, /* after an error in this transaction, which was told then */
	{ "57P01", -ERR_STORE_LOST },
	{ "57P02", -ERR_STORE_LOST },
	{ "57P03", -ERR_STORE_LOST },
};

int result_error(const PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
	case PGRES_PIPELINE_SYNC:
		return 0;
	case PGRES_PIPELINE_ABORTED:
		return -ERR_STORE;
	default:
		break;
	}
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	for (unsigned i = 0; state != NULL && i < ARRAY_LEN(states); i++)
		if (strcmp(state, states[i].state) == 0)
			return states[i].error;
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	log_error("store.postgresql", "%s: %.200s", state != NULL ? state : "?",
		words != NULL ? words : "");
	return -ERR_STORE;
}

void result_clear(PGresult **result)
{
	PQclear(*result);
}
