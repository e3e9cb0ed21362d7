/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call_inside.h"

/*
 * The envelope (docs: contract section 2): keys in their documented order, the entity last. r is
 * the call's result; the body is written to out, the status and header lines to *ret_reply.
 */
int answer_write(struct call *call, int r, struct buf *out, struct msg_api_reply *ret_reply);
/* Shapes and sends the answer of a call whose transaction is settled; of a list, its first part. */
int answer_send(struct call *call, int r);
/* Of a list: what is in call->entity, as the next part; and that there will be none. */
int answer_part(struct call *call, enum reply_more more);
void answer_broken(struct call *call);
