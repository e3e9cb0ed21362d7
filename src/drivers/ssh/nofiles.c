/* SPDX-License-Identifier: Apache-2.0 */
#undef _FILE_OFFSET_BITS /* it would rename one of each pair into the other */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/*
 * libssh looks for known_hosts files (by fopen() in one version, by open() in the next) and
 * OpenSSL for its configuration, and there is no option to stop either. Host keys come from the
 * birth record and nothing here has a file, so these answer for the C library's functions in this
 * executable: there are none. Without them the sandbox would kill the process for the attempt.
 */
FILE *fopen(const char *restrict path, const char *restrict mode)
{
	errno = EACCES;
	return NULL;
}

FILE *fopen64(const char *restrict path, const char *restrict mode)
{
	errno = EACCES;
	return NULL;
}

int open(const char *path, int flags, ...)
{
	errno = EACCES;
	return -1;
}

int open64(const char *path, int flags, ...)
{
	errno = EACCES;
	return -1;
}
