/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The only bytes a page can make a worker type without the person: five answers that programs ask
 * a terminal for (vim, readline, less). The page says which and where the cursor is; the bytes come
 * from this table. out needs REPORT_SIZE bytes. Returns the length, or -ERR_MALFORMED.
 */
#define REPORT_SIZE 24
#define REPORT_PAYLOAD_LEN 8
int report_bytes(const uint8_t payload[REPORT_PAYLOAD_LEN], uint16_t columns, uint16_t rows,
	char out[REPORT_SIZE]);
