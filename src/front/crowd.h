/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/address.h"

/* How many connections each address holds. An IPv6 network of 64 bits counts as one address. */
struct crowd;

struct crowd *crowd_create(unsigned most); /* per address; NULL without memory */
void crowd_destroy(struct crowd *crowd);
int crowd_join(struct crowd *crowd, const struct address *address);   /* -ERR_FULL, -ERR_SYSTEM */
void crowd_leave(struct crowd *crowd, const struct address *address); /* once per join */
unsigned crowd_count(const struct crowd *crowd, const struct address *address);
