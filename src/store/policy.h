/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/hours.h"
#include "store/store.h"

/* What credentials may be used for. Found by what: broker/policy.h. */
struct policy_row {
	int64_t id;
	char name[NAME_SIZE];
	bool simultaneous_sessions, simultaneous_viewing;
	uint32_t view_expiry; /* minutes after which a secret that was shown is out of date; 0:
				 never */
	struct hours hours;
	int32_t priority; /* the higher one counts */
	char username_mask[USERNAME_SIZE], device_mask[HOSTNAME_SIZE];
	int64_t created_at;
};
int store_policy_add(struct store *store, const struct policy_row *policy, int64_t *ret_id);
int store_policy_edit(struct store *store, const struct policy_row *policy); /* all but its name */
int store_policy_find(struct store *store, const char *name, struct policy_row *ret_policy);
/* The weightiest first, then the oldest. */
int store_policy_list(
	struct store *store, int (*keep)(void *, const struct policy_row *), void *context);
int store_policy_count(struct store *store); /* or an error */

/* Custody: whoever was shown a secret holds it for a while. */
struct custody_row {
	int64_t credential_id, authorization_id, taken_at, until;
};
/*
 * Takes it, or prolongs what this authorization has. shared: other holders are no obstacle.
 * -ERR_CREDENTIAL_HELD: another one has it.
 */
int store_custody_take(struct store *store, const struct custody_row *custody, bool shared);
/* -ERR_NOT_FOUND: it does not hold it now. */
int store_custody_release(
	struct store *store, int64_t credential_id, int64_t authorization_id, int64_t now);
/* Who holds it now; -ERR_NOT_FOUND: nobody. */
int store_custody_get(
	struct store *store, int64_t credential_id, int64_t now, struct custody_row *ret_custody);
