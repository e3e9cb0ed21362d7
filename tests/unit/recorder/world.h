/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/reader.h"
#include "fixture.h"
#include "recorder/corridor.h"

/* One corridor between a worker and pages that the test plays, and the recording it writes. */
struct world {
	struct fixture fixture;
	struct packer packer;
	struct corridor_host host;
	struct corridor *corridor; /* NULL once gone */
	char path[64];
	int dir, worker;
	uint8_t key[RECORDING_KEY_LEN], secrets_key[RECORDING_KEY_LEN];
	int started; /* 1 when told 0, else the error */
	unsigned left, activities, dones;
	struct msg_moved moved;
	struct msg_activity activity;
	struct msg_recording_done done;
	struct timer *timer;
	bool over;
};

/* A page: takes the stream apart, acknowledges when told to. */
struct page {
	int fd;
	struct buf in;
	struct buf text;  /* TEXT payloads, and | where a KEYFRAME was */
	struct buf notes; /* one letter per other frame */
	uint64_t offset;  /* of the next frame */
	uint64_t live;
	bool welcomed, complete, read_only, closed, acknowledges, known;
	uint64_t taken; /* input frames of this page, as the WELCOME said */
	unsigned pongs, joins, leaves, gaps;
	uint8_t gap_why;
	uint32_t gap_ms;
	unsigned skips, told, keyframes, people;
	uint64_t skipped;
	int32_t ended_why;
	char ended[REASON_SIZE];
};

int world_set_up(void **state);
int world_tear_down(void **state);
void pump(struct world *world, unsigned ms);
void create(struct world *world, enum recording_input how); /* true: all of it, false: nothing */
void begin(struct world *world, enum recording_input how);
bool worker_sends(struct world *world, uint8_t type, const void *payload, size_t len);
void worker_says(struct world *world, const char *text);
void page_join_as(struct world *world, struct page *page, uint32_t number, uint64_t offset,
	bool read_only, uint64_t page_number);
void page_join_at(
	struct world *world, struct page *page, uint32_t number, uint64_t offset, bool read_only);
void page_join(struct world *world, struct page *page, uint32_t number);
void page_send(struct page *page, uint8_t type, const void *payload, size_t len);
void page_acknowledge(struct page *page);
void page_read(struct page *page, size_t most);
void page_close(struct page *page);
void settle(struct world *world, struct page **pages, unsigned count);
void until_gone(struct world *world, struct page **pages, unsigned count);
void finish(struct world *world, struct page **pages, unsigned count);
void verify(struct world *world, struct recording_report *report);
void recorded(struct world *world, uint8_t type, struct buf *out, unsigned *ret_count);
void assert_recorded(struct world *world, uint8_t type, const void *bytes, size_t len);
void assert_recorded_later(
	struct world *world, struct page **pages, unsigned count, const char *typed);
size_t worker_gets(struct world *world, void *bytes, size_t size);

#define CORRIDOR_TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
