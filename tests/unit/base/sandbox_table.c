/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.def against the kernel: every system call there is, in every role. What has no row kills;
 * what has one is let through, under its conditions and not beside them.
 */
#include "base/sandbox.c"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/clock.h"

#define CALLS 470 /* Linux 6.18 has 469; what a kernel does not know is refused before it looks */
#define ROLES (SANDBOX_WITNESS + 1)
#define ELSEWHERE UINT64_MAX /* an argument beside every condition there is */

struct walls {
	struct sock_filter code[4096];
	struct sock_fprog program;
};

/* The filter of a role, but that it may trap instead of kill. SELF is whoever calls this. */
static void build(struct walls *walls, unsigned role, uint32_t action)
{
	scmp_filter_ctx filter = seccomp_init(action);
	int pipe_ends[2];

	assert_non_null(filter);
	assert_int_equal(fill_filter(filter, (enum sandbox_role)role), 0);
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
	fcntl(pipe_ends[1], F_SETPIPE_SZ, 1 << 20);
	assert_int_equal(seccomp_export_bpf(filter, pipe_ends[1]), 0);
	ssize_t got = read(pipe_ends[0], walls->code, sizeof walls->code);
	assert_true(got > 0 && (size_t)got < sizeof walls->code);
	walls->program.len = (unsigned short)((size_t)got / sizeof walls->code[0]);
	walls->program.filter = walls->code;
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	seccomp_release(filter);
}

static void enter(const struct walls *walls)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &walls->program) < 0)
		_exit(2);
}

enum fate { KILLED, LET, ABSENT_CALL };

static sigjmp_buf trapped;

static void on_trap(int number)
{
	siglongjmp(trapped, 1);
}

/* Behind walls that trap: what becomes of one call with these arguments. */
static enum fate fate_of(int call, const uint64_t a[6])
{
	if (sigsetjmp(trapped, 1) != 0)
		return KILLED;
	long r = syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
	return r < 0 && errno == ENOSYS ? ABSENT_CALL : LET;
}

static uint64_t value_of(const struct scmp_arg_cmp *condition)
{
	uint64_t value = condition->op == SCMP_CMP_EQ ? condition->datum_a : condition->datum_b;

	return value == SELF ? (uint64_t)getpid() : value;
}

/* The call as the row wants it, with nonsense in what it leaves open; `spoil`: all but one
 * condition. */
static void arguments_for(const struct rule *rule, int spoil, uint64_t a[6])
{
	for (unsigned i = 0; i < 6; i++)
		a[i] = ELSEWHERE;
	for (unsigned i = 0; i < ARRAY_LEN(rule->conditions); i++)
		if (rule->conditions[i].op != _SCMP_CMP_MIN && (int)i != spoil)
			a[rule->conditions[i].arg] = value_of(&rule->conditions[i]);
}

static bool holds(const struct scmp_arg_cmp *condition, const uint64_t a[6])
{
	if (condition->op == _SCMP_CMP_MIN)
		return true;
	if (condition->op == SCMP_CMP_EQ)
		return a[condition->arg] == value_of(condition);
	return (a[condition->arg] & condition->datum_a) == condition->datum_b;
}

/* What the table says of a call with these arguments. */
static enum fate expected(unsigned role, int call, const uint64_t a[6])
{
	for (unsigned i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *rule = &rules[i];
		if (rule->call == call && (rule->roles & (1u << role)) != 0 &&
			holds(&rule->conditions[0], a) && holds(&rule->conditions[1], a))
			return rule->action == SCMP_ACT_ERRNO(ENOSYS) ? ABSENT_CALL : LET;
	}
	return KILLED;
}

static const char *name_of(int call)
{
	static char name[64];
	char *text = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

	snprintf(name, sizeof name, "%s (%d)", text != NULL ? text : "?", call);
	free(text);
	return name;
}

/* The kernel's own probes, which it answers before any filter. */
static bool is_the_kernels(int call)
{
	return call == 335 || call == 336; /* uretprobe, uprobe */
}

/* Who comes back from these does not come back here. */
static bool is_an_end(int call)
{
	return call == SYS_exit || call == SYS_exit_group || call == SYS_rt_sigreturn;
}

static unsigned differs(unsigned role, int call, const uint64_t a[6])
{
	static const char *const fates[] = { "kills", "is let through", "is absent" };
	enum fate wanted = expected(role, call, a);

	if (is_the_kernels(call) || (is_an_end(call) && wanted == LET))
		return 0;
	enum fate found = fate_of(call, a);
	/* A call that the kernel has not, let through, is absent too. */
	if (found == wanted || (wanted == LET && found == ABSENT_CALL))
		return 0;
	fprintf(stderr, "role %u: %s %s, the table says it %s\n", role, name_of(call), fates[found],
		fates[wanted]);
	return 1;
}

static unsigned try_all_calls(unsigned role)
{
	uint64_t a[6];
	unsigned wrong = 0;

	memset(a, 0xff, sizeof a);
	for (int call = 0; call < CALLS; call++)
		wrong += differs(role, call, a);
	for (unsigned i = 0; i < ARRAY_LEN(rules); i++) {
		if ((rules[i].roles & (1u << role)) == 0)
			continue;
		for (int spoil = -1; spoil < (int)ARRAY_LEN(rules[i].conditions); spoil++) {
			arguments_for(&rules[i], spoil, a);
			wrong += differs(role, rules[i].call, a);
		}
	}
	return wrong;
}

/* Sockets of every family there is or may be, of every kind. */
static unsigned try_all_sockets(unsigned role)
{
	unsigned wrong = 0;

	for (uint64_t family = 0; family < 48; family++)
		for (uint64_t kind = 1; kind <= SOCK_RAW; kind++)
			wrong += differs(
				role, SYS_socket, (const uint64_t[6]){ family, kind, UINT64_MAX });
	return wrong;
}

static int in_child(unsigned role, unsigned (*try)(unsigned role))
{
	static struct walls walls;
	struct sigaction action = { .sa_handler = on_trap };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		build(&walls, role, SCMP_ACT_TRAP);
		sigaction(SIGSYS, &action, NULL);
		enter(&walls);
		unsigned wrong = try(role);
		_exit(wrong > 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void the_table_is_what_the_kernel_does(void **state)
{
	for (unsigned role = 0; role < ROLES; role++) {
		unsigned killed = 0;
		uint64_t a[6];

		memset(a, 0xff, sizeof a);
		for (int call = 0; call < CALLS; call++)
			killed += expected(role, call, a) == KILLED;
		print_message("role %u: %u of %d calls kill in any case\n", role, killed, CALLS);
		assert_true(killed > CALLS * 3 / 4);
		assert_int_equal(in_child(role, try_all_calls), 0);
	}
}

static void no_socket_but_what_is_listed(void **state)
{
	for (unsigned role = 0; role < ROLES; role++)
		assert_int_equal(in_child(role, try_all_sockets), 0);
}

/* What traps above kills below: some calls behind the walls as they are. */
static void what_has_no_row_kills(void **state)
{
	static struct walls walls;
	uint64_t a[6];
	int status;

	memset(a, 0xff, sizeof a);
	for (unsigned role = 0; role < ROLES; role++) {
		build(&walls, role, SCMP_ACT_KILL_PROCESS);
		for (int call = (int)role; call < CALLS; call += 23) {
			if (expected(role, call, a) != KILLED || is_the_kernels(call))
				continue;
			pid_t pid = vfork();
			if (pid == 0) {
				enter(&walls);
				syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
				_exit(0);
			}
			assert_int_equal(waitpid(pid, &status, 0), pid);
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				fail_msg("role %u: %s leaves status %x", role, name_of(call),
					status);
		}
	}
}

/* What no role may, whatever becomes of the table: a row for one of these is a mistake. */
static void some_calls_are_in_no_row(void **state)
{
	static const int never[] = { SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv,
		SYS_process_vm_writev, SYS_fork, SYS_vfork, SYS_setns, SYS_unshare, SYS_mount,
		SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_bpf, SYS_perf_event_open,
		SYS_io_uring_setup, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_init_module,
		SYS_finit_module, SYS_kexec_load, SYS_reboot, SYS_setuid, SYS_setresuid, SYS_capset,
		SYS_personality, SYS_modify_ldt, SYS_pidfd_getfd, SYS_bind, SYS_listen, SYS_open,
		SYS_open_by_handle_at, SYS_mknod, SYS_symlink, SYS_link, SYS_seccomp };

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		for (unsigned j = 0; j < ARRAY_LEN(never); j++)
			if (rules[i].call == never[j])
				fail_msg("%s has a row", name_of(never[j]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_what_the_kernel_does),
		cmocka_unit_test(no_socket_but_what_is_listed),
		cmocka_unit_test(what_has_no_row_kills),
		cmocka_unit_test(some_calls_are_in_no_row),
	};
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* thousands die here */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
