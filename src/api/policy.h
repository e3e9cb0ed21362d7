/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"
#include "store/policy.h"

/* What the endpoints of policies share. */
int control_policy(struct call *call, const char *name, struct policy_row *ret_policy);
/* Lays what the call names over the policy; what it does not name stays. */
int policy_read(struct call *call, struct policy_row *policy);
/* As an object; name NULL for an element of a list. */
void policy_write(struct json *json, const char *name, const struct policy_row *policy);
