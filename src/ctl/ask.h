/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Secrets of a person: asked for on the terminal without showing them, or read by whoever gets the
 * descriptor, when standard input is a pipe or a file.
 */
#define ASK_SECRET_MAX 1024 /* bytes a person may type */

/*
 * A descriptor that reads as the secret, to be closed: *ret_fd. "Passphrase: " is written to the
 * terminal; twice asks again and compares. Returns CLI_OK, or CLI_FAILED after saying why.
 */
int ask_secret(const char *prompt, int twice, int *ret_fd);
