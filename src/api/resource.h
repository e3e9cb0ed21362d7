/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#define RESOURCES_SIZE 256 /* the longest list of resources, formatted */

/*
 * What an authorization may do, as people write it: "web-proxy-session:rw,pam-core:r". r reads, rw
 * reads and writes; without either, r. -ERR_RESOURCE_UNKNOWN; also for an empty list.
 */
int resources_parse(const char *list, uint32_t *ret_reads, uint32_t *ret_writes);
/* The same form back, sorted as the table is. */
const char *resources_format(uint32_t reads, uint32_t writes, char out[RESOURCES_SIZE]);
