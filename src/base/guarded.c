/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guarded.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#define PAGE 4096
#define ALIGN 16
#define GUARDED_MAX (1u << 20) /* bytes of one piece: the largest is a keyring */

/* Stands directly before the piece. */
struct head {
	uint32_t pages, padded;
	uint64_t canary;
};
_Static_assert(sizeof(struct head) == ALIGN, "the piece behind it is aligned");

/* One answer for the process, as the limit on locked memory is one. */
static struct {
	bool hidden, unlocked;
	uint64_t canary; /* 0: not drawn yet */
} state;

/* The pages between the guards become secret memory, which is locked by being that. */
static bool hide(uint8_t *pages, size_t len)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);
	if (fd < 0)
		return false;
	bool good =
		ftruncate(fd, (off_t)len) == 0 &&
		mmap(pages, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == pages;
	close(fd);
	return good;
}

static bool lock(uint8_t *pages, size_t len)
{
	if (mmap(pages, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		    0) != pages)
		return false;
	if (syscall(SYS_mlock, pages, len) < 0) /* mlock() does nothing under a sanitizer */
		state.unlocked = true;
	return true;
}

/* NULL, or pages between two that cannot be touched. */
static uint8_t *map(size_t len, bool hidden)
{
	size_t all = len + 2 * (size_t)PAGE;
	uint8_t *base = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	if (!(hidden ? hide(base + PAGE, len) : lock(base + PAGE, len))) {
		munmap(base, all);
		return NULL;
	}
	madvise(base + PAGE, len, MADV_DONTDUMP);
	madvise(base + PAGE, len, MADV_DONTFORK);
	return base + PAGE;
}

static void unmap(uint8_t *pages, size_t len)
{
	munmap(pages - PAGE, len + 2 * (size_t)PAGE);
}

void *guarded_create(size_t size)
{
	if (size == 0 || size > GUARDED_MAX)
		return NULL;
	size_t padded = (size + ALIGN - 1) / ALIGN * ALIGN;
	size_t pages = (sizeof(struct head) + padded + PAGE - 1) / PAGE;
	uint8_t *first = state.hidden ? map(pages * PAGE, true) : NULL;
	if (first == NULL) /* the limit is used up: locked memory, or at least some, is better */
		first = map(pages * PAGE, false);
	if (first == NULL)
		return NULL;
	while (state.canary == 0)
		random_bytes(&state.canary, sizeof state.canary);
	uint8_t *piece = first + pages * PAGE - padded;
	*((struct head *)piece - 1) =
		(struct head){ (uint32_t)pages, (uint32_t)padded, state.canary };
	return piece;
}

void guarded_destroy(void *memory)
{
	if (memory == NULL)
		return;
	struct head head = *((struct head *)memory - 1);
	/* Whoever wrote before his piece wrote over what says how long it is. */
	assert(head.canary == state.canary);
	size_t len = (size_t)head.pages * PAGE;
	uint8_t *first = (uint8_t *)memory + head.padded - len;
	mem_wipe(first, len);
	unmap(first, len);
}

bool guarded_hide(void)
{
	uint8_t *page = map(PAGE, true);
	if (page == NULL)
		return false;
	*page = 1; /* the limit may show itself only now */
	unmap(page, PAGE);
	state.hidden = true;
	return true;
}

bool guarded_locked(void)
{
	return !state.unlocked;
}
