/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"

/* Requests out of bytes, one after the other; each is handled (route.h) when it is complete. */
void request_take(
	struct connection *connection, uint8_t *bytes, size_t len); /* new bytes, in scratch */
void request_pump(struct connection *connection); /* what was kept in connection->in */
/* The request was answered: the next may come, or the connection ends. */
void request_done(struct connection *connection);
