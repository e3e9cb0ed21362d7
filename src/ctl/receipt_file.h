/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "wire/audit.h"

/*
 * A receipt in a file, as the API and the command line give it away: the object itself, or an
 * answer that holds it. The file is hostile, and its text is nobody's until the signature was
 * checked.
 */
#define RECEIPT_FILE_MAX (64 * 1024)

/* -ERR_MALFORMED. */
int receipt_file_read(const char *bytes, size_t len, struct receipt *ret_receipt);
/*
 * Which recording the text speaks of: its session, and its head. -ERR_NOT_FOUND when it says that
 * there is none, or none that was sealed; -ERR_MALFORMED when it says neither.
 */
int receipt_file_recording(const struct receipt *receipt, char ret_session_id[SESSION_ID_SIZE],
	uint8_t ret_head[HASH_LEN]);
