/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"

/*
 * The vault's log of releases as files: docs/formats/releases.md. Lines lie in `releases.log`; when
 * that is full it becomes `releases-N.log`, N being the sequence of its first line in 12 digits,
 * and the chain goes on in a new one. The vault writes them; whoever has installation.pem can check
 * them.
 */
#define RELEASES_FILE "releases.log"
#define RELEASES_LINE_MAX 4096 /* bytes, with the newline */
#define RELEASES_FILE_MAX                                                                          \
	(16 * 1024 * 1024) /* bytes: with more, the next line starts a new file                    \
			    */
#define RELEASES_NAME_SIZE 32
#define RELEASES_SIGNATURE_LEN 64
#define RELEASES_HEAD_LEN 64 /* of what is signed as a head */

void releases_name(uint64_t first, char out[RELEASES_NAME_SIZE]);
/* Is it the name of a file that is full? */
bool releases_name_parse(const char *name, uint64_t *ret_first);

/* Where a check is: what the next line must follow. Starts as zeros. */
struct releases_proof {
	uint64_t sequence; /* of the last line that was proven */
	uint8_t head[HASH_LEN];
};
/*
 * One line, without its newline: 0, and the proof moves on; -ERR_SIGNATURE_INVALID: this
 * installation did not write it so; -ERR_NOT_FOUND: it did, but not here: one or more before it are
 * missing, or it was moved.
 */
int releases_line_check(struct releases_proof *proof, const char *line, size_t len,
	const uint8_t installation_public[32]);
/* The number it claims; 0: none. */
uint64_t releases_line_sequence(const char *line, size_t len);
void releases_line_hash(const char *line, size_t len, uint8_t ret_hash[HASH_LEN]);

/*
 * Hands out every whole line of a file, from its start; a line longer than any of ours as far as it
 * fits, which no check will like. fn returns false to stop. *ret_complete is the offset after the
 * last newline; what is behind it was being written. -ERR_SYSTEM.
 */
typedef bool releases_line_fn(void *context, const char *line, size_t len);
int releases_read(int fd, releases_line_fn *fn, void *context, off_t *ret_complete);
/* The same from where a line begins. */
int releases_read_from(
	int fd, off_t offset, releases_line_fn *fn, void *context, off_t *ret_complete);

/*
 * A signature over how long the log is and its last line's hash, for witnesses who do not have the
 * lines: Ed25519 by the installation key over these bytes.
 *
 *	offset	length
 *	     0	    24	"sallyport releases head" and a NUL
 *	    24	     8	sequence, little endian
 *	    32	    32	SHA-256 of the last line; zeros when there is none
 */
void releases_head_layout(
	uint64_t sequence, const uint8_t head[HASH_LEN], uint8_t out[RELEASES_HEAD_LEN]);
/* What is put before a line, up to its signature, when it is signed. */
#define RELEASES_CONTEXT "sallyport release\n"
#define RELEASES_CONTEXT_LEN (sizeof RELEASES_CONTEXT - 1)
#define RELEASES_MARK ",\"signature\":\""
#define RELEASES_END "\"}"
