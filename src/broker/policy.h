/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/policy.h"

#define POLICIES_MAX 200 /* all of them are looked through at each session */

struct broker;
/*
 * The policy of a credential on this device: the one it names, else the weightiest whose masks fit
 * both. -ERR_NOT_FOUND: none, and everything is allowed.
 */
int policy_find(struct broker *broker, const struct credential_row *credential, const char *device,
	struct policy_row *ret_policy);
/*
 * May it be used there for one more session, by that protocol, at this moment (wall clock)? own:
 * the session that asks is among the open ones already. *ret_alone: it must be the only one.
 * -ERR_PROTOCOL_INVALID, -ERR_CREDENTIAL_HOURS, -ERR_CREDENTIAL_IN_USE.
 */
int policy_admits(struct broker *broker, const struct credential_row *credential,
	const struct session_row *session, bool own, int64_t now, bool *ret_alone);
/* Fixed when the session begins: a policy that is edited later is the next session's. */
int policy_hours_of(
	struct broker *broker, const struct session_row *session, struct hours *ret_hours);

/*
 * May this authorization be shown the secret now? Takes custody, for as long as the policy says
 * that what was shown is good (an hour when it says nothing). -ERR_CREDENTIAL_HELD.
 */
int custody_take(struct broker *broker, const struct credential_row *credential, const char *device,
	int64_t authorization_id, int64_t now);

/*
 * Who logs in for a credential, and with whose secret: itself, or another one by its settings; of
 * a child its parent's. Only others are read for it. -ERR_CREDENTIAL_INACTIVE: one of them is
 * disabled or has no secret.
 */
struct login {
	int64_t secret_id; /* the credential whose secret it is */
	char username[USERNAME_SIZE];
};
int login_find(
	struct broker *broker, const struct credential_row *credential, struct login *ret_login);
