/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/cli.h"
#include "ctl/witness_file.h"

/* What the verifying commands share. Return CLI_OK, or the exit code after a complaint. */

/* --certificate FILE, else installation.pem of the installation. */
int evidence_public_key(const struct cli *cli, uint8_t ret_key[32]);
/* --witness FILE; *ret_fd stays -1 without one. */
int evidence_open_witness(const struct cli *cli, int *ret_fd);
/* The store of the installation, to read: gateway.store of its settings says where it is. */
struct store;
int evidence_open_store(const struct cli *cli, struct store **ret_store);
/* Of a store that several gateways share: NULL chooses the node the settings name. */
int evidence_choose_node(const struct cli *cli, struct store *store, const char *name);
/* A witness was given and has nothing to say: the answer must not pass for a comparison. */
int evidence_compared(const struct witness_report *report, const char *what);

/* What a report's verdict is as an exit code; after a comparison that says nothing, a complaint. */
struct recording_report;
int evidence_recording_exit(const struct recording_report *report);

#define EVIDENCE_OPTIONS                                                                           \
	{ "certificate", NULL, OPTION_TEXT, "FILE",                                                \
		"the installation's public key; DIR/installation.pem unless said" },               \
		{ "witness", NULL, OPTION_TEXT, "FILE",                                            \
			"compare with the heads that a witness kept in this file" },
