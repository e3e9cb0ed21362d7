/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The whole front in one process with its test: a listening socket, a broker that does as it is
 * told, and clients that speak TLS. Everything runs in one loop, in short turns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/front.h"
#include "wire/params.h"

enum manner {
	ANSWERS,      /* 200, the path and the parameters */
	HOLDS,        /* says nothing */
	IN_PARTS,     /* three messages */
	REFUSES,      /* every ticket, every attachment */
	REFUSES_PROOF /* asks, then refuses */
};

struct gateway {
	struct front *front;
	struct loop *loop;
	struct settings settings;
	SSL_CTX *server, *client;
	struct channel *broker;
	uint16_t port;
	enum manner manner;
	unsigned calls; /* the broker got */
	struct msg_api_call call;
	char parameters[1024];
	struct msg_redeem redeem;
	struct msg_prove prove;
	uint32_t held; /* serial of the call that was not answered */
	int recorder;  /* the other end of the last attachment; -1 */
};

struct client {
	int fd;
	SSL *tls;
	bool ended;
};

void gateway_start(struct gateway *gateway, const char *setting, const char *value);
void gateway_finish(struct gateway *gateway);
void gateway_broker(struct gateway *gateway); /* a new one */
void gateway_lose_broker(struct gateway *gateway);
void gateway_reply(struct gateway *gateway, uint32_t serial, const char *body);
void gateway_turn(struct gateway *gateway); /* a few milliseconds of it */
struct connection *gateway_newest(struct gateway *gateway);

bool client_open(struct gateway *gateway, struct client *client);
void client_close(struct client *client);
void client_send(struct gateway *gateway, struct client *client, const void *bytes, size_t len);
/* Reads until the text holds `until`, the server closes, or nothing comes. */
size_t client_read(
	struct gateway *gateway, struct client *client, char *text, size_t size, const char *until);
/* One connection, these bytes, everything that comes back. */
const char *exchange(struct gateway *gateway, const char *bytes);
