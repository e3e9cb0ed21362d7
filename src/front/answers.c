/* SPDX-License-Identifier: Apache-2.0 */
#include "front/answers.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "front/envelope.h"
#include "front/front.h"
#include "front/request.h"

#define ERROR_BODY_MAX 8192
#define ANSWER_MAX (CONNECTION_OUT_MAX)

static void fill_in(struct connection *connection, struct head *head)
{
	head->wall_ms = clock_wall_ms();
	head->close = connection->close_after;
}

void connection_answer(
	struct connection *connection, struct head *head, const void *body, size_t len)
{
	CLEANUP(buf_finish) struct buf out = BUF(ANSWER_MAX);
	fill_in(connection, head);
	if (head->status == 204 || head->status == 304)
		len = 0;
	head->body_len = len;
	int r = head_write(&out, head);
	if (r == 0 && !connection->head_only)
		r = buf_append(&out, body, len);
	if (r < 0) {
		connection_close(connection);
		return;
	}
	connection_send(connection, out.data, out.len);
	request_done(connection);
}

void connection_error(struct connection *connection, int error, const char *extra_lines)
{
	CLEANUP(buf_finish) struct buf body = BUF(ERROR_BODY_MAX);
	char trace[TRACE_SIZE] = "";
	struct head head = {
		.status = error_http(error), .type = "application/json", .extra = extra_lines
	};
	if (head.status == 500)
		front_trace(connection->front, trace);
	if (envelope_write(&body, connection->front->settings, error, trace) < 0)
		connection_close(connection);
	else
		connection_answer(connection, &head, body.data, body.len);
}

void connection_refuse(struct connection *connection, int error)
{
	connection->close_after = true;
	connection->swallow = true;
	connection->head_only = false;
	connection_error(connection, error, NULL);
}

void answer_refusal(struct connection *connection, int error, const char *extra_lines)
{
	CLEANUP(buf_finish) struct buf body = BUF(ERROR_BODY_MAX);
	struct head head = {
		.status = error_http(error), .type = "application/json", .extra = extra_lines
	};
	if (refusal_write(&body, error) < 0)
		connection_close(connection);
	else
		connection_answer(connection, &head, body.data, body.len);
}

void answer_begin(struct connection *connection, struct head *head)
{
	CLEANUP(buf_finish) struct buf out = BUF(ANSWER_MAX);
	head->chunked = !connection->old;
	head->until_close = connection->old;
	fill_in(connection, head);
	connection->streaming = true;
	if (head_write(&out, head) < 0)
		connection_close(connection);
	else
		connection_send(connection, out.data, out.len);
}

void answer_part(struct connection *connection, const void *body, size_t len)
{
	char size[24];
	if (len == 0 || connection->head_only)
		return;
	int size_len = snprintf(size, sizeof size, "%zx\r\n", len);
	if (!connection->old)
		connection_send(connection, size, (size_t)size_len);
	connection_send(connection, body, len);
	if (!connection->old)
		connection_send(connection, "\r\n", 2);
}

void answer_end(struct connection *connection)
{
	if (!connection->old && !connection->head_only)
		connection_send(connection, "0\r\n\r\n", 5);
	request_done(connection);
}
