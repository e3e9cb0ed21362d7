/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "store/store.h"

/*
 * What a session came to, signed by the broker's key, so that who was given it can prove it to
 * others without this gateway: docs/formats/receipt.md. It is made once, in the transaction after
 * which nothing more can be said of the session: the one that has its recording's head, or its end
 * when there is no recorder to say it. Of a session that nobody opened, and of one whose recorder
 * and broker died together, it is made when somebody asks. A session ends without it if need be.
 */
struct broker;

/* -ERR_AGAIN: it has not ended, or what became of its recording may still be heard. */
int receipt_of(
	struct broker *broker, const struct session_row *session, struct receipt *ret_receipt);
/*
 * In the turn, which is opened if need be; not of one that has not ended. What goes wrong is
 * logged, and whoever asks later tries again.
 */
void receipt_make(struct broker *broker, int64_t session);
/* As the API and the command line give it away; null where receipt is NULL. */
void receipt_write(struct json *json, const struct receipt *receipt);
