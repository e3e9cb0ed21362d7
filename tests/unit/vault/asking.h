/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "running.h"

/* What the broker and a worker want of a running vault; each call fails the test when it fails. */
#define SESSION_ID "00112233445566778899aabbccddeeff00112233"

struct sealed {
	struct msg_sealed head;
	uint8_t bytes[SEALED_MAX];
	size_t len;
};

struct sealed sealed_take(struct message *reply);
struct msg_seal question_for(enum secret_kind kind);
struct sealed seal(struct running *running, enum secret_kind kind, const char *text, size_t len);
/* A secret of an application, made in there, and its digits. */
struct sealed seal_new(
	struct running *running, const char *field, char digits[65], struct identity *ret_identity);
/* Signs the base as an application does, and asks whether it is right. */
void signature_make(const char *consumer, const char *token, const char *base, char out[64]);
int signature_ask(struct running *running, const struct msg_signature *question,
	const struct sealed *consumer, const struct sealed *token, const char *base);

/* Session 7 as root on db1 is granted the secret; the worker's end of the stream, which takes
 * little at once. */
int grant(struct running *running, enum secret_kind kind, const struct sealed *sealed);
void say(int worker, struct buf *message);
void say_pin(int worker, uint8_t byte); /* for a password; the right one is made of 0xaa */
void say_exchange(int worker);          /* for a key, with its pin */
size_t hear(int worker, uint8_t *out, size_t size); /* 0 is the end of the stream */
void hear_nothing(struct running *running, int worker);
void serve_until(struct running *running, const unsigned *count); /* it is one */
void release(struct running *running);
/* A request for the signature of a login with that algorithm and key. */
void put_login(struct buf *message, const char *algorithm, const uint8_t *blob, size_t len);
