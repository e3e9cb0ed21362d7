/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/cli.h"
#include "wire/backup.h"

/*
 * The passphrase of a backup, as a descriptor that reads as it: --passphrase-file, else standard
 * input, else asked for (`twice`: for a new one).
 */
int backup_passphrase(const struct cli *cli, int twice, int *ret_fd);
/*
 * What it comes to with this head, in *ret_key (guarded, to be destroyed). The vault's own program
 * reads the descriptor, which is closed; this process never has the passphrase.
 */
int backup_key(int passphrase, const uint8_t head[BACKUP_HEAD_LEN], uint8_t **ret_key);

#define PASSPHRASE_OPTION                                                                          \
	{ "passphrase-file", NULL, OPTION_TEXT, "FILE",                                            \
		"where the passphrase stands; asked for, or standard input, unless said" },
