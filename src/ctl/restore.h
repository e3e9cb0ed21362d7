/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/cli.h"
#include "ctl/unpack.h"

/* A backup that is open, proven from end to end, and about to be read again. */
struct proven {
	int fd;
	uint8_t head[BACKUP_HEAD_LEN];
	uint8_t *key;
	struct unpacked unpacked;
};
/* CLI_OK, or CLI_CUT, CLI_ALTERED, CLI_FAILED after saying why. */
int backup_prove(struct cli *cli, struct proven *proven);
void proven_finish(struct proven *proven);
