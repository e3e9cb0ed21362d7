/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/error.h"

void mem_freep(void *pointer_to_pointer)
{
	void *pointer = NULL;

	/* Through memcpy: the caller's variable is some T *, which a void ** may not alias. */
	memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
	free(pointer);
	memset(pointer_to_pointer, 0, sizeof(pointer));
}

void fd_closep(int *fd)
{
	int kept = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = kept;
}

void mem_wipe(void *bytes, size_t len)
{
	if (len > 0)
		explicit_bzero(bytes, len);
}

int mem_equal_secret(const void *a, const void *b, size_t len)
{
	return len == 0 || sodium_memcmp(a, b, len) == 0;
}

int text_copy(char *dst, size_t size, const char *src)
{
	return text_copy_len(dst, size, src, strlen(src));
}

int text_copy_len(char *dst, size_t size, const void *src, size_t len)
{
	if (size == 0)
		return -ERR_TOO_LARGE;
	dst[0] = '\0';
	if (len >= size)
		return -ERR_TOO_LARGE;
	if (len == 0)
		return 0;
	if (memchr(src, '\0', len) != NULL)
		return -ERR_MALFORMED;
	memmove(dst, src, len);
	dst[len] = '\0';
	return 0;
}
