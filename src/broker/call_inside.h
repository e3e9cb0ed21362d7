/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/audit.h"
#include "broker/call.h"
#include "broker/list.h"
#include "wire/params.h"
#include "wire/wire.h"

/*
 * The inside of a call: for the dispatcher's files. A call object lives from the message until its
 * reply is sent after the commit, or, deferred, until it is resumed and replied.
 */
#define CALLS_MAX 4096                    /* waiting for a commit or deferred, at once */
#define CALLS_KEPT 128                    /* free objects kept for the next */
#define CALL_TAIL_INLINE 2048             /* larger parameters are allocated */
#define CALL_ENTITY_MAX (3 * 1024 * 1024) /* below what a channel queues */
#define CALL_SEGMENTS 4
#define CALL_IGNORED 8 /* unknown fields that are named */

struct argument {
	const struct param *param; /* NULL: not given */
	int64_t number;
};

struct call {
	struct broker *broker;
	struct call *next;       /* free list, or list of deferred calls */
	struct channel *channel; /* where the answer goes; NULL when that peer went */
	uint32_t serial;
	enum door door;
	const struct msg_api_call *head; /* valid only while the message is handled */
	const struct endpoint *endpoint; /* NULL: no such route */
	const char *allow;               /* 405: the methods there are */
	struct principal principal;
	char actor[NAME_SIZE];
	struct address peer;
	char trace[TRACE_SIZE];
	int64_t now;
	uint64_t began_us;

	uint8_t tail_inline[CALL_TAIL_INLINE];
	uint8_t *tail; /* tail_inline or allocated: values lie here, NUL-terminated in place */
	struct param params[PARAMS_MAX];
	unsigned param_count;
	struct argument values[FIELDS_MAX];
	char segment_text[sizeof((struct msg_api_call *)0)->path];
	const char *segments[CALL_SEGMENTS];
	const struct param *ignored[CALL_IGNORED];
	unsigned ignored_count;
	int fds[2];

	/* the answer */
	int result;
	unsigned http;
	const char *changed; /* "true", "false", or NULL: not said */
	bool raw;            /* the entity is the whole body */
	struct buf entity;
	struct json json;
	const char *event;              /* of its success; NULL: the endpoint's */
	const char *message;            /* of an error with a text of its own */
	const char *success, *mensagem; /* of success; constant texts, or message_text */
	char message_text[REASON_SIZE];
	char detail[512];
	char header[256];
	struct list list;

	/* the audit row */
	char object[NAME_SIZE];
	struct note note;
	bool note_begun;

	/* deferred */
	bool deferred;
	int (*resume)(struct broker *broker, struct call *call, int result);
	void *waiting; /* what it waits for (a probe) */
};

struct call *call_create(struct broker *broker); /* NULL: at the ceiling, or without memory */
void call_destroy(struct call *call);            /* back to the free list */
void calls_finish(struct broker *broker);        /* frees the free list */
