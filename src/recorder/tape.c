/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/tape.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "wire/view.h"

void tape_init(struct tape *tape, const struct tape_room *room, const char *session_id,
	uint8_t ret_public_key[32])
{
	*tape = (struct tape){ .room = room };
	chunk_init(&tape->chunk);
	chain_init(&tape->chain, session_id, ret_public_key);
	tape->started = clock_monotonic_ms();
}

static int hand_over(struct tape *tape, unsigned flags)
{
	size_t len;
	int r = chain_sign(&tape->chain);

	if (r < 0)
		return r;
	if (tape->room->signed_fn != NULL)
		tape->room->signed_fn(tape->room->context, tape->context);
	uint8_t *bytes = chain_take(&tape->chain, &len);
	return writer_add(tape->file, bytes, len, flags);
}

int tape_keep_apart(struct tape *tape, const char *session_id, const uint8_t recording_public[32])
{
	struct tape_secrets *secrets = &tape->secrets;

	random_bytes(secrets->key, sizeof(secrets->key));
	secrets->apart = true;
	return recording_secrets_wrap(session_id, secrets->key, recording_public, secrets->wrapped);
}

static int begin_chain(struct tape *tape, const struct recording_header *header)
{
	uint8_t *record;
	int r = chain_header(&tape->chain, header);

	if (r < 0 || !tape->secrets.apart)
		return r;
	r = chain_room(&tape->chain, RECORDING_SECRETS_WRAPPED_LEN, &record);
	if (r < 0)
		return r;
	recording_record_head(record, RECORDING_SECRETS_KEY, RECORDING_SECRETS_WRAPPED_LEN);
	memcpy(record + RECORDING_RECORD_LEN, tape->secrets.wrapped, RECORDING_SECRETS_WRAPPED_LEN);
	chain_add(&tape->chain, record, RECORDING_SECRETS_WRAPPED_LEN);
	return 0;
}

int tape_begin(
	struct tape *tape, const struct recording_header *header, writer_fn *fn, void *context)
{
	char name[SESSION_ID_SIZE + sizeof(RECORDING_SUFFIX)];
	int r = begin_chain(tape, header);

	if (r < 0)
		return r;
	text_copy(name, sizeof(name), header->session_id);
	text_copy(name + strlen(name), sizeof(name) - strlen(name), RECORDING_SUFFIX);
	r = writer_open(tape->room->writer, name, fn, context, &tape->file);
	if (r < 0)
		return r;
	tape->fn = fn;
	tape->context = context;
	tape->open = true;
	return tape->error = hand_over(tape, WRITER_TELL);
}

uint32_t tape_now(const struct tape *tape)
{
	return (uint32_t)(clock_monotonic_ms() - tape->started);
}

static void on_timer(void *context)
{
	struct tape *tape = context;

	tape->timer = NULL;
	assert(tape->open); /* or it was cancelled */
	if (tape->error < 0)
		return;
	tape->error = chunk_close(&tape->chunk, tape->room->packer, &tape->chain, false);
	if (tape->error == 0)
		tape->error = hand_over(tape, 0);
	if (tape->error < 0)
		tape->fn(tape->context, WRITER_FAILED);
}

static int close_full_chunk(struct tape *tape)
{
	int r = chunk_close(&tape->chunk, tape->room->packer, &tape->chain, true);

	if (r == 0 && tape->chain.len >= TAPE_BATCH)
		r = hand_over(tape, 0);
	return r;
}

/* It gets a chunk of its own beginning, so that players find it without a key. */
static bool begins_keyframe(const struct recording_frame *frame)
{
	struct view_frame view = { frame->type, frame->len, frame->payload };
	struct view_keyframe keyframe;

	return view_keyframe_read(&view, &keyframe) == 0 && keyframe.part == 0;
}

static int put(struct tape *tape, const struct recording_frame *frame)
{
	int r = 0;

	if (!chunk_fits(&tape->chunk, frame->len) || begins_keyframe(frame))
		r = close_full_chunk(tape);
	if (r == 0)
		r = chunk_append(&tape->chunk, frame);
	if (r == 0 && tape->timer == NULL)
		r = loop_after(tape->room->loop, TAPE_CHUNK_MS, on_timer, tape, &tape->timer);
	return r;
}

int tape_put(struct tape *tape, uint8_t type, uint16_t viewer, const void *payload, size_t len)
{
	struct recording_frame frame = { .ms = tape_now(tape),
		.type = type,
		.viewer = viewer,
		.len = (uint32_t)len,
		.payload = payload };

	if (!tape->open)
		return -ERR_WRONG_MOMENT;
	if (tape->error == 0)
		tape->error = put(tape, &frame);
	return tape->error;
}

int tape_put_secret(
	struct tape *tape, uint8_t type, uint16_t viewer, const uint8_t *bytes, size_t len)
{
	uint8_t payload[VIEW_FRAME_MAX];
	struct recording_secret secret = {
		.type = type, .viewer = viewer, .bytes = bytes, .len = (uint32_t)len
	};

	if (!tape->open)
		return -ERR_WRONG_MOMENT;
	assert(tape->secrets.apart && len <= RECORDING_SECRET_MAX);
	secret.number = ++tape->secrets.count;
	size_t sealed = recording_secret_seal(payload, &secret, tape->secrets.key);
	return tape_put(tape, RECORDING_SECRET, viewer, payload, sealed);
}

bool tape_full(const struct tape *tape)
{
	return tape->open && writer_full(tape->file);
}

int tape_end(struct tape *tape, struct recording_end *end)
{
	if (!tape->open)
		return -ERR_WRONG_MOMENT;
	tape->open = false;
	timer_cancel(STEAL(tape->timer));
	if (tape->error == 0)
		tape->error = chunk_close(&tape->chunk, tape->room->packer, &tape->chain, false);
	if (tape->error == 0) {
		end->ms = tape_now(tape);
		end->chunks = tape->chain.chunks;
		end->ended_ms = clock_wall_ms();
		tape->error = chain_end(&tape->chain, end);
	}
	if (tape->error == 0)
		tape->error = hand_over(tape, WRITER_TELL | WRITER_LAST);
	mem_wipe(tape->chunk.key, sizeof(tape->chunk.key));
	mem_wipe(tape->chain.secret_key, sizeof(tape->chain.secret_key));
	mem_wipe(&tape->secrets, sizeof(tape->secrets));
	return tape->error;
}

void tape_finish(struct tape *tape)
{
	timer_cancel(STEAL(tape->timer));
	writer_close(STEAL(tape->file));
	chunk_finish(&tape->chunk);
	chain_finish(&tape->chain);
	mem_wipe(&tape->secrets, sizeof(tape->secrets));
	tape->open = false;
}
