/* SPDX-License-Identifier: Apache-2.0 */
#include "base/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

#define VERSION_FLAG 1u
#define RULE_PATH_BENEATH 1
#define NET_ALL (LANDLOCK_BIND_TCP | LANDLOCK_CONNECT_TCP)
#define SCOPE_ALL 3u /* abstract sockets, signals */

/* The kernel's structures (include/uapi/linux/landlock.h); an older kernel reads less of the first.
 */
struct ruleset {
	uint64_t files, net, scopes;
};

struct path_rule {
	uint64_t rights;
	int32_t dir;
} __attribute__((packed));

/* Number of rights over files, and length of struct ruleset, by version. */
static const struct {
	unsigned file_rights;
	size_t size;
} versions[] = {
	{ 0, 0 }, { 13, 8 }, /* 5.13 */
	{ 14, 8 },           /* 5.19: renames between directories */
	{ 15, 8 },           /* 6.2: truncate */
	{ 15, 16 },          /* 6.7: TCP */
	{ 16, 16 },          /* 6.10: device ioctl */
	{ 16, 24 },          /* 6.12: scopes */
};

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);

	return version < 0 ? 0 : (int)version;
}

static int add_path(int ruleset, const struct landlock_path *path, uint64_t handled)
{
	struct path_rule rule = { .rights = path->rights & handled, .dir = path->dir };

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
		return -ERR_SYSTEM;
	return 0;
}

int landlock_enter(const struct landlock_path *paths, unsigned count, uint64_t net_free)
{
	unsigned version = MIN((unsigned)landlock_version(), (unsigned)ARRAY_LEN(versions) - 1);
	struct ruleset ruleset = {
		.files = (UINT64_C(1) << versions[version].file_rights) - 1,
		.net = NET_ALL & ~net_free,
		.scopes = SCOPE_ALL,
	};
	CLEANUP(fd_closep) int fd = -1;

	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, versions[version].size, 0);
	if (fd < 0)
		return -ERR_SYSTEM;
	for (unsigned i = 0; i < count; i++) {
		int r = add_path(fd, &paths[i], ruleset.files);

		if (r < 0)
			return r;
	}
	return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -ERR_SYSTEM : 0;
}
