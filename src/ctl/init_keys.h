/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/cli.h"

/*
 * The keys of a new installation: made by the vault's own program, with what opens them from where
 * the options of `init` say. This process never holds one.
 */
/*
 * Before anything is made, and as whoever called: are the options whole, is there what they name?
 * *ret_secret reads as the passphrase, the credential or the PIN; -1: none is needed.
 */
int init_keys_open(struct cli *cli, int *ret_secret);
/* Makes the keyring in `directory`/vault; the public key is in pem. Takes ownership of secret. */
int init_keys_make(
	struct cli *cli, int directory, int secret, char *pem, size_t size, size_t *ret_len);
/* What sallyport.conf must say of it: whole lines, or "". */
int init_keys_settings(const struct cli *cli, char *out, size_t size);
