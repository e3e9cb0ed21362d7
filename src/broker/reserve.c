/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"

#define RESERVE_NAME "reserve"

static bool take(struct reserve *reserve)
{
	int r;

	do {
		r = fallocate(reserve->fd, 0, 0, RESERVE_BYTES);
	} while (r < 0 && errno == EINTR);
	/* No such thing on this file system: nothing to hold, nothing to give. */
	return r == 0 || errno == EOPNOTSUPP;
}

void reserve_open(struct broker *broker)
{
	struct reserve *reserve = &broker->reserve;

	*reserve = (struct reserve){ .fd = -1 };
	if (strncmp(broker->settings->gateway_store, "sqlite", 6) != 0)
		return;
	reserve->fd = open(RESERVE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (reserve->fd < 0)
		log_error("store.reserve", "cannot be opened: %s", strerror(errno));
	else if (!take(reserve))
		reserve->given = true;
}

void reserve_give(struct broker *broker)
{
	struct reserve *reserve = &broker->reserve;

	reserve->given = true;
	reserve->retry_at = clock_monotonic_ms() + RESERVE_RETRY_MS;
	if (reserve->fd >= 0 && ftruncate(reserve->fd, 0) < 0)
		log_error("store.reserve", "cannot be given up: %s", strerror(errno));
}

void reserve_close(struct broker *broker)
{
	fd_closep(&broker->reserve.fd);
}

static void end_sessions(struct broker *broker)
{
	struct session *session, *next;

	for (session = broker->sessions.first; session != NULL; session = next) {
		next = session->next;
		session_end(broker, session, -ERR_STORE_FULL, NULL);
	}
}

void reserve_look(struct broker *broker)
{
	struct reserve *reserve = &broker->reserve;
	uint64_t now = clock_monotonic_ms();

	if (store_take_full(broker->store)) {
		log_error("store.full", "%s: all sessions end, no new ones begin",
			error_text(-ERR_STORE_FULL));
		reserve_give(broker);
		end_sessions(broker);
	} else if (reserve->given && now >= reserve->retry_at) {
		reserve->retry_at = now + RESERVE_RETRY_MS;
		reserve->given = reserve->fd >= 0 && !take(reserve);
		if (!reserve->given)
			log_warning("store.full", "there is room again");
	}
}

void reserve_recorder_full(struct broker *broker)
{
	broker->reserve.recorder_full_at = clock_monotonic_ms();
}

int reserve_refuses(const struct broker *broker)
{
	const struct reserve *reserve = &broker->reserve;

	if (reserve->given)
		return -ERR_STORE_FULL;
	return reserve->recorder_full_at != 0 &&
			       clock_monotonic_ms() - reserve->recorder_full_at < RESERVE_RETRY_MS
		       ? -ERR_DISK
		       : 0;
}
