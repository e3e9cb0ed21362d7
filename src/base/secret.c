/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/limits.h"
#include "base/mem.h"

/* Lives in guarded memory, which is wiped when it is given back. */
struct secret {
	size_t len;
	char bytes[]; /* len, and a NUL */
};

static struct secret *secret_allocate(size_t len)
{
	struct secret *secret = guarded_create(sizeof(struct secret) + len + 1);

	if (secret != NULL)
		secret->len = len;
	return secret;
}

struct secret *secret_create(const void *bytes, size_t len)
{
	struct secret *secret;

	if (len > SECRET_MAX)
		return NULL;
	secret = secret_allocate(len);
	if (secret != NULL && len > 0)
		memcpy(secret->bytes, bytes, len);
	return secret;
}

/* Up to `size` bytes, waiting on a non-blocking descriptor; the count, or -ERR_SYSTEM. */
static ssize_t read_all(int fd, char *out, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, out + len, size - len);

		if (n == 0)
			break;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd wait = { .fd = fd, .events = POLLIN };

			if (poll(&wait, 1, -1) < 0 && errno != EINTR)
				return -ERR_SYSTEM;
			continue;
		}
		if (n < 0 && errno != EINTR)
			return -ERR_SYSTEM;
		if (n > 0)
			len += (size_t)n;
	}
	return (ssize_t)len;
}

int secret_read(int fd, int strip_newline, struct secret **ret_secret)
{
	/* One byte more than allowed, to see that there is more. */
	CLEANUP(secret_destroyp) struct secret *room = secret_allocate(SECRET_MAX + 1);
	struct secret *secret;
	ssize_t len;

	if (room == NULL)
		return -ERR_SYSTEM;
	len = read_all(fd, room->bytes, SECRET_MAX + 1);
	if (len < 0)
		return (int)len;
	if (len > SECRET_MAX)
		return -ERR_TOO_LARGE;
	if (strip_newline && len > 0 && room->bytes[len - 1] == '\n')
		len--;
	secret = secret_create(room->bytes, (size_t)len);
	if (secret == NULL)
		return -ERR_SYSTEM;
	*ret_secret = secret;
	return 0;
}

size_t secret_len(const struct secret *secret)
{
	return secret->len;
}

const char *secret_reveal(const struct secret *secret)
{
	return secret->bytes;
}

void secret_destroy(struct secret *secret)
{
	guarded_destroy(secret);
}

void secret_destroyp(struct secret **secret)
{
	secret_destroy(*secret);
	*secret = NULL;
}
