/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/wire.h"
#include "worker/host.h"

/* The broker has nothing to say to a probe. */
static int on_message(void *context, struct channel *channel, struct message *message)
{
	return -ERR_MALFORMED;
}

static void on_gone(void *context, struct channel *channel)
{
	struct worker *worker = context;

	channel_destroy(STEAL(worker->probe));
	loop_stop(worker->loop);
}

int probe_begin(struct worker *worker, int channel)
{
	return channel_create(worker->loop, channel, PARTY_WORKER, PARTY_BROKER, on_message,
		on_gone, worker, &worker->probe);
}

int probe_tell(
	struct worker *worker, int result, const char *algorithm, const void *blob, size_t len)
{
	struct msg_probe probe;

	memset(&probe, 0, sizeof probe);
	if (result == 0 &&
		(len > sizeof probe.blob ||
			text_copy(probe.algorithm, sizeof probe.algorithm, algorithm) < 0))
		result = -ERR_TOO_LARGE;
	probe.result = result;
	if (result == 0) {
		probe.blob_len = (uint16_t)len;
		memcpy(probe.blob, blob, len);
	}
	worker->ended = true;
	if (worker->probe == NULL)
		return -ERR_PEER_GONE;
	return channel_tell(worker->probe, MSG_PROBE_RESULT, &probe);
}
