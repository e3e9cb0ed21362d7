/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"

#define CREDENTIALS_MAX 200 /* covered by one call: parameters are bounded too */

/*
 * What adding and editing an authorization share. Parameters that were not given leave the row as
 * it is: "ip" (addresses, networks, or *), "referer" (URLs), "fingerprint" (of a client
 * certificate, or none), "expires" (a time to come, or never).
 */
int authorization_read_limits(struct call *call, struct authorization_row *row);
/*
 * Calls each() for every account of the parameter "credentials", USER@HOST. Returns how many there
 * were, or the first error.
 */
typedef int cover_fn(struct store *store, int64_t authorization_id, int64_t credential_id);
int authorization_accounts(struct call *call, int64_t authorization_id, cover_fn *each);
