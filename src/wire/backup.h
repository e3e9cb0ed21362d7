/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The head of a backup, in clear; what follows is docs/formats/backup.md. Numbers are little
 * endian.
 *
 *	offset	length
 *	     0	     8	"SALLYBAK"
 *	     8	     1	version of this layout: 1
 *	     9	     3	zero
 *	    12	     4	Argon2id passes
 *	    16	     8	Argon2id memory in bytes
 *	    24	    16	Argon2id salt
 *	    40	    24	head of the stream (XChaCha20-Poly1305, libsodium's secretstream)
 */
#define BACKUP_MAGIC "SALLYBAK"
#define BACKUP_VERSION 1
#define BACKUP_SALT_LEN 16
#define BACKUP_STREAM_LEN 24
#define BACKUP_HEAD_LEN 64
#define BACKUP_KEY_LEN 32

/* A head is anybody's until the key has opened what follows: what it may make us spend. */
#define BACKUP_PASSES 3
#define BACKUP_PASSES_MAX 16
#ifndef BACKUP_MEMORY /* the unit tests have no such patience */
#define BACKUP_MEMORY (256ULL * 1024 * 1024)
#endif
#define BACKUP_MEMORY_LEAST (8ULL * 1024 * 1024)
#define BACKUP_MEMORY_MAX (1024ULL * 1024 * 1024)
