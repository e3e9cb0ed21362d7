/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/pq.h"
#include "store/way.h"

/*
 * One connection to a PostgreSQL server, whose every answer is waited for with an end: a server
 * that is silent for longer is as good as gone, and a link that was lost is never used again.
 */
#define LINK_WAIT_MS 1500

struct link {
	PGconn *connection;
	int wait_ms;
	bool lost;
};
int link_open(const struct way *way, struct link *ret_link);
void link_close(struct link *link);

/* Sends what is queued, and waits for the next result; NULL ends those of one query. */
int link_result(struct link *link, PGresult **ret_result);
/* All results up to there; the first error among them. */
int link_drain(struct link *link);
/* Several statements without parameters and answers; not in a pipeline. */
int link_script(struct link *link, const char *script);
/* 0, or the error a result stands for; what nobody expected is logged. */
int result_error(const PGresult *result);
void result_clear(PGresult **result); /* for CLEANUP */
