/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "supervisor/supervisor.h"

#define FIRST_INHERITED 3

/* A number in the environment, or -1: the service manager's words, not a person's. */
static long number_of(const char *variable)
{
	const char *text = getenv(variable);
	char *end;

	if (text == NULL || text[0] == '\0')
		return -1;
	long number = strtol(text, &end, 10);
	return *end == '\0' ? number : -1;
}

static bool listens_on_tcp(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof address, flag_size = sizeof(int);
	int listening = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &flag_size) == 0 &&
	       listening != 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
	       (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

bool manager_listens(void)
{
	return number_of("LISTEN_PID") == getpid() && number_of("LISTEN_FDS") >= 1;
}

int manager_listener(void)
{
	if (!manager_listens())
		return -ERR_NOT_FOUND;
	if (number_of("LISTEN_FDS") != 1 || !listens_on_tcp(FIRST_INHERITED))
		return -ERR_MALFORMED;
	int flags = fcntl(FIRST_INHERITED, F_GETFL);
	if (fcntl(FIRST_INHERITED, F_SETFL, flags | O_NONBLOCK) < 0)
		return -ERR_SYSTEM;
	/* Away from 3: what a service is born with goes there. */
	int fd = fcntl(FIRST_INHERITED, F_DUPFD_CLOEXEC, 10);
	close(FIRST_INHERITED);
	return fd < 0 ? -ERR_SYSTEM : fd;
}

void manager_tell(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') /* an abstract name begins with a NUL */
		address.sun_path[0] = '\0';
	CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) /* whoever does not listen is not told */
		sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}
