/* SPDX-License-Identifier: Apache-2.0 */
/* OAuth 1.0: both secrets and the signature that would be right (the example of RFC 5849). */
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/secret.h"
#include "check.h"
#include "vault/envelope.h"

static const char *const secrets[] = { "kd94hf93k423kf44", "pfkkdhi9sl3r4s00" };

static int open_it(const struct keyring *keyring, const struct identity *identity,
	enum secret_kind kind, const void *sealed, size_t len, struct secret **ret_secret)
{
	const char *text = secrets[strcmp(identity->field, "token") == 0];
	struct secret *secret = secret_create(text, strlen(text));

	SECRET((void *)secret_reveal(secret), strlen(text));
	*ret_secret = secret;
	return 0;
}

#define envelope_open open_it
#define mem_equal_secret(a, b, len) verdict(mem_equal_secret(a, b, len))
#define percent_plain(bytes, len) verdict(percent_plain(bytes, len))
#include "vault/oauth.c"

#define BASE                                                                                       \
	"GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key"    \
	"%3Ddpf43f3p2l4k3l03%26oauth_nonce%3Dchapoh%26oauth_signature_method%3DHMAC-SHA1%26oauth_" \
	"timestamp%3D137131202%26oauth_token%3Dnnch734d00sl2jdk%26size%3Doriginal"

int main(void)
{
	static const struct {
		const char *signature;
		int sha256, r;
	} rows[] = { { "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=", 0, 0 },
		{ "2/d9BMszTCv6R0aT9ZrI0wSjODDsV1wQcMRQd8C42fk=", 1, 0 },
		{ "X6Hu4uQ/hc1LXD8i7yCLGPvGwhI=", 0, -ERR_SIGNATURE_INVALID },
		{ "W6Hu4uQ/hc1LXD8i7yCLGPvGwhM=", 0, -ERR_SIGNATURE_INVALID },
		{ "2/d9BMszTCv6R0aT9ZrI0wSjODDsV1wQcMRQd8C42fo=", 1, -ERR_SIGNATURE_INVALID } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct msg_signature question = { .consumer = { .field = "consumer" },
			.token = { .field = "token" },
			.base_len = sizeof BASE - 1,
			.sha256 = (uint8_t)rows[i].sha256 };
		memcpy(question.signature, rows[i].signature, strlen(rows[i].signature));
		if (oauth_check(NULL, &question, (const uint8_t *)BASE, sizeof BASE - 1) !=
			rows[i].r)
			return 1;
	}
	return 0;
}
