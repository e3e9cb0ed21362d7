/* SPDX-License-Identifier: Apache-2.0 */
#include "past.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/chain.h"
#include "store/store.h"
#include "wire/certificate.h"
#include "wire/head.h"

void past_certify(const struct past *past, struct signer *signer)
{
	struct certificate certificate = { .purpose = CERTIFICATE_BROKER };
	uint8_t bytes[CERTIFICATE_LEN];

	memcpy(certificate.subject, signer->trail, HASH_LEN);
	memcpy(certificate.public_key, signer->public_key, 32);
	assert_int_equal(certificate_layout(&certificate, bytes), 0);
	crypto_sign_detached(
		signer->certificate, NULL, bytes, sizeof bytes, past->installation_secret);
	signer->certified = true;
}

void past_rechain(struct past *past, unsigned from)
{
	for (unsigned i = from; i < past->count; i++) {
		if (i > 0)
			memcpy(past->rows[i].before, past->rows[i - 1].hash, HASH_LEN);
		chain_hash(&past->rows[i], past->rows[i].hash);
	}
}

void past_sign(struct past *past, unsigned head)
{
	memcpy(past->heads[head].hash, past->rows[past->heads[head].sequence - 1].hash, HASH_LEN);
	audit_head_sign(&past->heads[head], past->key_secret);
}

void past_new_key(struct past *past, unsigned head)
{
	struct signer signer = past->signer;

	crypto_sign_keypair(signer.public_key, past->key_secret);
	past_certify(past, &signer);
	for (; head < past->head_count; head++) {
		past->heads[head].signer = signer;
		past_sign(past, head);
	}
}

static void add_row(struct past *past)
{
	struct audit_row *row = &past->rows[past->count++];

	row->sequence = past->count;
	row->at = 1700000000000 + past->count;
	snprintf(row->event, sizeof row->event, "user.added");
	snprintf(row->actor, sizeof row->actor, "administrator:0");
	snprintf(row->detail, sizeof row->detail, "{\"n\":%u}", past->count);
}

struct past *past_create(unsigned rows, unsigned every)
{
	static unsigned made; /* no two are the same */
	struct past *past = calloc(1, sizeof *past);

	assert_true(rows > 0 && rows <= PAST_ROWS && sodium_init() >= 0);
	crypto_sign_keypair(past->installation, past->installation_secret);
	while (past->count < rows)
		add_row(past);
	snprintf(past->rows[0].object, sizeof past->rows[0].object, "past:%u", ++made);
	past_rechain(past, 0);
	memcpy(past->signer.trail, past->rows[0].hash, HASH_LEN);
	for (unsigned i = 0; i < rows; i++)
		if ((i + 1) % every == 0 || i + 1 == rows)
			past->heads[past->head_count++] =
				(struct audit_head){ .sequence = i + 1, .at = 1700000000000 + i };
	past_new_key(past, 0);
	past->signer = past->heads[0].signer;
	return past;
}

static void write_head(const struct past *past, unsigned index, struct buf *out)
{
	struct line line = { .kind = LINE_AUDIT_HEAD, .audit = past->heads[index] };

	assert_int_equal(line_write(out, &line), 0);
}

void past_mirror(const struct past *past, unsigned from, struct buf *out)
{
	unsigned head = 0;

	for (unsigned i = from; i < past->count; i++) {
		struct line line = { .kind = LINE_ROW, .row = past->rows[i] };
		assert_int_equal(line_write(out, &line), 0);
		while (head < past->head_count && past->heads[head].sequence < i + 1)
			head++;
		if (head < past->head_count && past->heads[head].sequence == i + 1)
			write_head(past, head, out);
	}
}

void past_heads(const struct past *past, struct buf *out)
{
	for (unsigned i = 0; i < past->head_count; i++)
		write_head(past, i, out);
}

static int64_t add_signer(struct store *store, const struct signer *signer)
{
	int64_t id;

	assert_int_equal(store_signer_add(store, signer, 1, &id), 0);
	if (signer->certified)
		assert_int_equal(store_signer_certified(store, id, signer->certificate, 1), 0);
	return id;
}

void past_store(const struct past *past, struct store *store)
{
	const struct signer *signer = NULL;
	int64_t id = 0;

	assert_int_equal(store_begin(store), 0);
	for (unsigned i = 0; i < past->count; i++)
		assert_int_equal(store_audit_add(store, &past->rows[i]), 0);
	for (unsigned i = 0; i < past->head_count; i++) {
		const struct audit_head *head = &past->heads[i];
		if (signer == NULL || memcmp(signer->public_key, head->signer.public_key, 32) != 0)
			id = add_signer(store, &head->signer);
		signer = &head->signer;
		assert_int_equal(store_head_add(store, head, id), 0);
	}
	assert_int_equal(store_commit(store), 0);
}

int past_file(const struct buf *text)
{
	int fd = memfd_create("past", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text->data, text->len), (ssize_t)text->len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}
