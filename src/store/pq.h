/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <libpq-fe.h>

/*
 * libpq brings LDAP, Kerberos and two more TLS libraries into its process. It is loaded only where
 * the store is PostgreSQL, before the walls, behind which nothing can be loaded any more.
 */
int pq_load(void); /* 0, or -ERR_SYSTEM: it is not installed; once is enough */

struct pq {
#define FUNCTION(name) __typeof__(&name) name;
#include "store/pq.def"
#undef FUNCTION
};
extern struct pq pq;

#define PQbackendPID (pq.PQbackendPID)
#define PQclear (pq.PQclear)
#define PQcmdStatus (pq.PQcmdStatus)
#define PQcmdTuples (pq.PQcmdTuples)
#define PQconnectPoll (pq.PQconnectPoll)
#define PQconnectStartParams (pq.PQconnectStartParams)
#define PQconninfoFree (pq.PQconninfoFree)
#define PQconninfoParse (pq.PQconninfoParse)
#define PQconsumeInput (pq.PQconsumeInput)
#define PQenterPipelineMode (pq.PQenterPipelineMode)
#define PQerrorMessage (pq.PQerrorMessage)
#define PQexitPipelineMode (pq.PQexitPipelineMode)
#define PQfinish (pq.PQfinish)
#define PQflush (pq.PQflush)
#define PQfreemem (pq.PQfreemem)
#define PQftype (pq.PQftype)
#define PQgetResult (pq.PQgetResult)
#define PQgetisnull (pq.PQgetisnull)
#define PQgetlength (pq.PQgetlength)
#define PQgetvalue (pq.PQgetvalue)
#define PQhost (pq.PQhost)
#define PQhostaddr (pq.PQhostaddr)
#define PQisBusy (pq.PQisBusy)
#define PQnfields (pq.PQnfields)
#define PQnotifies (pq.PQnotifies)
#define PQntuples (pq.PQntuples)
#define PQpass (pq.PQpass)
#define PQpipelineStatus (pq.PQpipelineStatus)
#define PQpipelineSync (pq.PQpipelineSync)
#define PQresultErrorField (pq.PQresultErrorField)
#define PQresultStatus (pq.PQresultStatus)
#define PQsendPrepare (pq.PQsendPrepare)
#define PQsendQuery (pq.PQsendQuery)
#define PQsendQueryPrepared (pq.PQsendQueryPrepared)
#define PQsetNoticeProcessor (pq.PQsetNoticeProcessor)
#define PQsetnonblocking (pq.PQsetnonblocking)
#define PQsocket (pq.PQsocket)
#define PQstatus (pq.PQstatus)
#define PQtransactionStatus (pq.PQtransactionStatus)
#define PQuser (pq.PQuser)
