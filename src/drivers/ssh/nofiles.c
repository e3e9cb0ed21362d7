/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

/*
 * libssh looks for known_hosts files and OpenSSL for its configuration, and there is no option to
 * stop either. Host keys come from the birth record and nothing here has a file, so this answers
 * for the C library's fopen() in this executable: there are none. Without it the sandbox would
 * kill the process for the attempt.
 */
FILE *fopen(const char *restrict path, const char *restrict mode)
{
	errno = EACCES;
	return NULL;
}
