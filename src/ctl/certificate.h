/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writes a new P-256 key and a certificate signed by itself, for `host` (a name or an address),
 * localhost and the loopback addresses, good for 825 days. Descriptors are not closed.
 */
int certificate_make(const char *host, int key_fd, int certificate_fd);
