/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/error.h"
#include "base/landlock.h"
#include "base/log.h"
#include "base/mem.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

#define FRONT (1u << SANDBOX_FRONT)
#define FAR (1u << SANDBOX_BROKER_FAR)
#define BROKER ((1u << SANDBOX_BROKER) | FAR)
#define VAULT (1u << SANDBOX_VAULT)
#define RECORDER (1u << SANDBOX_RECORDER)
#define WORKER (1u << SANDBOX_WORKER)
#define READER (1u << SANDBOX_READER)
#define WITNESS (1u << SANDBOX_WITNESS)
#define CONNECTED (FRONT | BROKER | VAULT | RECORDER | WORKER | WITNESS)
#define EVERYONE (CONNECTED | READER)

#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
		CLONE_NEWPID | CLONE_NEWNET)
#define SOCKET_KIND 0xf /* the part of socket()'s type that is no flag */
#define SELF UINT64_MAX /* stands for the process's own number, known only when it runs */

struct rule {
	int call;
	unsigned roles;
	uint32_t action;
	struct scmp_arg_cmp conditions[2];
};

#define ANY                                                                                        \
	{                                                                                          \
		.op = _SCMP_CMP_MIN                                                                \
	}
#define EQUAL(argument, value)                                                                     \
	{                                                                                          \
		argument, SCMP_CMP_EQ, value, 0                                                    \
	}
#define MASKED(argument, mask, value)                                                              \
	{                                                                                          \
		argument, SCMP_CMP_MASKED_EQ, mask, value                                          \
	}

static const struct rule rules[] = {
#define CALL(name, roles) { SCMP_SYS(name), roles, SCMP_ACT_ALLOW, { ANY, ANY } },
#define WHEN(name, roles, ...) { SCMP_SYS(name), roles, SCMP_ACT_ALLOW, { __VA_ARGS__ } },
#define ABSENT(name, roles) { SCMP_SYS(name), roles, SCMP_ACT_ERRNO(ENOSYS), { ANY, ANY } },
#include "base/sandbox.def"
#undef CALL
#undef WHEN
#undef ABSENT
#ifdef SANITIZED
	/*
	 * AddressSanitizer looks at files when it reports. It is told beforehand to keep what it
	 * needs, and gets an error instead of death when it tries all the same.
	 */
	{ SCMP_SYS(openat), FRONT | WORKER | READER, SCMP_ACT_ERRNO(EACCES), { ANY, ANY } },
	{ SCMP_SYS(readlink), EVERYONE & ~BROKER, SCMP_ACT_ERRNO(EACCES), { ANY, ANY } },
#endif
};

#ifdef SANITIZED
#include <sanitizer/common_interface_defs.h>

static bool entered;

/* The leak check at exit starts a process that traces this one: not from in here. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return entered;
}

static void prepare_sanitizer(void)
{
	__sanitizer_sandbox_arguments none = { 0 };

	__sanitizer_sandbox_on_notify(&none);
	entered = true;
}
#else
static void prepare_sanitizer(void)
{
}
#endif

/* What a role may do beneath its one directory. */
static const uint64_t rights_beneath[] = {
	[SANDBOX_FRONT] = 0,
	[SANDBOX_BROKER] = LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_DIR |
			   LANDLOCK_MAKE_REG | LANDLOCK_REMOVE_FILE | LANDLOCK_TRUNCATE,
	[SANDBOX_BROKER_FAR] = LANDLOCK_READ_FILE | LANDLOCK_READ_DIR,
	[SANDBOX_VAULT] = LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_DIR |
			  LANDLOCK_MAKE_REG | LANDLOCK_REMOVE_FILE | LANDLOCK_TRUNCATE,
	/* Not READ_FILE: what is recorded is out of its reach. */
	[SANDBOX_RECORDER] = LANDLOCK_WRITE_FILE | LANDLOCK_READ_DIR | LANDLOCK_MAKE_REG |
			     LANDLOCK_REMOVE_FILE | LANDLOCK_TRUNCATE,
	[SANDBOX_WORKER] = 0,
	[SANDBOX_READER] = 0,
	/* Appends and cuts half a line off; takes nothing away. */
	[SANDBOX_WITNESS] = LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_DIR |
			    LANDLOCK_MAKE_REG | LANDLOCK_TRUNCATE,
};

static uint64_t net_free(enum sandbox_role role)
{
	bool connects =
		role == SANDBOX_BROKER || role == SANDBOX_BROKER_FAR || role == SANDBOX_WITNESS;

	return connects ? LANDLOCK_CONNECT_TCP : 0;
}

static int wall_in_files(enum sandbox_role role, const int *dirs, unsigned dir_count)
{
	struct landlock_path paths[SANDBOX_DIRS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < dir_count && rights_beneath[role] != 0; i++)
		if (dirs[i] >= 0 && count < ARRAY_LEN(paths))
			paths[count++] = (struct landlock_path){ dirs[i], rights_beneath[role] };
	if (landlock_version() == 0) {
		log_warning("sandbox.landlock", "this kernel has no Landlock; only seccomp holds");
		return 0;
	}
	return landlock_enter(paths, count, net_free(role));
}

static int add_rule(scmp_filter_ctx filter, const struct rule *rule)
{
	struct scmp_arg_cmp conditions[ARRAY_LEN(rule->conditions)];
	unsigned count = 0;

	for (unsigned i = 0; i < ARRAY_LEN(rule->conditions); i++) {
		if (rule->conditions[i].op == _SCMP_CMP_MIN)
			continue;
		conditions[count] = rule->conditions[i];
		if (conditions[count].datum_a == SELF)
			conditions[count].datum_a = (scmp_datum_t)getpid();
		count++;
	}
	return seccomp_rule_add_array(filter, rule->action, rule->call, count, conditions);
}

static int fill_filter(scmp_filter_ctx filter, enum sandbox_role role)
{
	/* Threads that exist already are shut in as well; no_new_privs is set by our caller. */
	if (seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0 ||
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) < 0 ||
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
		return -ERR_SYSTEM;
	for (unsigned i = 0; i < ARRAY_LEN(rules); i++) {
		if ((rules[i].roles & (1u << role)) != 0 && add_rule(filter, &rules[i]) < 0)
			return -ERR_SYSTEM;
	}
	return 0;
}

static int wall_in_calls(enum sandbox_role role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (filter == NULL)
		return -ERR_SYSTEM;
	r = fill_filter(filter, role);
	if (r == 0 && seccomp_load(filter) < 0)
		r = -ERR_SYSTEM;
	seccomp_release(filter);
	return r;
}

int sandbox_enter(enum sandbox_role role, int dir)
{
	return sandbox_enter_dirs(role, &dir, 1);
}

int sandbox_enter_dirs(enum sandbox_role role, const int *dirs, unsigned count)
{
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -ERR_SYSTEM;
	r = wall_in_files(role, dirs, count);
	if (r < 0)
		return r;
	prepare_sanitizer();
	return wall_in_calls(role);
}

static bool any_root(void)
{
	uid_t real, effective, saved;

	return getresuid(&real, &effective, &saved) < 0 || real == 0 || effective == 0 ||
	       saved == 0;
}

static int change_root(int root_dir)
{
	if (fchdir(root_dir) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return -ERR_SYSTEM;
	return 0;
}

/* Where it is still permitted: by root, and in a user namespace by who made it. */
static void drop_bounding_set(void)
{
	for (int capability = 0; capability < 64; capability++)
		prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

int sandbox_powerless(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2] = { { 0 } };

	drop_bounding_set();
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, sets) < 0 || syscall(SYS_capget, &header, sets) < 0)
		return -ERR_SYSTEM;
	for (unsigned i = 0; i < ARRAY_LEN(sets); i++) {
		if (sets[i].effective | sets[i].permitted | sets[i].inheritable)
			return -ERR_SYSTEM;
	}
	return 0;
}

static bool root_comes_back(void)
{
	return setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || any_root() ||
	       getgroups(0, NULL) != 0;
}

int sandbox_drop(unsigned uid, int root_dir)
{
	if (!any_root())
		return 0;
	if (uid == 0 || uid == UINT32_MAX)
		return -ERR_SYSTEM;
	if (root_dir >= 0 && change_root(root_dir) < 0)
		return -ERR_SYSTEM;
	drop_bounding_set();
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return -ERR_SYSTEM;
	if (sandbox_powerless() < 0 || root_comes_back())
		return -ERR_SYSTEM;
	/* The kernel reset it with the uid. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -ERR_SYSTEM : 0;
}
