/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call.h"

/*
 * What several endpoints of the control door share. Answers carry ids as texts and times by
 * json_time().
 */

/* Text that was not given reads as "". */
const char *control_text(const struct call *call, const char *name);

/* Find by the parameter of that name, or fail the call with the noun's own error. */
int control_user(struct call *call, struct user_row *ret_user);
int control_device(struct call *call, const char *name, struct device_row *ret_device);
int control_application(struct call *call, const char *name, struct application_row *ret_row);
int control_authorization(struct call *call, struct authorization_row *ret_row); /* by "id" */
int control_session(struct call *call, struct session_row *ret_session); /* "id" or session_id */
/* By "device", "username" and, where there are several, "domain". */
int control_credential(
	struct call *call, struct device_row *ret_device, struct credential_row *ret_credential);

/* By "USER@HOST"; fails the call with its words. */
int control_account(struct call *call, const char *account, struct credential_row *ret_credential);

/* One session as an object; name NULL for an element of a list. */
void control_session_write(struct json *json, const char *name, const struct session_row *session);
const char *session_state_name(enum session_state state); /* "created" */
