/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/releases.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"

#define MARK_LEN (sizeof RELEASES_MARK - 1)
#define END_LEN (sizeof RELEASES_END - 1)
#define SEAL_LEN (MARK_LEN + 2 * RELEASES_SIGNATURE_LEN + END_LEN)
#define BEGIN "{\"sequence\":"
#define BEGIN_LEN (sizeof BEGIN - 1)
#define NAME_BEGIN "releases-"
#define NAME_END ".log"
#define NAME_DIGITS 12
#define CHUNK 65536 /* bytes read at once */

/* --- names ---------------------------------------------------------------------------------- */

void releases_name(uint64_t first, char out[RELEASES_NAME_SIZE])
{
	snprintf(out, RELEASES_NAME_SIZE, NAME_BEGIN "%0*" PRIu64 NAME_END, NAME_DIGITS,
		first % UINT64_C(1000000000000));
}

bool releases_name_parse(const char *name, uint64_t *ret_first)
{
	static const size_t begin = sizeof NAME_BEGIN - 1;
	uint64_t first = 0;
	if (strncmp(name, NAME_BEGIN, begin) != 0 ||
		strspn(name + begin, "0123456789") != NAME_DIGITS ||
		strcmp(name + begin + NAME_DIGITS, NAME_END) != 0)
		return false;
	for (unsigned i = 0; i < NAME_DIGITS; i++)
		first = 10 * first + (uint64_t)(name[begin + i] - '0');
	*ret_first = first;
	return first > 0;
}

/* --- one line ------------------------------------------------------------------------------- */

static bool line_genuine(const char *line, size_t len, const uint8_t installation_public[32])
{
	uint8_t signature[RELEASES_SIGNATURE_LEN];
	uint8_t signed_bytes[RELEASES_CONTEXT_LEN + RELEASES_LINE_MAX];
	if (len <= SEAL_LEN || len >= RELEASES_LINE_MAX)
		return false;
	size_t body = len - SEAL_LEN;
	const char *seal = line + body;
	if (memcmp(seal, RELEASES_MARK, MARK_LEN) != 0 ||
		memcmp(line + len - END_LEN, RELEASES_END, END_LEN) != 0)
		return false;
	if (hex_decode(signature, sizeof signature, seal + MARK_LEN, 2 * RELEASES_SIGNATURE_LEN) !=
		RELEASES_SIGNATURE_LEN)
		return false;
	memcpy(signed_bytes, RELEASES_CONTEXT, RELEASES_CONTEXT_LEN);
	memcpy(signed_bytes + RELEASES_CONTEXT_LEN, line, body);
	return crypto_sign_verify_detached(signature, signed_bytes, RELEASES_CONTEXT_LEN + body,
		       installation_public) == 0;
}

/* Where the line names its predecessor, directly before the signature. */
static bool line_follows(
	const char *line, size_t len, uint64_t number, const uint8_t previous[HASH_LEN])
{
	char begin[64], end[128], hash[2 * HASH_LEN + 1];
	hex_encode(hash, previous, HASH_LEN);
	size_t begin_len = (size_t)snprintf(begin, sizeof begin, BEGIN "%" PRIu64 ",", number);
	size_t end_len = (size_t)snprintf(end, sizeof end, ",\"previous\":\"%s\"", hash);
	if (len < begin_len + end_len + SEAL_LEN)
		return false;
	return memcmp(line, begin, begin_len) == 0 &&
	       memcmp(line + len - SEAL_LEN - end_len, end, end_len) == 0;
}

int releases_line_check(struct releases_proof *proof, const char *line, size_t len,
	const uint8_t installation_public[32])
{
	if (!line_genuine(line, len, installation_public))
		return -ERR_SIGNATURE_INVALID;
	if (!line_follows(line, len, proof->sequence + 1, proof->head))
		return -ERR_NOT_FOUND;
	proof->sequence++;
	releases_line_hash(line, len, proof->head);
	return 0;
}

uint64_t releases_line_sequence(const char *line, size_t len)
{
	uint64_t number = 0;
	size_t at = BEGIN_LEN;
	if (len < BEGIN_LEN || memcmp(line, BEGIN, BEGIN_LEN) != 0)
		return 0;
	while (at < len && at < BEGIN_LEN + 18 && line[at] >= '0' && line[at] <= '9')
		number = 10 * number + (uint64_t)(line[at++] - '0');
	return at < len && line[at] == ',' ? number : 0;
}

void releases_line_hash(const char *line, size_t len, uint8_t ret_hash[HASH_LEN])
{
	hash_sha256(ret_hash, line, len);
}

void releases_head_layout(
	uint64_t sequence, const uint8_t head[HASH_LEN], uint8_t out[RELEASES_HEAD_LEN])
{
	static const char context[24] = "sallyport releases head";
	memcpy(out, context, sizeof context);
	for (unsigned i = 0; i < 8; i++)
		out[24 + i] = (uint8_t)(sequence >> (8 * i));
	memcpy(out + 32, head, HASH_LEN);
}

/* --- reading a file ------------------------------------------------------------------------- */

struct line_reader {
	char line[RELEASES_LINE_MAX];
	size_t len;
	off_t complete; /* offset after the last newline */
};

static bool reader_take(struct line_reader *reader, char c, releases_line_fn *fn, void *context)
{
	if (c != '\n') {
		if (reader->len < sizeof reader->line)
			reader->line[reader->len++] = c;
		return true;
	}
	bool more = fn(context, reader->line, reader->len);
	reader->len = 0;
	return more;
}

int releases_read_from(
	int fd, off_t offset, releases_line_fn *fn, void *context, off_t *ret_complete)
{
	struct line_reader reader = { .len = 0, .complete = offset };
	char chunk[CHUNK];
	for (;;) {
		ssize_t n = pread(fd, chunk, sizeof chunk, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -ERR_SYSTEM;
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (!reader_take(&reader, chunk[i], fn, context)) {
				*ret_complete = reader.complete;
				return 0;
			}
			if (chunk[i] == '\n')
				reader.complete = offset + i + 1;
		}
		offset += n;
	}
	*ret_complete = reader.complete;
	return 0;
}

int releases_read(int fd, releases_line_fn *fn, void *context, off_t *ret_complete)
{
	return releases_read_from(fd, 0, fn, context, ret_complete);
}
