/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/release.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

#define CONTEXT "sallyport release\n" /* before every signed line: no other signature starts so */
#define CONTEXT_LEN (sizeof CONTEXT - 1)
#define SIGNATURE_LEN 64
#define MARK ",\"signature\":\""
#define MARK_LEN (sizeof MARK - 1)
#define END "\"}"
#define END_LEN (sizeof END - 1)
#define SEAL_LEN (MARK_LEN + 2 * SIGNATURE_LEN + END_LEN)
#define CHUNK 65536 /* bytes read at once while looking through a log */

/* --- one line ------------------------------------------------------------------------------- */

static void put_host_key(struct json *json, const uint8_t *host_key)
{
	char text[2 * HASH_LEN + 1];
	if (host_key != NULL)
		hex_encode(text, host_key, HASH_LEN);
	json_text(json, "host_key", host_key == NULL ? NULL : text);
}

/* Up to and without the signature, not closed: that is what is signed. */
static int line_begin(
	struct buf *line, const struct release_log *log, const struct release *release)
{
	char time[CLOCK_TEXT_SIZE], previous[2 * HASH_LEN + 1];
	hex_encode(previous, log->previous, HASH_LEN);
	struct json json = json_begin(line);
	json_open_object(&json, NULL);
	json_number(&json, "sequence", (int64_t)log->lines + 1);
	json_text(&json, "time", clock_format_utc(clock_wall_ms(), time));
	json_text(&json, "what", release->what);
	json_text(&json, "session", release->session_id);
	json_text(&json, "device", release->target);
	json_text(&json, "username", release->username);
	put_host_key(&json, release->host_key);
	if (release->identity != NULL) {
		const struct identity *identity = release->identity;
		json_text_len(&json, "object", identity->object,
			strnlen(identity->object, sizeof identity->object));
		json_id(&json, "id", identity->id);
		json_number(&json, "version", identity->version);
	}
	json_text(&json, "previous", previous);
	return json.error;
}

static int line_sign(struct buf *line, const struct keyring *keyring)
{
	uint8_t signature[SIGNATURE_LEN];
	char text[2 * SIGNATURE_LEN + 1];
	CLEANUP(buf_finish) struct buf signed_bytes = BUF(CONTEXT_LEN + RELEASE_LINE_MAX);
	int r = buf_append(&signed_bytes, CONTEXT, CONTEXT_LEN);
	if (r == 0)
		r = buf_append(&signed_bytes, line->data, line->len);
	if (r == 0)
		r = keyring_sign(keyring, signed_bytes.data, signed_bytes.len, signature);
	if (r < 0)
		return r;
	hex_encode(text, signature, sizeof signature);
	return buf_append_format(line, MARK "%s" END "\n", text);
}

/* line: without its newline */
static bool line_genuine(const char *line, size_t len, const uint8_t installation_public[32])
{
	uint8_t signature[SIGNATURE_LEN];
	if (len <= SEAL_LEN || len >= RELEASE_LINE_MAX)
		return false;
	size_t body = len - SEAL_LEN;
	const char *seal = line + body;
	if (memcmp(seal, MARK, MARK_LEN) != 0 || memcmp(line + len - END_LEN, END, END_LEN) != 0)
		return false;
	if (hex_decode(signature, sizeof signature, seal + MARK_LEN, 2 * SIGNATURE_LEN) !=
		SIGNATURE_LEN)
		return false;
	uint8_t signed_bytes[CONTEXT_LEN + RELEASE_LINE_MAX];
	memcpy(signed_bytes, CONTEXT, CONTEXT_LEN);
	memcpy(signed_bytes + CONTEXT_LEN, line, body);
	return crypto_sign_verify_detached(
		       signature, signed_bytes, CONTEXT_LEN + body, installation_public) == 0;
}

/* Where the line names its predecessor, directly before the signature. */
static bool line_follows(
	const char *line, size_t len, uint64_t number, const uint8_t previous[HASH_LEN])
{
	char begin[64], end[128], hash[2 * HASH_LEN + 1];
	hex_encode(hash, previous, HASH_LEN);
	size_t begin_len = (size_t)snprintf(
		begin, sizeof begin, "{\"sequence\":%llu,", (unsigned long long)number);
	size_t end_len = (size_t)snprintf(end, sizeof end, ",\"previous\":\"%s\"", hash);
	if (len < begin_len + end_len + SEAL_LEN)
		return false;
	return memcmp(line, begin, begin_len) == 0 &&
	       memcmp(line + len - SEAL_LEN - end_len, end, end_len) == 0;
}

/* --- reading a log -------------------------------------------------------------------------- */

typedef bool line_fn(void *context, const char *line, size_t len); /* false: stop */

/* A line longer than any of ours is handed over as far as it fits, which no check will like. */
struct line_reader {
	char line[RELEASE_LINE_MAX];
	size_t len;
	off_t complete; /* offset after the last newline */
};

static bool reader_take(struct line_reader *reader, char c, line_fn *fn, void *context)
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

static int lines_read(int fd, line_fn *fn, void *context, off_t *ret_complete)
{
	struct line_reader reader = { .len = 0 };
	char chunk[CHUNK];
	off_t offset = 0;
	for (;;) {
		ssize_t n = pread(fd, chunk, sizeof chunk, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -ERR_RELEASES_DISK;
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (!reader_take(&reader, chunk[i], fn, context))
				return 0;
			if (chunk[i] == '\n')
				reader.complete = offset + i + 1;
		}
		offset += n;
	}
	*ret_complete = reader.complete;
	return 0;
}

struct tail_finder {
	struct release_log *log;
	char last[RELEASE_LINE_MAX];
	size_t len;
};

static bool tail_take(void *context, const char *line, size_t len)
{
	struct tail_finder *finder = context;
	memcpy(finder->last, line, len);
	finder->len = len;
	finder->log->lines++;
	return true;
}

int release_log_open(struct release_log *log, int directory, const uint8_t installation_public[32],
	bool *ret_intact)
{
	struct tail_finder finder = { .log = log };
	struct stat status;
	off_t complete = 0;
	*log = (struct release_log){ .fd = -1 };
	CLEANUP(fd_closep)
	int fd = openat(directory, "releases.log",
		O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return -ERR_RELEASES_DISK;
	int r = lines_read(fd, tail_take, &finder, &complete);
	if (r < 0)
		return r;
	if (status.st_size != complete && ftruncate(fd, complete) < 0)
		return -ERR_RELEASES_DISK;
	if (fsync(fd) < 0 || fsync(directory) < 0)
		return -ERR_RELEASES_DISK;
	if (log->lines > 0)
		hash_sha256(log->previous, finder.last, finder.len);
	*ret_intact = log->lines == 0 || line_genuine(finder.last, finder.len, installation_public);
	log->length = complete;
	log->fd = STEAL_FD(fd);
	return 0;
}

void release_log_close(struct release_log *log)
{
	fd_closep(&log->fd);
	log->fd = -1;
}

/*
 * What did not come to the disk is taken back. After a failed sync nobody knows what the disk has
 * of it: nothing is released before the line is gone, and the disk has said so. The next line then
 * writes anew whatever page it shares with the lines before.
 */
static int line_take_back(struct release_log *log)
{
	log->failed = ftruncate(log->fd, log->length) < 0 || fdatasync(log->fd) < 0;
	return log->failed ? -ERR_RELEASES_DISK : 0;
}

static int line_append(struct release_log *log, const uint8_t *bytes, size_t len)
{
	if (write(log->fd, bytes, len) != (ssize_t)len || fdatasync(log->fd) < 0) {
		line_take_back(log);
		return -ERR_RELEASES_DISK;
	}
	log->length += (off_t)len;
	return 0;
}

int release_log_write(
	struct release_log *log, const struct keyring *keyring, const struct release *release)
{
	CLEANUP(buf_finish) struct buf line = BUF(RELEASE_LINE_MAX);
	if (log->fd < 0 || (log->failed && line_take_back(log) < 0))
		return -ERR_RELEASES_DISK;
	int r = line_begin(&line, log, release);
	if (r == 0)
		r = line_sign(&line, keyring);
	if (r < 0)
		return r;
	r = line_append(log, line.data, line.len);
	if (r < 0)
		return r;
	hash_sha256(log->previous, line.data, line.len - 1);
	log->lines++;
	log->released++;
	return 0;
}

struct verifier {
	const uint8_t *installation_public;
	uint64_t line;
	uint8_t previous[HASH_LEN];
	bool wrong;
};

static bool verify_take(void *context, const char *line, size_t len)
{
	struct verifier *verifier = context;
	verifier->line++;
	if (!line_genuine(line, len, verifier->installation_public) ||
		!line_follows(line, len, verifier->line, verifier->previous)) {
		verifier->wrong = true;
		return false;
	}
	hash_sha256(verifier->previous, line, len);
	return true;
}

int release_log_verify(int fd, const uint8_t installation_public[32], uint64_t *ret_line)
{
	struct verifier verifier = { .installation_public = installation_public };
	off_t complete = 0;
	int r = lines_read(fd, verify_take, &verifier, &complete);
	if (r < 0)
		return r;
	*ret_line = verifier.line;
	return verifier.wrong ? -ERR_CRYPTO : 0;
}
