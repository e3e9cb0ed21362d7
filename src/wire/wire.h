/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "wire/messages.h"

/*
 * A channel is one end of a SOCK_SEQPACKET pair between two known parties. Packet:
 *   u16 type, u16 descriptors, u32 serial, u32 tail length, u32 zero, payload struct, tail.
 */
struct channel;

struct message {
	enum msg_type type;
	uint32_t serial;
	const void *payload; /* exactly the struct of the row; valid during the handler */
	const uint8_t *tail;
	size_t tail_len;
	int fds[MESSAGE_FDS_MAX]; /* handler takes what it wants with STEAL_FD; the rest is closed
				   */
	unsigned fd_count;
};

/* Returns 0, or an error: the channel is then closed and on_gone called. */
typedef int message_fn(void *context, struct channel *channel, struct message *message);
typedef void gone_fn(void *context, struct channel *channel);

/* Takes ownership of fd. self and peer decide which rows may pass in which direction. */
int channel_create(struct loop *loop, int fd, enum party self, enum party peer, message_fn *fn,
	gone_fn *gone, void *context, struct channel **ret_channel);
void channel_destroy(struct channel *channel); /* never calls gone */
int channel_fd(const struct channel *channel);
enum party channel_peer(const struct channel *channel);
/* Which of several of one party is at the other end; 0 until it is set. */
void channel_set_generation(struct channel *channel, uint32_t generation);
uint32_t channel_generation(const struct channel *channel);
/*
 * Nothing more is sent after what was: the peer, having read it all, sees the end. What it still
 * has to say is heard, until it ends too and gone is called. NULL is fine.
 */
void channel_last(struct channel *channel);
/* Waits until everything is sent, at most `ms`, or can never be. */
void channel_flush(struct channel *channel, unsigned ms);
bool channel_idle(const struct channel *channel); /* nothing waits to be sent or handled */

/*
 * One strike ends a channel: a packet that is not a row, or a handler's error. fn is told before
 * `gone` is called; it is one for the whole process, as the supervisor is who wants to know.
 */
typedef void strike_fn(void *context, const struct channel *channel, int why);
void wire_on_strike(strike_fn *fn, void *context);

/*
 * Sends one message; descriptors are duplicated by the kernel, the caller keeps his. What the
 * socket does not take now is queued, up to CHANNEL_QUEUE_MAX bytes (-ERR_FULL).
 * Sending a row that is not ours is a programming error (assert).
 */
#define CHANNEL_QUEUE_MAX (4 * 1024 * 1024)
uint32_t channel_serial(struct channel *channel); /* a fresh one, never 0 */
int channel_send(struct channel *channel, enum msg_type type, uint32_t serial, const void *payload,
	const void *tail, size_t tail_len, const int *fds, unsigned fd_count);
#define channel_tell(channel, type, payload)                                                       \
	channel_send(channel, type, 0, payload, NULL, 0, NULL, 0)
/*
 * Sends and waits for the reply with the same serial, at most `ms`. Other messages that arrive are
 * kept and handled by the loop afterwards. On success *ret_reply must be given to message_finish().
 * -ERR_TIMED_OUT, -ERR_PEER_GONE. Used only towards the vault, which never asks back.
 */
int channel_ask(struct channel *channel, enum msg_type type, const void *payload, const void *tail,
	size_t tail_len, const int *fds, unsigned fd_count, enum msg_type expect, unsigned ms,
	struct message *ret_reply);
void message_finish(struct message *message); /* wipes and frees a reply of channel_ask() */

/* The pure check, for tests and fuzzing: may these bytes from `from` reach `to`? 0 or
 * -ERR_MALFORMED. */
int wire_permit(enum party from, enum party to, const void *packet, size_t len, unsigned fd_count,
	struct message *ret_message);
const char *message_name(enum msg_type type);
size_t message_size(enum msg_type type);
/* True when the array holds a NUL and valid UTF-8 before it. */
bool text_valid(const char *array, size_t size);
#define TEXT_VALID(array) text_valid(array, sizeof(array))
/* A seqpacket or stream pair, both ends close-on-exec and non-blocking. */
int wire_pair(int socket_type, int ret_fds[2]);
