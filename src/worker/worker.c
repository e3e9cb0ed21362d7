/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-worker-<driver>: one session, or the template they are copied from. A session is born
 *with exactly these descriptors and no environment, and never opens another:
 *
 *	0 1 2	/dev/null
 *	3	the target, connected
 *	4	the view stream to the recorder; for a probe a channel to the broker
 *	5	the vault's agent stream
 *	6	struct worker_birth, read once and closed
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "wire/process.h"
#include "wire/wire.h"
#include "worker/host.h"
#include "worker/template.h"

#define MEMORY_MAX (256ul * 1024 * 1024) /* bytes of address space */
#define FILES_MAX 16                     /* descriptors */
#define CPU_MAX 3600                     /* seconds: some 500 GiB of output, or one that spins */
#define NICENESS 2                       /* the corridor and the broker come first */
#define WATCHDOG_SECONDS 10              /* beyond the login timeout */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static struct worker worker; /* for the watchdog; everything else is handed a pointer */

static void die(const char *event, const char *words)
{
	log_error(event, "%s", words);
	_exit(1);
}

static bool birth_valid(const struct worker_birth *birth)
{
	for (unsigned i = 0; i < PINS_MAX; i++)
		if (!TEXT_VALID(birth->pin_algorithms[i]) || !TEXT_VALID(birth->expect[i]))
			return false;
	return TEXT_VALID(birth->session_id) && TEXT_VALID(birth->protocol) &&
	       TEXT_VALID(birth->username) && TEXT_VALID(birth->target) &&
	       TEXT_VALID(birth->user) && TEXT_VALID(birth->terminal) &&
	       birth->pin_count <= PINS_MAX && birth->login_timeout > 0 &&
	       (birth->kind == SECRET_PASSWORD || birth->kind == SECRET_SSH_KEY || birth->probe);
}

static void read_birth(struct worker_birth *birth)
{
	_Static_assert(PINS_MAX == ARRAY_LEN(birth->expect), "one loop checks both");
	if (pread(FD_BIRTH, birth, sizeof *birth, 0) != sizeof *birth || !birth_valid(birth))
		die("worker.birth",
			"this program is started by sallyport-supervisor; see sallyport(1)");
	close(FD_BIRTH);
	close_range(FD_BIRTH + 1, ~0u, 0);
}

static void limit(int resource, rlim_t most)
{
	setrlimit((__rlimit_resource_t)resource, &(struct rlimit){ most, most });
}

static void set_limits(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NPROC, 0);
	limit(RLIMIT_NOFILE, FILES_MAX);
	limit(RLIMIT_CPU, CPU_MAX);
#ifndef SANITIZED /* its shadow alone is larger */
	limit(RLIMIT_AS, MEMORY_MAX);
#endif
	setpriority(PRIO_PROCESS, 0, NICENESS);
}

/*
 * Keystrokes must not wait for each other, and a target that vanished must be noticed even while
 * we wait for it. Fails on anything but TCP, where nothing of this is needed.
 */
static void prepare_target(int target)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 30 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 4 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 90000 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(options); i++)
		setsockopt(target, options[i].level, options[i].option, &options[i].value,
			sizeof options[i].value);
}

static void on_alarm(int number)
{
	if (worker.state != VIEW_LIVE && !worker.ended)
		_exit(1);
}

/*
 * The login timeout is a timer of the loop, and a library waiting for the vault's signature is not
 * in the loop. This catches what would otherwise wait for ever.
 */
static void set_watchdog(unsigned login_timeout)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &action, NULL);
	alarm(login_timeout + WATCHDOG_SECONDS);
}

int main(int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof name, "sallyport-worker-%s", driver.name);
	process_begin_bare(argc, argv, name);
	if (driver.prepare != NULL && driver.prepare() < 0)
		die("worker.prepare", "the protocol library cannot be prepared");
	if (argc > 2 && strcmp(argv[2], "template") == 0)
		template_serve();
	read_birth(&worker.birth);
	set_limits();
	prepare_target(FD_TARGET);
	set_watchdog(worker.birth.login_timeout);
	if (loop_create(&worker.loop) < 0 || host_begin(&worker) < 0)
		die("worker.begin", "no memory");
	if (sandbox_enter(SANDBOX_WORKER, -1) < 0)
		die("worker.sandbox", "cannot enter the sandbox: this kernel lacks seccomp");
	host_run(&worker);
	host_finish(&worker);
	_exit(0);
}
