/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail, proven from the store's file alone. */
#include "ctl/commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/chain.h"
#include "store/store.h"

#define PAGE 1000

struct proof {
	int64_t sequence; /* last row that was proven */
	uint8_t head[HASH_LEN];
	int64_t broken; /* first row that is not what was written; 0: none */
	const char *how;
	unsigned page;
};

static int broken(struct proof *proof, int64_t sequence, const char *how)
{
	proof->broken = sequence;
	proof->how = how;
	return 1;
}

static int prove(void *context, const struct audit_row *row)
{
	struct proof *proof = context;
	uint8_t hash[HASH_LEN];

	proof->page++;
	if (row->sequence != proof->sequence + 1)
		return broken(proof, proof->sequence + 1, "is missing");
	if (memcmp(row->before, proof->head, HASH_LEN) != 0)
		return broken(proof, row->sequence, "does not follow the one before it");
	chain_hash(row, hash);
	if (memcmp(row->hash, hash, HASH_LEN) != 0)
		return broken(proof, row->sequence, "was altered");
	proof->sequence = row->sequence;
	memcpy(proof->head, hash, HASH_LEN);
	return 0;
}

static int prove_all(struct store *store, struct proof *proof)
{
	int r;

	do {
		proof->page = 0;
		r = store_audit_list(store, proof->sequence, PAGE, prove, proof);
	} while (r >= 0 && proof->broken == 0 && proof->page > 0);
	return r;
}

static int say(const struct cli *cli, const struct proof *proof)
{
	bool intact = proof->broken == 0;

	if (cli->json)
		show_json(json_pack("{s:s, s:I, s:s?, s:I}", "verdict",
			intact ? "intact" : "altered", "rows", (json_int_t)proof->sequence, "how",
			proof->how, "broken", (json_int_t)proof->broken));
	else if (intact)
		printf("intact: %lld rows\n", (long long)proof->sequence);
	else
		printf("row %lld %s\n", (long long)proof->broken, proof->how);
	return intact ? CLI_OK : CLI_FAILED;
}

static int audit_verify(struct cli *cli)
{
	char directory[URL_SIZE * 2];
	struct proof proof = { 0 };
	struct store *store = NULL;

	snprintf(directory, sizeof directory, "%s/store", cli->data);
	int r = store_open_read(directory, &store);
	if (r == 0)
		r = prove_all(store, &proof);
	store_close(store);
	if (r < 0)
		return cli_fail("%s: %s", directory, error_text(r));
	return say(cli, &proof);
}

const struct command command_audit_verify = {
	.words = "audit verify",
	.takes = "",
	.sentence = "Say whether the audit trail is whole, from the store's file alone",
	.run = audit_verify,
};
