/* SPDX-License-Identifier: Apache-2.0 */
#include "probes.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MSG_FASTOPEN_ 0x20000000
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN MSG_FASTOPEN_
#endif

static const struct sockaddr_in elsewhere = {
	.sin_family = AF_INET, .sin_port = 0x1600, .sin_addr = { 0x0100007f }
};
static const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
static char *const no_words[] = { NULL };

/* getpid() by the 32-bit door, whose numbers a careless filter reads as 64-bit ones. */
static long old_getpid(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	return result;
}

#define PROBE(class, name, attempt)                                                                \
	static long try_##name(struct spoils spoils)                                               \
	{                                                                                          \
		(void)spoils;                                                                      \
		return attempt;                                                                    \
	}
#define READING(class, name, attempt) PROBE(class, name, attempt)
#include "probes.def"
#undef PROBE
#undef READING

const struct probe probes[] = {
#define PROBE(class, name, attempt) { #class, #name, try_##name, false },
#define READING(class, name, attempt) { #class, #name, try_##name, true },
#include "probes.def"
#undef PROBE
#undef READING
};
const unsigned probe_count = sizeof(probes) / sizeof(probes[0]);
