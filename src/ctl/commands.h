/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/cli.h"

/* One struct per command, in the file of its noun; commands.c puts them in the order of the help.
 */
extern const struct command command_init, command_serve, command_status, command_settings,
	command_reload, command_unseal, command_seal, command_vault_rotate, command_user_add,
	command_user_edit, command_credential_edit, command_policy_add, command_policy_edit,
	command_policy_list, command_policy_assign, command_user_list, command_user_disable,
	command_user_enable, command_device_add, command_device_edit, command_device_disable,
	command_device_enable, command_domain_add, command_domain_list, command_device_list,
	command_device_trust, command_credential_add, command_credential_replace,
	command_credential_disable, command_credential_enable, command_credential_list,
	command_application_add, command_application_list, command_application_disable,
	command_application_enable, command_authorization_add, command_authorization_list,
	command_authorization_edit, command_authorization_cover, command_authorization_uncover,
	command_authorization_disable, command_authorization_enable, command_session_list,
	command_session_show, command_session_receipt, command_session_end, command_recording_list,
	command_recording_verify, command_recording_export, command_recording_play,
	command_audit_list, command_audit_verify, command_releases_list, command_releases_verify,
	command_audit_follow, command_completion, command_receipt_verify, command_manual,
	command_backup, command_backup_verify, command_restore;
extern const struct option_row list_options[];        /* of every list */
extern const struct option_row credentials_options[]; /* of what names several */
