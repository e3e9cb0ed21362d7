/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A captured worker may send any bytes on its agent stream. What gets signed is a login of the
 * granted user, in one session, for this key, to the byte.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "vault/agent.h"
#include "vault/sshwire.h"

#define STREAM_MAX (4 + AGENT_MESSAGE_MAX)

static struct sshkey *key;

/* A fixed key, so that seeds stay good. */
static void make_key(void)
{
	static const uint8_t seed[32] = "not a secret, only for fuzzing";
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	assert(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	long len = BIO_get_mem_data(bio, &text);
	struct secret *secret = secret_create(text, (size_t)len);
	int r = sshkey_parse(secret, &key);
	assert(r == 0);
	secret_destroy(secret);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

/* What follows the session identifier in the only bytes that may be signed. */
static void put_login(struct buf *out)
{
	size_t len;
	const uint8_t *blob = sshkey_blob(key, &len);
	sshwire_put_byte(out, 50);
	sshwire_put_word(out, "root");
	sshwire_put_word(out, "ssh-connection");
	sshwire_put_word(out, "publickey");
	sshwire_put_byte(out, 1);
	sshwire_put_word(out, "ssh-ed25519");
	sshwire_put_string(out, blob, len);
}

static void judge(const struct agent *agent, const struct agent_request *request)
{
	CLEANUP(buf_finish) struct buf login = BUF(1024);
	put_login(&login);
	size_t name = request->data_len - 4 - login.len;
	assert(name == 32 || name == 48 || name == 64);
	assert(exchange_made(agent->exchange, (struct sshspan){ request->data + 4, name }));
	assert(memcmp(request->data + 4 + name, login.data, login.len) == 0);
	assert(request->flags == 0);
}

static void answer(struct agent *agent, const uint8_t *message, size_t len)
{
	CLEANUP(buf_finish) struct buf out = BUF(AGENT_REPLY_MAX);
	struct agent_request request;
	struct exchange exchange;
	struct sshspan shown;
	uint8_t pin[HASH_LEN];
	if (agent_read_pin(message, len, pin, &shown) == 0) {
		assert(message[0] == AGENT_EXTENSION && shown.len <= len);
		assert(shown.bytes != NULL || len == 1 + 4 + 13 + 4 + HASH_LEN);
		if (exchange_read(shown, pin, &exchange) == 0)
			assert(shown.len > 5 * 4);
	}
	if (agent_check(agent, message, len, &request) < 0)
		return;
	judge(agent, &request);
	int r = agent_sign(agent, &request, &out);
	assert(r == 0 && out.len > 4);
	assert(agent->signatures <= AGENT_SIGNATURES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_finish) struct buf in = BUF(STREAM_MAX);
	if (key == NULL)
		make_key();
	struct exchange exchange;
	memset(&exchange, 'S', sizeof exchange); /* as the seeds have it */
	struct agent agent = { .key = key, .username = "root", .exchange = &exchange };
	const uint8_t *message;
	size_t len;
	while (size > 0) {
		size_t step = MIN(size, buf_room(&in));
		if (step == 0 || buf_append(&in, data, step) < 0)
			break;
		data += step;
		size -= step;
		int r;
		while ((r = agent_next(&in, &message, &len)) > 0) {
			assert(len > 0 && len <= AGENT_MESSAGE_MAX && 4 + len <= in.len);
			answer(&agent, message, len);
			buf_consume(&in, 4 + len);
		}
		if (r < 0)
			break;
	}
	return 0;
}
