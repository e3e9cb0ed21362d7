/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/encode.h"

struct sealed sealed_take(struct message *reply)
{
	struct sealed sealed = { .head = *(const struct msg_sealed *)reply->payload,
		.len = reply->tail_len };
	assert_true(reply->tail_len <= sizeof sealed.bytes);
	memcpy(sealed.bytes, reply->tail, reply->tail_len);
	message_finish(reply);
	return sealed;
}

struct msg_seal question_for(enum secret_kind kind)
{
	return (struct msg_seal){ .identity = fixture_identity(12, 3), .kind = (uint8_t)kind };
}

struct sealed seal(struct running *running, enum secret_kind kind, const char *text, size_t len)
{
	struct msg_seal question = question_for(kind);
	struct message reply;
	int fd = running_pipe(text, len);
	running_ask(running, MSG_SEAL, &question, NULL, 0, fd, MSG_SEALED, &reply);
	close(fd);
	return sealed_take(&reply);
}

struct sealed seal_new(
	struct running *running, const char *field, char digits[65], struct identity *ret_identity)
{
	struct msg_seal question = question_for(SECRET_TOKEN);
	struct message reply;
	int ends[2];
	text_copy(question.identity.object, 16, "authorization");
	text_copy(question.identity.field, 16, field);
	*ret_identity = question.identity;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	running_ask(running, MSG_SEAL_NEW, &question, NULL, 0, ends[1], MSG_SEALED, &reply);
	close(ends[1]);
	assert_int_equal(read(ends[0], digits, 65), 64);
	digits[64] = '\0';
	close(ends[0]);
	struct sealed sealed = sealed_take(&reply);
	assert_int_equal(sealed.head.result, 0);
	assert_int_equal(strspn(digits, "0123456789abcdef"), 64);
	return sealed;
}

void signature_make(const char *consumer, const char *token, const char *base, char out[64])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	char key[256];
	unsigned len;
	snprintf(key, sizeof key, "%s&%s", consumer, token);
	HMAC(EVP_sha256(), key, (int)strlen(key), (const uint8_t *)base, strlen(base), hash, &len);
	base64_encode(out, hash, len);
}

int signature_ask(struct running *running, const struct msg_signature *question,
	const struct sealed *consumer, const struct sealed *token, const char *base)
{
	struct message reply;
	CLEANUP(buf_finish) struct buf tail = BUF(SIGNATURE_TAIL_MAX);
	buf_append(&tail, consumer->bytes, consumer->len);
	buf_append(&tail, token->bytes, token->len);
	buf_append_text(&tail, base);
	running_ask(running, MSG_SIGNATURE_CHECK, question, tail.data, tail.len, -1,
		MSG_SIGNATURE_CHECKED, &reply);
	int r = ((const struct msg_result *)reply.payload)->result;
	message_finish(&reply);
	return r;
}

int grant(struct running *running, enum secret_kind kind, const struct sealed *sealed)
{
	struct msg_grant facts = { .session = 7,
		.identity = fixture_identity(12, 3),
		.kind = (uint8_t)kind,
		.pins_required = 1,
		.pin_count = 1 };
	int ends[2], small = 2048;
	text_copy(facts.username, sizeof facts.username, "root");
	text_copy(facts.session_id, sizeof facts.session_id, SESSION_ID);
	text_copy(facts.target, sizeof facts.target, "db1");
	memset(facts.pins[0], 0xaa, HASH_LEN);
	if (kind == SECRET_SSH_KEY)
		fixture_pin(FIXTURE_HOST, facts.pins[0]);
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	assert_int_equal(channel_send(running->broker, MSG_SECRET_GRANT, 0, &facts, sealed->bytes,
				 sealed->len, &ends[1], 1),
		0);
	close(ends[1]);
	return ends[0];
}

void say(int worker, struct buf *message)
{
	uint8_t len[4] = { 0, 0, (uint8_t)(message->len >> 8), (uint8_t)message->len };
	assert_int_equal(send(worker, len, 4, MSG_NOSIGNAL), 4);
	assert_int_equal(send(worker, message->data, message->len, MSG_NOSIGNAL), message->len);
	buf_clear(message);
}

void say_pin(int worker, uint8_t byte)
{
	CLEANUP(buf_finish) struct buf message = BUF(256);
	uint8_t pin[HASH_LEN];
	memset(pin, byte, sizeof pin);
	fixture_put_pin(&message, pin);
	say(worker, &message);
}

void say_exchange(int worker)
{
	CLEANUP(buf_finish) struct buf message = BUF(1024);
	fixture_put_exchange(&message, FIXTURE_HOST, FIXTURE_HOST);
	say(worker, &message);
}

/* What comes within five seconds; 0 is the end of the stream. */
size_t hear(int worker, uint8_t *out, size_t size)
{
	struct pollfd wait = { .fd = worker, .events = POLLIN };
	assert_int_equal(poll(&wait, 1, 5000), 1);
	ssize_t n = recv(worker, out, size, MSG_DONTWAIT);
	assert_true(n >= 0);
	return (size_t)n;
}

void hear_nothing(struct running *running, int worker)
{
	uint8_t byte;
	running_serve(running, NULL);
	assert_int_equal(recv(worker, &byte, 1, MSG_DONTWAIT), -1);
}

void serve_until(struct running *running, const unsigned *count)
{
	for (unsigned i = 0; i < 25 && *count == 0; i++)
		running_serve(running, NULL);
	assert_int_equal(*count, 1);
}

void release(struct running *running)
{
	struct msg_session word = { .session = 7 };
	assert_int_equal(channel_tell(running->broker, MSG_SECRET_RELEASE, &word), 0);
}

void put_login(struct buf *message, const char *algorithm, const uint8_t *blob, size_t len)
{
	fixture_put_login(message, FIXTURE_HOST, "root", algorithm, blob, len);
}
