/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "store/store.h"

/*
 * An endpoint's first struct is its contract: the dispatcher (broker/dispatch.c) authenticates,
 * authorizes, checks the fields in their order, opens the savepoint, audits and shapes the error
 * body. answer() is left with the one thing only it knows. An endpoint that is not in endpoints.c
 * cannot be reached; one without `needs` does not start.
 */
struct broker;
struct call;

enum door {
	DOOR_API,     /* from the network, by an application */
	DOOR_CONTROL, /* from the command line, by the administrator (peer uid checked) */
};
enum need {
	NEED_READ = 1,
	NEED_WRITE,
	NEED_NOBODY, /* the token endpoint: authenticates by itself */
};
enum field_type { FIELD_TEXT = 1, FIELD_INTEGER, FIELD_BOOL };

struct field {
	const char *name; /* lower case; compared without regard to letter case */
	enum field_type type;
	int64_t most;       /* longest text in bytes without NUL, or largest number */
	enum error missing; /* ERR_NONE: optional */
	enum error invalid; /* ERR_NONE: PARAMETER_INVALID */
};
#define FIELDS_MAX 96

struct endpoint {
	enum door door;
	const char *method; /* "POST" */
	const char *path; /* canonical, without prefix: "remote/session"; "{}" takes one segment */
	const char
		*copy; /* clients repeat the first segment in a parameter of this name; or NULL */
	enum need need;
	enum resource resource;
	const char *audit; /* event written when it succeeded, "session.created"; NULL: reads nobody
			      asks about */
	const struct field *fields; /* ends with a row without name */
	unsigned status;            /* of success, HTTP and `status` in the body; 0: 200 */
	unsigned http;              /* HTTP status where it differs from that in the body; or 0 */
	const char *message;        /* success text, in `message` */
	const char *mensagem; /* Portuguese where the reference has one; NULL: repeats message */
	/*
	 * answer() writes only when nothing but the store can fail any more. It runs without a
	 * savepoint of its own: what fails after its first write takes the whole turn with it.
	 */
	bool writes_last;
	/* Returns 0 or -ERR_...; -ERR_AGAIN with call_defer() before it: call_finish() comes later.
	 */
	int (*answer)(struct broker *broker, struct call *call);
};
extern const struct endpoint *const endpoints[];

/* Who asks, settled before answer() runs. */
struct principal {
	enum door door;
	int64_t authorization_id; /* 0 for the administrator */
	char application[NAME_SIZE];
	uint32_t reads, writes;
	uint32_t uid; /* administrator */
};
