/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

static int split_host(const char *text, size_t len, struct lookup *lookup)
{
	const char *colon = memrchr(text, ':', len);
	const char *close = len > 0 && text[0] == '[' ? memchr(text, ']', len) : NULL;

	if (text[0] == '[' && close == NULL)
		return -ERR_MALFORMED;
	if (close != NULL && close + 1 < text + len && close + 1 != colon)
		return -ERR_MALFORMED;
	if (colon != NULL && (close == NULL || colon > close)) {
		char *end;
		unsigned long port = strtoul(colon + 1, &end, 10);
		if (end != text + len || end == colon + 1 || port == 0 || port > 65535)
			return -ERR_MALFORMED;
		lookup->port = (uint16_t)port;
		len = (size_t)(colon - text);
	}
	if (close != NULL)
		return text_copy_len(lookup->host, sizeof lookup->host, text + 1, len - 2);
	return text_copy_len(lookup->host, sizeof lookup->host, text, len);
}

int lookup_parse(const char *where, const char *scheme, uint16_t port, struct lookup *ret_lookup)
{
	size_t len = strlen(scheme);
	struct address address;

	*ret_lookup = (struct lookup){ .port = port };
	if (strncmp(where, scheme, len) != 0)
		return -ERR_MALFORMED;
	where += len;
	int r = split_host(where, strcspn(where, "/?#"), ret_lookup);
	if (r < 0 || ret_lookup->host[0] == '\0' || strpbrk(ret_lookup->host, " @\\\t") != NULL)
		return -ERR_MALFORMED;
	if (address_parse(&address, ret_lookup->host) == 0) {
		ret_lookup->literal = true;
		ret_lookup->count = 1;
		address_to_sockaddr(&address, ret_lookup->port, &ret_lookup->addresses[0]);
	}
	return 0;
}

/* In the child: the answer is written in one piece, or not at all. */
static void ask(const struct lookup *lookup, unsigned uid, int out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *found;
	struct sockaddr_storage addresses[LOOKUP_ADDRESSES];
	unsigned count = 0;
	char port[8];

	if (uid != 0 && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
				setresuid(uid, uid, uid) < 0))
		_exit(1);
	snprintf(port, sizeof port, "%u", lookup->port);
	if (getaddrinfo(lookup->host, port, &hints, &found) != 0)
		_exit(1);
	memset(addresses, 0, sizeof addresses);
	for (struct addrinfo *it = found; it != NULL && count < LOOKUP_ADDRESSES; it = it->ai_next)
		if (it->ai_addrlen <= sizeof addresses[0])
			memcpy(&addresses[count++], it->ai_addr, it->ai_addrlen);
	ssize_t done = write(out, addresses, count * sizeof addresses[0]);
	_exit(done > 0 ? 0 : 1);
}

static ssize_t read_in_time(int fd, void *out, size_t size)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint64_t until = clock_monotonic_ms() + LOOKUP_MS;
	int r;

	do {
		uint64_t now = clock_monotonic_ms();
		r = poll(&wait, 1, now < until ? (int)(until - now) : 0);
	} while (r < 0 && errno == EINTR);
	return r > 0 ? read(fd, out, size) : -1;
}

/* Only addresses of the two families, whatever the child said. */
static void keep(struct lookup *lookup, ssize_t len)
{
	unsigned count = len > 0 ? (unsigned)len / sizeof lookup->addresses[0] : 0;

	for (unsigned i = 0; i < count; i++)
		if (lookup->addresses[i].ss_family == AF_INET ||
			lookup->addresses[i].ss_family == AF_INET6)
			lookup->addresses[lookup->count++] = lookup->addresses[i];
}

void lookup_resolve(struct lookup *lookup, unsigned uid)
{
	int ends[2];

	if (lookup->literal)
		return;
	lookup->count = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid_t pid = fork();
	if (pid == 0)
		ask(lookup, uid, ends[1]);
	close(ends[1]);
	if (pid > 0) {
		keep(lookup, read_in_time(ends[0], lookup->addresses, sizeof lookup->addresses));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(ends[0]);
	if (lookup->count == 0)
		log_warning("witness.lookup", "%s: no address", lookup->host);
}
