/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/supervisor.h"

/* Starts the program that speaks to the vault's token, once per question of the vault. */
int token_start(struct supervisor *supervisor, struct channel *vault, struct message *message);
/* True when it was the token's program that ended. */
bool token_reaped(struct supervisor *supervisor, pid_t pid, int status);
