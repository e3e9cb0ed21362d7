/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"
#include "wire/releases.h"

/*
 * The vault's log of releases, proven from its files and the public key; and compared with the
 * audit trail, which has seen how long it was at every release and every end of a session.
 */
#define RELEASE_FILES_MAX 100000
#define RELEASE_ROWS_MAX (16 * 1024 * 1024) /* of the trail, that are compared */

enum release_verdict {
	RELEASES_INTACT,
	RELEASES_ALTERED,   /* line: not as this installation wrote it */
	RELEASES_MISSING,   /* line: is not where it belongs */
	RELEASES_CUT,       /* after line: the trail has seen more */
	RELEASES_OTHER,     /* line: not the one the trail has seen */
	RELEASES_UNAUDITED, /* line: a release that is not in the trail */
};
struct release_report {
	enum release_verdict verdict;
	uint64_t lines; /* proven */
	uint64_t line;
	int64_t row;   /* of the trail: the one that disagrees */
	uint64_t seen; /* CUT: the line it has seen */
	bool compared; /* false: there was no trail to read */
};
const char *release_verdict_name(enum release_verdict verdict); /* "intact", "altered", .. */

/* Every line of all files in their order, up to where fn returns false. -ERR_SYSTEM, -ERR_FULL. */
int release_files_read(int directory, releases_line_fn *fn, void *context);
/* store NULL: the files alone. 0 (see the verdict), or why something could not be read. */
int release_prove(int directory, const uint8_t installation_public[32], struct store *store,
	struct release_report *ret_report);
