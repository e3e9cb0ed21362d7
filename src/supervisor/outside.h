/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/settings.h"

/*
 * What the witness is given: its own directory, the directories of the files it appends to, and
 * files it reads once. Opened here, because it has no way to walk there.
 */
struct outside {
	int own;          /* DATA/witness */
	int mirror, file; /* directories */
	int authorities, key;
};

void outside_init(struct outside *outside); /* nothing is open */
/*
 * directory: the installation's; paths that do not begin with a slash are beneath it. uid 0: not
 * root. Makes what is missing: the witness's own directory, and the last one of a path. Errors are
 * words in complaint.
 */
int outside_open(struct outside *outside, int directory, const struct settings *settings,
	unsigned uid, char complaint[REASON_SIZE]);
void outside_close(struct outside *outside);
