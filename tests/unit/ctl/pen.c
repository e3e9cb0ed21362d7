/* SPDX-License-Identifier: Apache-2.0 */
#include "pen.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/hash.h"
#include "wire/releases.h"

void pen_session(unsigned session, char out[SESSION_ID_SIZE])
{
	snprintf(out, SESSION_ID_SIZE, "%040x", session);
}

void pen_open(struct pen *pen, const struct desk *desk)
{
	*pen = (struct pen){ .first = 1 };
	assert_true(sodium_init() >= 0);
	crypto_sign_keypair(pen->public, pen->secret);
	desk_pem((struct desk *)desk, "installation.pem", pen->public);
	snprintf(pen->directory, sizeof pen->directory, "%s/vault", desk->directory);
	assert_int_equal(mkdir(pen->directory, 0700), 0);
}

static void append(const struct pen *pen, const char *text, size_t len)
{
	char path[160];
	snprintf(path, sizeof path, "%s/%s", pen->directory, RELEASES_FILE);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

void pen_write(struct pen *pen, const char *what, unsigned session)
{
	char line[RELEASES_LINE_MAX], previous[2 * HASH_LEN + 1], id[SESSION_ID_SIZE];
	char text[2 * RELEASES_SIGNATURE_LEN + 1];
	uint8_t bytes[RELEASES_CONTEXT_LEN + RELEASES_LINE_MAX], signature[RELEASES_SIGNATURE_LEN];
	hex_encode(previous, pen->head, HASH_LEN);
	pen_session(session, id);
	size_t len = (size_t)snprintf(line, sizeof line,
		"{\"sequence\":%llu,\"time\":\"2026-11-23T14:05:09.123Z\",\"what\":\"%s\","
		"\"session\":\"%s\",\"device\":\"db\\u001b1\",\"username\":\"root\","
		"\"host_key\":null,\"previous\":\"%s\"",
		(unsigned long long)++pen->sequence, what, id, previous);
	memcpy(bytes, RELEASES_CONTEXT, RELEASES_CONTEXT_LEN);
	memcpy(bytes + RELEASES_CONTEXT_LEN, line, len);
	crypto_sign_detached(signature, NULL, bytes, RELEASES_CONTEXT_LEN + len, pen->secret);
	hex_encode(text, signature, sizeof signature);
	len += (size_t)snprintf(
		line + len, sizeof line - len, RELEASES_MARK "%s" RELEASES_END "\n", text);
	append(pen, line, len);
	hash_sha256(pen->head, line, len - 1);
}

void pen_next_file(struct pen *pen)
{
	char from[160], to[160], name[RELEASES_NAME_SIZE];
	releases_name(pen->first, name);
	snprintf(from, sizeof from, "%s/%s", pen->directory, RELEASES_FILE);
	snprintf(to, sizeof to, "%s/%s", pen->directory, name);
	assert_int_equal(rename(from, to), 0);
	pen->first = pen->sequence + 1;
}
