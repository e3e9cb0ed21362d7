/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"

/* USERNAME@HOSTNAME, or the device's address in place of its name. -ERR_NOT_FOUND. */
int account_find(struct store *store, const char *account, struct credential_row *ret_credential);

/*
 * The credential that the path names, for the network's door: its row id, its identifier, or
 * USERNAME@HOSTNAME, in this order. -ERR_CREDENTIAL_UNKNOWN; -ERR_CREDENTIAL_NO_ACCESS when the
 * authorization neither created it nor was assigned it; -ERR_CREDENTIAL_KIND when it is an SSH
 * key, which is a resource of its own. The row is the caller's to finish, whatever comes back.
 */
int credential_find(struct call *call, struct credential_row *ret_credential);
