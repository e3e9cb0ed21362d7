/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <libssh/libssh.h>

#include "drivers/driver.h"

#define ALGORITHMS_SIZE 256
/*
 * The host key algorithms to offer, comma-separated: those of pinned keys first, so that the
 * pinned key is what the target shows, then all others, so that a changed key is seen as one.
 */
void algorithms_host_keys(const struct worker_birth *birth, char out[ALGORITHMS_SIZE]);
int algorithms_set(ssh_session session, const struct worker_birth *birth);
