/* SPDX-License-Identifier: Apache-2.0 */
/* oauth2/token: the stored hash of a client's secret, against right and wrong ones. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "check.h"
#include "store/store.h"

static const char of_client[] = "5ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7";

static int find(struct store *store, const char *client_id, struct authorization_row *row)
{
	memcpy(row->auth, "oauth2", 7);
	hash_sha256(row->client_secret_hash, of_client, sizeof of_client - 1);
	SECRET(row->client_secret_hash, HASH_LEN);
	return 0;
}

#define store_authorization_by_client find
#define mem_equal_secret(a, b, len) verdict(mem_equal_secret(a, b, len))
#include "api/oauth2_token.c"

static int prove(struct call *call, const char *secret)
{
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	static struct broker broker;
	struct client client = { .id = "c0ffee" };

	memcpy(client.secret, secret, strlen(secret));
	return client_prove(&broker, call, &client, &row);
}

int main(void)
{
	static struct msg_api_call head;
	struct call *call = calloc(1, sizeof *call);
	char wrong[sizeof of_client];

	call->head = &head;
	call->peer.family = 4;
	int r = prove(call, of_client);
	for (size_t i = 0; i < sizeof of_client - 1; i += 21) {
		memcpy(wrong, of_client, sizeof of_client);
		wrong[i] ^= 1;
		if (prove(call, wrong) != -ERR_CLIENT_INVALID)
			r = 1;
	}
	free(call);
	return r;
}
