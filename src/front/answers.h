/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"

/* Beyond connection.h: the parts of an answer that comes in several messages. */
void answer_begin(struct connection *connection, struct head *head);
void answer_part(struct connection *connection, const void *body, size_t len);
void answer_end(struct connection *connection);
/* A refusal for the page that opens a session (envelope.h), and the next request. */
void answer_refusal(struct connection *connection, int error, const char *extra_lines);
