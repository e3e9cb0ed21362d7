/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "wire/params.h"
#include "wire/view.h"

/*
 * A whole broker in one test process: a real store in a directory of its own, the real endpoints,
 * and the test at the other end of its channels as front, recorder and supervisor. The vault, which
 * the broker waits for, is a process of its own that knows two secrets.
 */
#define HOUSE_CONSUMER_SECRET "kd94hf93k423kf44"
#define HOUSE_TOKEN_SECRET "pfkkdhi9sl3r4s00"
#define HOUSE_TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HOUSE_SECRET "5ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7"

struct house_message { /* what a peer of the broker got */
	enum msg_type type;
	uint32_t serial;
	uint8_t payload[8192];
	uint8_t tail[8192];
	size_t tail_len;
	int fds[MESSAGE_FDS_MAX];
	unsigned fd_count;
};
struct house_reply {
	unsigned status;
	char header[512];
	char body[65536];
	size_t body_len;
	enum reply_more more; /* of the last part that came */
	uint32_t serial;
};
struct house {
	struct broker *broker;
	char directory[64];
	int vault_pid;
	struct channel *front, *recorder, *supervisor, *control, *control_inside;
	struct house_message messages[64]; /* in order of arrival, not yet taken */
	unsigned message_count;
	struct house_reply reply;
	bool replied;
	bool recorder_thinks; /* the recorder does not answer RECORDER_LIST by itself: it has
				 nothing */
	unsigned replies;
	int64_t user, device, credential, domain_credential, sibling, application, authorization;
	int64_t reader; /* authorization that may only read */
};

int house_open(
	void **state); /* for cmocka: a house with user ana, device db1, credential root .. */
int house_close(void **state);

struct channel *house_front(const struct house *house); /* the broker's end of its channel */

/* One call as front parses it. params: "user=ana&device=db1", taken as JSON texts. */
struct house_call {
	const char *method, *path, *authorization, *params;
	const char *referer, *from;
	const uint8_t *certificate; /* SHA-256 of the client's; NULL: none */
	enum param_place place;     /* 0: PLACE_JSON */
	enum door door;
	int fd; /* with a control call; 0: none */
};
const struct house_reply *house_call(struct house *house, const struct house_call *call);
/* Sends it and waits for nothing; and waits until what was sent is answered. */
void house_send_call(struct house *house, const struct house_call *call);
const struct house_reply *house_await(struct house *house);
/* The same by the portal's bearer token. */
const struct house_reply *house_post(struct house *house, const char *path, const char *params);
const struct house_reply *house_get(struct house *house, const char *path);
/* A session of ana on db1 with root, created and not opened. */
void house_session(struct house *house);
/* ending_of() in a turn of its own, because of "because". */
int house_end_of(struct house *house, enum ending_of what, int64_t id);
/* Sends several before the loop runs: one turn. Returns how many replies had this status. */
unsigned house_burst(
	struct house *house, const struct house_call *call, unsigned count, unsigned status);

/* Lets the broker work until it has nothing to do. */
void house_run(struct house *house);
/* The oldest message of this type that a peer got; fails the test when there is none. */
struct house_message house_take(struct house *house, enum msg_type type);
bool house_got(const struct house *house, enum msg_type type);
void house_send(struct channel *channel, enum msg_type type, const void *payload, int fd);

/* A new channel of this party, as after its restart: the test's end. */
struct channel *house_introduce(struct house *house, enum party party);
/* The same of another generation; retired ones take nothing new. */
struct channel *house_introduce_as(
	struct house *house, enum party party, bool retired, uint32_t generation);
void house_list(struct channel *recorder, const struct msg_listed *listed); /* NULL: the end */
/* The recorder lists this session, or none (NULL), and the end; the broker hears it. */
void house_recorder_has(struct house *house, const struct msg_listed *session);
void house_stop(struct house *house); /* what STOP does */

/* The key pair that certifies the broker's. */
void house_installation(uint8_t ret_public[32], uint8_t ret_secret[64]);

/* Newest audit row with this event; fails the test when there is none. */
struct audit_row house_audit(struct house *house, const char *event);
unsigned house_audit_count(struct house *house, const char *event);
void house_audit_verify(struct house *house);
void house_write_rows(struct house *house, unsigned count); /* in one transaction */
/* Somebody with the store's file at hand. */
void house_tamper(const struct house *house, const char *statement);
