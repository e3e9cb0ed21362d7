/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any file given to `audit verify`, as a mirror and as a witness's: as it stands, or as a right
 * mirror with some of its bytes changed. A changed one is never called intact as a whole.
 */
#include <assert.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/trail.h"
#include "store/chain.h"
#include "wire/certificate.h"
#include "wire/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS 6

static uint8_t installation[32];

static void write_head(struct buf *out, struct audit_head *head, const struct audit_row *row,
	const uint8_t secret[64])
{
	struct line line = { .kind = LINE_AUDIT_HEAD };

	head->sequence = row->sequence;
	memcpy(head->hash, row->hash, HASH_LEN);
	audit_head_sign(head, secret);
	line.audit = *head;
	assert(line_write(out, &line) == 0);
}

static void make_signer(struct signer *signer, const struct audit_row *first, uint8_t secret[64])
{
	struct certificate certificate = { .purpose = CERTIFICATE_BROKER };
	uint8_t bytes[CERTIFICATE_LEN], master[64], seed[32] = { 1 };

	crypto_sign_seed_keypair(signer->public_key, secret, seed);
	seed[0] = 2;
	crypto_sign_seed_keypair(installation, master, seed);
	memcpy(signer->trail, first->hash, HASH_LEN);
	memcpy(certificate.subject, signer->trail, HASH_LEN);
	memcpy(certificate.public_key, signer->public_key, 32);
	assert(certificate_layout(&certificate, bytes) == 0);
	crypto_sign_detached(signer->certificate, NULL, bytes, sizeof bytes, master);
	signer->certified = true;
}

/* A head after every second row. */
static struct buf make_mirror(void)
{
	struct buf out = BUF(65536);
	struct line line = { .kind = LINE_ROW };
	struct audit_row *row = &line.row;
	struct audit_head head = { .at = 5 };
	uint8_t secret[64];

	assert(sodium_init() >= 0);
	for (int i = 1; i <= ROWS; i++) {
		row->sequence = row->at = i;
		text_copy(row->event, sizeof row->event, "user.added");
		text_copy(row->detail, sizeof row->detail, "{\"a\":[1,{}]}");
		chain_hash(row, row->hash);
		assert(line_write(&out, &line) == 0);
		if (i == 1)
			make_signer(&head.signer, row, secret);
		if (i % 2 == 0)
			write_head(&out, &head, row, secret);
		memcpy(row->before, row->hash, HASH_LEN);
	}
	return out;
}

static int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* The mirror is its own witness. */
static struct trail_report verify(const void *bytes, size_t len)
{
	char words[REASON_SIZE];
	struct trail_report report;
	struct witness witness;
	struct trail trail;
	int fd = file_of(bytes, len), kept = file_of(bytes, len);

	witness_open(&witness, kept, installation);
	trail_begin(&trail, installation, &witness, &report);
	assert(trail_from_mirror(&trail, fd) == 0);
	assert(trail_end(&trail) == 0);
	assert(trail_verdict_text(&report, words)[0] != '\0');
	assert(report.verdict != TRAIL_INTACT || report.proven == report.last);
	close(fd);
	close(kept);
	return report;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf mirror;

	if (mirror.len == 0)
		mirror = make_mirror();
	if (size < 1 || size > 65536)
		return -1;
	if (data[0] % 2 == 0) {
		verify(data + 1, size - 1);
		return 0;
	}
	uint8_t *copy = malloc(mirror.len);
	memcpy(copy, mirror.data, mirror.len);
	for (size_t at = 1; at + 3 <= size; at += 3)
		copy[(size_t)(data[at] | data[at + 1] << 8) % mirror.len] ^= data[at + 2];
	struct trail_report report = verify(copy, mirror.len);
	assert((report.verdict == TRAIL_INTACT && report.last == ROWS) ==
		(memcmp(copy, mirror.data, mirror.len) == 0));
	free(copy);
	return 0;
}
