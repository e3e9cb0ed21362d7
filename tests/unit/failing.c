/* SPDX-License-Identifier: Apache-2.0 */
#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cmocka.h>

static struct {
	const char *names;
	int error;
	unsigned strike, seen; /* the call that fails, the calls so far */
	bool armed, struck, shorten;
	char call[32];
} failing = { .call = "" };

void failing_begin(const char *names, int error)
{
	memset(&failing, 0, sizeof failing);
	failing.names = names;
	failing.error = error;
}

bool failing_more(void)
{
	if (failing.strike > 0 && !failing.struck) {
		unsigned struck = failing.strike - 1;
		const char *names = failing.names;
		failing_end();
		if (struck == 0)
			fail_msg("none of these was called: %s", names);
		return false;
	}
	failing.strike++;
	failing.seen = 0;
	failing.armed = true;
	failing.struck = failing.shorten = false;
	failing.call[0] = '\0';
	return true;
}

bool failing_struck(void)
{
	return failing.struck;
}

const char *failing_call(void)
{
	return failing.call;
}

void failing_once(const char *name, unsigned n, int error)
{
	failing_begin(name, error);
	failing.strike = n;
	failing.armed = true;
}

void failing_end(void)
{
	failing.armed = false;
}

void failing_go_on(void)
{
	failing.armed = true;
}

static bool named(const char *name)
{
	size_t len = strlen(name);

	for (const char *at = failing.names; (at = strstr(at, name)) != NULL; at += len)
		if ((at == failing.names || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

bool failing_now(const char *name)
{
	if (!failing.armed || failing.struck || !named(name) || ++failing.seen < failing.strike)
		return false;
	failing.struck = true;
	strncpy(failing.call, name, sizeof failing.call - 1);
	errno = failing.error;
	failing.shorten = failing.error == FAILING_SHORT;
	return !failing.shorten;
}

static size_t failing_len(size_t len)
{
	bool shorten = failing.shorten && len > 1;

	failing.shorten = false;
	return shorten ? len / 2 : len;
}

#define FAILS(returns, name, parameters, arguments, refused)                                       \
	returns __real_##name parameters;                                                          \
	returns __wrap_##name parameters;                                                          \
	returns __wrap_##name parameters                                                           \
	{                                                                                          \
		if (failing_now(#name))                                                            \
			return refused;                                                            \
		return __real_##name arguments;                                                    \
	}
#include "failing.def"

/* The mode is there only when a file may be made. */
int __real_openat64(int directory, const char *name, int flags, ...);
int __wrap_openat64(int directory, const char *name, int flags, ...);
int __wrap_openat64(int directory, const char *name, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return failing_now("openat64") ? -1 : __real_openat64(directory, name, flags, mode);
}
