/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "wire/recording_key.h"
#include "wire/view.h"

void fixture_init(struct fixture *fixture)
{
	assert_true(sodium_init() >= 0);
	memset(fixture, 0, sizeof(*fixture));
	crypto_sign_keypair(fixture->installation_public, fixture->installation_secret);
	crypto_box_keypair(fixture->vault_public, fixture->vault_secret);
	fixture->header = (struct recording_header){ .version = RECORDING_VERSION,
		.aead = RECORDING_AEAD_XCHACHA20_POLY1305,
		.compression = RECORDING_COMPRESSION_ZSTD,
		.chain = RECORDING_CHAIN_BLAKE2B_256,
		.signature = RECORDING_SIGNATURE_ED25519,
		.input = 1,
		.started_ms = 1764000000000,
		.key_version = 3,
		.session_id = FIXTURE_SESSION,
		.facts = FIXTURE_FACTS,
		.facts_len = sizeof(FIXTURE_FACTS) - 1 };
}

void fixture_certify(
	struct fixture *fixture, const uint8_t public_key[32], const uint8_t key[RECORDING_KEY_LEN])
{
	struct recording_header *header = &fixture->header;
	struct certificate certificate = { .purpose = CERTIFICATE_RECORDING,
		.key_version = header->key_version };
	uint8_t layout[CERTIFICATE_LEN];

	memcpy(header->public_key, public_key, 32);
	memcpy(fixture->key, key, RECORDING_KEY_LEN);
	text_copy(certificate.session_id, sizeof(certificate.session_id), header->session_id);
	hash_sha256(certificate.subject, header->facts, header->facts_len);
	memcpy(certificate.public_key, public_key, 32);
	assert_int_equal(certificate_layout(&certificate, layout), 0);
	crypto_sign_detached(
		header->certificate, NULL, layout, sizeof(layout), fixture->installation_secret);
	header->wrapped_len = RECORDING_WRAPPED_LEN;
	assert_int_equal(
		recording_key_wrap(header->session_id, key, fixture->vault_public, header->wrapped),
		0);
}

static void put(struct chunk *chunk, uint32_t ms, uint8_t type, uint16_t viewer, const char *text)
{
	struct recording_frame frame = { ms, type, viewer, (uint32_t)strlen(text),
		(const uint8_t *)text };

	assert_int_equal(chunk_append(chunk, &frame), 0);
}

static void put_keyframe(struct chunk *chunk, unsigned number)
{
	char parts[2][32] = { "\144\0\036\0\0\2\3\0screen ", "\144\0\036\0\1\2\3\0" };

	for (unsigned i = 0; i < 2; i++) {
		size_t len = i == 0 ? VIEW_KEYFRAME_LEN + 7 : VIEW_KEYFRAME_LEN + 2;
		struct recording_frame frame = { (number - 1) * 1000, VIEW_KEYFRAME, 0,
			(uint32_t)len, (const uint8_t *)parts[i] };
		snprintf(parts[1] + VIEW_KEYFRAME_LEN, 8, "%02u", number);
		assert_int_equal(chunk_append(chunk, &frame), 0);
	}
}

static void fill(struct chunk *chunk, unsigned number, unsigned every)
{
	uint8_t size[8] = { 100, 0, 30, 0 };
	struct recording_frame frame = { (number - 1) * 1000, VIEW_SIZE, 0, 8, size };
	char text[64];

	if (number == 1)
		assert_int_equal(chunk_append(chunk, &frame), 0);
	if (every > 0 && number % every == 0)
		put_keyframe(chunk, number);
	snprintf(text, sizeof(text), "line %u \033[1mbold\033[0m of it\r\n", number);
	put(chunk, (number - 1) * 1000 + 10, VIEW_TEXT, 0, text);
	put(chunk, (number - 1) * 1000 + 20, VIEW_KEYS, 7, "ls -l\r");
	put(chunk, (number - 1) * 1000 + 500, VIEW_TEXT, 0, "done\r\n");
}

static void index_records(struct made *made)
{
	struct recording_header *header = malloc(sizeof(*header));
	struct recording_record record;
	uint8_t head[HASH_LEN];
	size_t at;

	at = (size_t)recording_header_read(made->file.data, made->file.len, header, head);
	made->header_len = at;
	while (at < made->file.len) {
		int r = recording_record_next(made->file.data + at, made->file.len - at, &record);
		assert_true(r > 0 && made->record_count < 256);
		made->records[made->record_count] = at;
		made->types[made->record_count++] = record.type;
		at += (size_t)r;
	}
	free(header);
}

static void make(
	struct made *made, struct fixture *fixture, unsigned chunks, unsigned every, bool ended)
{
	struct packer packer;
	struct chunk chunk;
	struct chain chain;
	uint8_t public_key[32];
	size_t len;

	memset(made, 0, sizeof(*made));
	made->file = BUF(1024 * 1024);
	assert_int_equal(packer_init(&packer), 0);
	chunk_init(&chunk);
	chain_init(&chain, FIXTURE_SESSION, public_key);
	fixture_certify(fixture, public_key, chunk.key);
	assert_int_equal(chain_header(&chain, &fixture->header), 0);
	assert_int_equal(chain_sign(&chain), 0);
	for (unsigned i = 1; i <= chunks; i++) {
		fill(&chunk, i, every);
		assert_int_equal(chunk_close(&chunk, &packer, &chain, false), 0);
		if (i % 2 == 0)
			assert_int_equal(chain_sign(&chain), 0);
	}
	if (ended) {
		struct recording_end end = { .why = 0,
			.exit_status = 0,
			.ms = chain.end_ms + 100,
			.output_bytes = 42,
			.input_bytes = 7,
			.chunks = chain.chunks,
			.ended_ms = 1764000009000,
			.reason = "logged out" };
		assert_int_equal(chain_end(&chain, &end), 0);
		assert_int_equal(chain_sign(&chain), 0);
	}
	uint8_t *bytes = chain_take(&chain, &len);
	assert_int_equal(buf_append(&made->file, bytes, len), 0);
	free(bytes);
	chunk_finish(&chunk);
	chain_finish(&chain);
	packer_finish(&packer);
	index_records(made);
}

void made_init(struct made *made, struct fixture *fixture, unsigned chunks, bool ended)
{
	make(made, fixture, chunks, 0, ended);
}

void made_keyframes(struct made *made, struct fixture *fixture, unsigned chunks, unsigned every)
{
	make(made, fixture, chunks, every, true);
}

unsigned made_chunk_at(const struct made *made, size_t offset)
{
	unsigned chunk = 0;

	if (offset < made->header_len)
		return 0;
	for (unsigned i = 0; i < made->record_count; i++) {
		size_t end = i + 1 < made->record_count ? made->records[i + 1] : made->file.len;
		chunk += made->types[i] == RECORDING_CHUNK;
		if (offset < end)
			return made->types[i] == RECORDING_CHUNK ? chunk : 0;
	}
	return 0;
}

int fixture_file(const void *bytes, size_t len)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

int fixture_directory(char path[64])
{
	assert_int_equal(text_copy(path, 64, "/tmp/sallyport-recorder-XXXXXX"), 0);
	assert_non_null(mkdtemp(path));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

void fixture_remove(const char *path)
{
	DIR *listing = opendir(path);
	struct dirent *it;

	while (listing != NULL && (it = readdir(listing)) != NULL)
		unlinkat(dirfd(listing), it->d_name, 0);
	if (listing != NULL)
		closedir(listing);
	rmdir(path);
}
