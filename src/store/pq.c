/* SPDX-License-Identifier: Apache-2.0 */
#include <libpq-fe.h>

#include <dlfcn.h>
#include <stddef.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/pq.h"

struct pq pq;

/* In the order of the members. */
static const char *const names[] = {
#define FUNCTION(name) #name,
#include "store/pq.def"
#undef FUNCTION
};

int pq_load(void)
{
	static void *library; /* stays as long as the process */
	void **members = (void **)&pq;

	_Static_assert(sizeof pq == ARRAY_LEN(names) * sizeof(void *), "a member for each name");
	if (library != NULL)
		return 0;
	void *opened = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
	for (unsigned i = 0; opened != NULL && i < ARRAY_LEN(names); i++) {
		members[i] = dlsym(opened, names[i]);
		if (members[i] == NULL) {
			dlclose(opened);
			opened = NULL;
		}
	}
	library = opened;
	if (opened == NULL)
		log_error("store.postgresql", "libpq.so.5 is not there, or older than ours");
	return opened != NULL ? 0 : -ERR_SYSTEM;
}
