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

#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "front/front.h"
#include "wire/params.h"

enum manner {
	ANSWERS,      /* 200, the path and the parameters */
	HOLDS,        /* says nothing */
	IN_PARTS,     /* three messages */
	IN_PAGES,     /* as many as it is asked for, until `pages` are sent */
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
	const char *name; /* that clients ask for (SNI); NULL: none */
	enum manner manner;
	bool owes;      /* a broker that was told nothing more comes stays for what it owes */
	unsigned calls; /* the broker got */
	struct msg_api_call call;
	char parameters[1024];
	struct msg_redeem redeem;
	struct msg_prove prove;
	unsigned pages, asked, stopped; /* IN_PAGES: to send; asked for; given up */
	bool breaks;                    /* the last page is not the end */
	uint32_t held;                  /* serial of the call that was not answered */
	int recorder;                   /* the other end of the last attachment; -1 */
};

struct client {
	int fd;
	SSL *tls;
	bool ended;
};

/* In pieces, for a front that is a process of its own. */
void gateway_begin(struct gateway *gateway);
void gateway_end(struct gateway *gateway);
void gateway_identity(int *ret_certificate, int *ret_key);
int gateway_listener(struct gateway *gateway);
int gateway_broker_end(struct gateway *gateway); /* what the front gets of a new broker */

void gateway_start(struct gateway *gateway, const char *setting, const char *value);
void gateway_finish(struct gateway *gateway);
void gateway_broker(struct gateway *gateway); /* a new one */
void gateway_lose_broker(struct gateway *gateway);
void gateway_reply(struct gateway *gateway, uint32_t serial, const char *body);
void gateway_page(struct gateway *gateway, uint32_t serial); /* the next, of IN_PAGES */
void gateway_turn(struct gateway *gateway);                  /* a few milliseconds of it */
struct connection *gateway_newest(struct gateway *gateway);

bool client_open(struct gateway *gateway, struct client *client);
bool client_open_again(struct gateway *gateway, struct client *client, SSL_SESSION *session);
void client_close(struct client *client);
void client_send(struct gateway *gateway, struct client *client, const void *bytes, size_t len);
void client_get(struct gateway *gateway, struct client *client, const char *path);
/* Another client asks for this path of a gateway whose broker holds its answers: the serial. */
uint32_t client_held(struct gateway *gateway, struct client *client, const char *path);
/* Reads until the text holds `until`, the server closes, or nothing comes. */
size_t client_read(
	struct gateway *gateway, struct client *client, char *text, size_t size, const char *until);
/* One connection, these bytes, everything that comes back. */
const char *exchange(struct gateway *gateway, const char *bytes);

/* For cmocka: *state is the gateway. */
int gateway_setup(void **state);
int gateway_teardown(void **state);
void gateway_empty(struct gateway *gateway); /* all connections end */
/* Time passes: the deadline of the newest connection is now. */
void let_time_pass(struct gateway *gateway);
unsigned count_text(const char *text, const char *word);

#define HOST "Host: gateway:8443\r\n"
#define LAST "Connection: close\r\n\r\n"
#define TEST(name) cmocka_unit_test_setup_teardown(name, gateway_setup, gateway_teardown)
#define ASSERT_STARTS(text, word) assert_memory_equal(text, word, strlen(word))
#define ASSERT_HOLDS(text, word)                                                                   \
	do {                                                                                       \
		const char *held_ = (text);                                                        \
		if (!strstr(held_, word))                                                          \
			fail_msg("no %s in %s", word, held_);                                      \
	} while (0)
