/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/chain.h"

/*
 * The open chunk of one recording: frames with their times, in plain, until it is closed, that is
 * compressed, encrypted and added to the chain. Holds no memory while it is empty and the session
 * rests.
 */
struct chunk {
	uint8_t key[RECORDING_KEY_LEN];
	uint8_t *plain;
	size_t len, cap;
	uint32_t frames;
	uint32_t start_ms, last_ms;
};

/* One compression context and its scratch memory serve all sessions: a context is 300 KiB. */
struct packer {
	struct ZSTD_CCtx_s *context;
	uint8_t *scratch;
	size_t scratch_len;
};

int packer_init(struct packer *packer);
void packer_finish(struct packer *packer);

void chunk_init(struct chunk *chunk);   /* makes the key */
void chunk_finish(struct chunk *chunk); /* wipes; may be called on zeroes */
/* True when a frame with that payload still belongs into the open chunk. */
bool chunk_fits(const struct chunk *chunk, size_t payload);
/* frame->ms is the time since the recording's start; never smaller than the one before. */
int chunk_append(struct chunk *chunk, const struct recording_frame *frame);
/* Nothing happens when it is empty. `full`: it will be filled again at once, memory stays. */
int chunk_close(struct chunk *chunk, struct packer *packer, struct chain *chain, bool full);
