/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/cli.h"

/*
 * The keys of a new installation: made by the vault's own program, with what opens them from where
 * the options of `init` say. This process never holds one.
 */
/* Before anything is made: are the options whole, is there what they name? */
int init_keys_check(struct cli *cli);
/* Makes the keyring in `directory`/vault; the public key is in pem. */
int init_keys_make(struct cli *cli, int directory, char *pem, size_t size, size_t *ret_len);
/* What sallyport.conf must say of it: whole lines, or "". */
int init_keys_settings(const struct cli *cli, char *out, size_t size);
