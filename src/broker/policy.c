/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy.h"

#include <fnmatch.h>
#include <string.h>

#include "base/error.h"
#include "base/items.h"
#include "base/mem.h"
#include "broker/context.h"

#define CUSTODY_MS (60 * 60 * 1000) /* of a policy that says nothing, or none */

struct search {
	const struct credential_row *credential;
	const char *device;
	struct policy_row *found;
	bool named;
};

static bool mask_fits(const char *mask, const char *name, int flags)
{
	return mask[0] == '\0' || fnmatch(mask, name, flags) == 0;
}

static int keep_fitting(void *context, const struct policy_row *policy)
{
	struct search *search = context;

	if (policy->id == search->credential->policy_id) {
		search->named = true;
		*search->found = *policy;
	} else if (!search->named && search->found->id == 0 &&
		   (policy->username_mask[0] != '\0' || policy->device_mask[0] != '\0') &&
		   mask_fits(policy->username_mask, search->credential->username, 0) &&
		   mask_fits(policy->device_mask, search->device, FNM_CASEFOLD)) {
		*search->found = *policy;
	}
	return 0;
}

int policy_find(struct broker *broker, const struct credential_row *credential, const char *device,
	struct policy_row *ret_policy)
{
	struct search search = { credential, device, ret_policy, false };

	ret_policy->id = 0;
	int r = store_policy_list(broker->store, keep_fitting, &search);
	return r == 0 && ret_policy->id == 0 ? -ERR_NOT_FOUND : r;
}

int policy_admits(struct broker *broker, const struct credential_row *credential,
	const struct session_row *session, bool own, int64_t now, bool *ret_alone)
{
	struct policy_row policy;

	*ret_alone = false;
	if (credential->protocols[0] != '\0' &&
		!items_have(credential->protocols, session->protocol))
		return -ERR_PROTOCOL_INVALID;
	int r = policy_find(broker, credential, session->device, &policy);
	if (r < 0)
		return r == -ERR_NOT_FOUND ? 0 : r;
	if (!hours_open(&policy.hours, now))
		return -ERR_CREDENTIAL_HOURS;
	*ret_alone = !policy.simultaneous_sessions;
	if (policy.simultaneous_sessions)
		return 0;
	int open = store_session_count_open(broker->store, 0, credential->id);
	return open < 0 ? open : (open > (own ? 1 : 0) ? -ERR_CREDENTIAL_IN_USE : 0);
}

int policy_hours_of(
	struct broker *broker, const struct session_row *session, struct hours *ret_hours)
{
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	struct policy_row policy;

	*ret_hours = (struct hours){ .days = HOURS_ALL_DAYS };
	int r = store_credential_get(broker->store, session->credential_id, &credential);
	if (r == 0)
		r = policy_find(broker, &credential, session->device, &policy);
	if (r == 0)
		*ret_hours = policy.hours;
	return r == -ERR_NOT_FOUND ? 0 : r;
}

int custody_take(struct broker *broker, const struct credential_row *credential, const char *device,
	int64_t authorization_id, int64_t now)
{
	struct policy_row policy;
	struct custody_row custody = { .credential_id = credential->id,
		.authorization_id = authorization_id,
		.taken_at = now,
		.until = now + CUSTODY_MS };

	int r = policy_find(broker, credential, device, &policy);
	if (r < 0 && r != -ERR_NOT_FOUND)
		return r;
	if (r == 0 && policy.view_expiry != 0)
		custody.until = now + (int64_t)policy.view_expiry * 60 * 1000;
	return store_custody_take(broker->store, &custody, r == 0 && policy.simultaneous_viewing);
}

static int active_get(struct broker *broker, int64_t id, struct credential_row *ret_row)
{
	int r = store_credential_get(broker->store, id, ret_row);

	return r == 0 && ret_row->disabled_at != 0 ? -ERR_CREDENTIAL_INACTIVE : r;
}

int login_find(
	struct broker *broker, const struct credential_row *credential, struct login *ret_login)
{
	CLEANUP(store_credential_finish) struct credential_row other = { 0 };
	CLEANUP(store_credential_finish) struct credential_row parent = { 0 };
	const struct credential_row *who = credential, *secret;
	int r = credential->disabled_at != 0 ? -ERR_CREDENTIAL_INACTIVE : 0;

	if (r == 0 && credential->login_id != 0) {
		r = active_get(broker, credential->login_id, &other);
		who = &other;
	}
	secret = who;
	if (r == 0 && who->parent_id != 0) {
		r = active_get(broker, who->parent_id, &parent);
		secret = &parent;
	}
	/* two gateways that gave each other's credential a parent at once: one step and no more */
	if (r == 0 && (secret->sealed_len == 0 || (secret != who && secret->parent_id != 0)))
		r = -ERR_CREDENTIAL_INACTIVE;
	if (r < 0)
		return r;
	ret_login->secret_id = secret->id;
	memcpy(ret_login->username, who->username, sizeof ret_login->username);
	return 0;
}
