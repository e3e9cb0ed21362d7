/* SPDX-License-Identifier: Apache-2.0 */
/* People who are too slow or too late, between a worker and pages that the test plays. */
#include "recorder/skip.c"

#include <sys/socket.h>

#include "base/error.h"
#include "wire/wire.h"
#include "world.h"

#define BLOCK 4000

struct player {
	struct world *world;
	struct buf in;
	unsigned asked;
	bool answers;
	size_t said;
};

static void player_begin(struct player *player, struct world *world, bool answers)
{
	*player = (struct player){ .world = world, .in = BUF(1 << 20), .answers = answers };
}

/* Reads what the recorder passes on and answers each REFRESH with a keyframe of two parts. */
static void player_answers(struct player *player)
{
	uint8_t bytes[4096], part[10] = { 80, 0, 24, 0, 0, 2, VIEW_LIVE, 0, 'k', 'f' };
	struct view_frame frame;
	size_t got;
	int r;

	while ((got = worker_gets(player->world, bytes, sizeof(bytes))) > 0)
		buf_append(&player->in, bytes, got);
	while ((r = view_next(player->in.data, player->in.len, &frame)) > 0) {
		bool refresh = frame.type == VIEW_REFRESH;
		buf_consume(&player->in, (size_t)r);
		if (!refresh)
			continue;
		player->asked++;
		for (part[4] = 0; player->answers && part[4] < part[5]; part[4]++)
			assert_true(worker_sends(player->world, VIEW_KEYFRAME, part, sizeof(part)));
	}
}

/* All of it has passed, or waits because somebody is far behind. */
static void player_is_heard(struct player *player)
{
	const struct corridor *corridor = player->world->corridor;

	unsigned rounds = 0;

	while (corridor->output_bytes < player->said && !corridor->hold.holding) {
		assert_true(rounds++ < 5000);
		pump(player->world, 1);
	}
	player_answers(player);
}

static void player_says(struct player *player, size_t len)
{
	uint8_t block[BLOCK];

	for (size_t end = player->said + len; player->said < end;) {
		memset(block, 'a' + (int)(player->said / BLOCK % 26), sizeof(block));
		size_t some = MIN(end - player->said, sizeof(block));
		assert_true(worker_sends(player->world, VIEW_TEXT, block, some));
		player->said += some;
		pump(player->world, 0);
		player_answers(player);
	}
	player_is_heard(player);
}

static void play(struct player *player, struct page **pages, unsigned count)
{
	settle(player->world, pages, count);
	player_answers(player);
}

/* Until everybody has what there is, and a moment more: for what stands beside the stream. */
static void catch_up(struct player *player, struct page **pages, unsigned count)
{
	unsigned behind = count;

	for (unsigned rounds = 0; behind > 0 && rounds < 400; rounds++) {
		play(player, pages, count);
		behind = 0;
		for (unsigned i = 0; i < count; i++)
			behind += pages[i]->offset != player->world->corridor->ring.end;
	}
	assert_int_equal(behind, 0);
	play(player, pages, count);
}

/* Somebody is there from the beginning. */
static void begin_watched(struct player *player, struct world *world, struct page *page)
{
	begin(world, true);
	player_begin(player, world, true);
	page_join(world, page, 1);
	play(player, &page, 1);
}

/* Somebody comes when the beginning is gone, and waits for a keyframe. */
static void begin_too_late(
	struct player *player, struct world *world, struct page *page, bool answers)
{
	begin(world, true);
	player_begin(player, world, answers);
	player_says(player, 500 * BLOCK);
	assert_int_equal(player->asked, 0); /* nobody looks, and ten seconds have not passed */
	page_join_at(world, page, 1, 0, false);
	settle(world, &page, 1);
	assert_false(page->welcomed);
}

/* From here on it takes what comes, and says so. */
static void page_wakes(struct page *page)
{
	page->acknowledges = true;
	page_read(page, SIZE_MAX);
	page_acknowledge(page);
}

/* Everything that was neither shown nor told to be left out would be lost. */
static void assert_whole(const struct player *player, const struct page *page)
{
	assert_int_equal(page->offset, player->world->corridor->ring.end);
	assert_int_equal(page->in.len, 0);
	assert_true(page->text.len > 0);
}

/* Only text and keyframes, in blocks of one letter, whole ones after a keyframe. */
static void assert_blocks(const struct page *page)
{
	const uint8_t *text = page->text.data;

	for (size_t at = 0, len; at < page->text.len; at += len) {
		for (len = 1; at + len < page->text.len && text[at + len] == text[at];)
			len++;
		assert_true(text[at] == '|' || len == BLOCK || at + len == page->text.len);
	}
}

static void too_late(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct player player;

	begin_too_late(&player, world, &page, true);
	catch_up(&player, pages, 1);
	assert_int_equal(player.asked, 1);
	assert_true(page.welcomed && !page.complete);
	assert_memory_equal(page.text.data, "||", 2);
	assert_int_equal(page.skips, 0);
	assert_int_equal(page.people, 0); /* and its own JOIN comes */
	assert_int_equal(page.joins, 1);
	/* The next one finds it there. */
	struct page other, *both[] = { &page, &other };
	player_says(&player, 10000);
	page_join(world, &other, 2);
	catch_up(&player, both, 2);
	assert_int_equal(player.asked, 1);
	assert_memory_equal(other.text.data, "||ggg", 5);
	assert_int_equal(other.people, 0);
	assert_int_equal(other.joins, 2);
	/* Unless too much came after it. */
	player_says(&player, SKIP_FRESH);
	page_close(&other);
	page_join(world, &other, 3);
	catch_up(&player, both, 2);
	assert_int_equal(player.asked, 2);
	assert_int_equal(other.text.len, 2);
	assert_int_equal(other.people, 1); /* one has gone, its own JOIN comes */
	finish(world, both, 2);
	page_close(&page);
	page_close(&other);
	buf_finish(&player.in);
}

/* A worker that makes no keyframe: what there is, from its oldest frame. */
static void too_late_without(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct player player;

	begin_too_late(&player, world, &page, false);
	catch_up(&player, pages, 1);
	assert_int_equal(player.asked, 1);
	assert_true(page.welcomed && !page.complete);
	assert_true(page.text.len > VIEW_RING_MAX - 2 * VIEW_FRAME_MAX);
	assert_whole(&player, &page);
	page_close(&page);
	buf_finish(&player.in);
}

/* The session ends while somebody waits for a keyframe. */
static void too_late_for_ever(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct player player;

	begin_too_late(&player, world, &page, false);
	finish(world, pages, 1);
	assert_true(page.welcomed && !page.complete);
	assert_string_equal(page.ended, "logout.");
	page_close(&page);
	buf_finish(&player.in);
}

/* Broken off while it waits for a keyframe, and here again: nobody was attached until now. */
static void too_late_twice(void **state)
{
	struct world *world = *state;
	struct page page, again, *pages[] = { &page, &again };
	struct player player;

	begin(world, true);
	player_begin(&player, world, true);
	page_join_as(world, &page, 1, UINT64_MAX, false, 71);
	settle(world, pages, 1);
	page_close(&page);
	player_says(&player, 500 * BLOCK);
	page_join_as(world, &page, 2, 0, false, 71);
	settle(world, pages, 1);
	assert_false(page.welcomed);
	page_join_as(world, &again, 3, 0, false, 71);
	catch_up(&player, pages + 1, 1);
	assert_true(again.welcomed);
	assert_int_equal(again.gaps, 1);
	finish(world, pages + 1, 1);
	page_close(&page);
	page_close(&again);
	buf_finish(&player.in);
}

/* Who waits for a keyframe sees nothing: when the last who saw something goes, nobody is there. */
static void nobody_but_one_who_waits(void **state)
{
	struct world *world = *state;
	struct page page, late, next, *pages[] = { &page, &late, &next };
	struct player player;

	begin(world, true);
	player_begin(&player, world, true);
	page_join(world, &page, 1);
	settle(world, pages, 1);
	page_close(&page);
	player_says(&player, 500 * BLOCK);
	page_join_at(world, &page, 2, world->corridor->ring.end, false);
	settle(world, pages, 1);
	assert_int_equal(page.gaps, 1);
	page_join_at(world, &late, 3, 0, false);
	settle(world, pages, 2);
	assert_true(page.welcomed && !late.welcomed);
	page_close(&page);
	pump(world, 20);
	page_close(&late);
	pump(world, 20);
	assert_int_equal(world->corridor->viewer_count, 0);
	page_join(world, &next, 4);
	catch_up(&player, pages + 2, 1);
	assert_true(next.welcomed);
	assert_int_equal(next.gaps, 1);
	finish(world, pages + 2, 1);
	page_close(&next);
	buf_finish(&player.in);
}

/* One takes nothing: it loses the middle; the other one and the recording lose nothing. */
static void too_slow(void **state)
{
	struct world *world = *state;
	struct page slow, good, *pages[] = { &good, &slow };
	struct player player;

	begin(world, true);
	player_begin(&player, world, true);
	page_join(world, &slow, 1);
	page_join(world, &good, 2);
	catch_up(&player, pages, 2);
	slow.acknowledges = false;
	while (player.said < 1000 * BLOCK) {
		player_says(&player, BLOCK);
		page_read(&good, SIZE_MAX);
		page_read(&slow, SIZE_MAX);
	}
	uint64_t before = slow.offset;
	assert_true(before < VIEW_WINDOW + VIEW_FRAME_MAX);
	slow.acknowledges = true;
	page_acknowledge(&slow);
	catch_up(&player, pages, 2);
	assert_int_equal(player.asked, 1);
	assert_int_equal(slow.skips, 1);
	assert_true(slow.skipped > 500 * BLOCK);
	assert_int_equal(slow.people, 2);
	assert_whole(&player, &slow);
	assert_blocks(&slow);
	assert_whole(&player, &good);
	assert_int_equal(good.text.len, player.said + 2);
	/* What it says late about before is not taken ill. */
	uint8_t old[8];
	put64(old, before);
	page_send(&slow, VIEW_ACK, old, 8);
	player_says(&player, 100);
	catch_up(&player, pages, 2);
	assert_false(slow.closed);
	assert_whole(&player, &slow);
	finish(world, pages, 2);
	assert_int_equal(world->done.output_bytes, player.said);
	page_close(&slow);
	page_close(&good);
	buf_finish(&player.in);
}

/* The frame that was on its way when the thread was lost arrives whole, however slowly. */
static void too_slow_in_the_middle_of_a_frame(void **state)
{
	struct world *world = *state;
	struct page slow, *pages[] = { &slow };
	struct player player;
	static uint8_t large[VIEW_FRAME_MAX];
	int small = 4096;

	begin(world, true);
	player_begin(&player, world, true);
	page_join(world, &slow, 1);
	setsockopt(world->corridor->viewers->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	catch_up(&player, pages, 1);
	for (unsigned i = 0; i < 60; i++) {
		memset(large, '0' + (int)i, sizeof(large));
		assert_true(worker_sends(world, VIEW_TEXT, large, sizeof(large)));
		page_read(&slow, 100);
		player_answers(&player);
	}
	assert_true(world->corridor->viewers->lost);
	assert_true(world->corridor->viewers->rest.len > 0);
	for (unsigned i = 0; i < 5000 && slow.skips == 0; i++) {
		pump(world, 0);
		page_read(&slow, 3000);
		player_answers(&player);
	}
	catch_up(&player, pages, 1);
	assert_whole(&player, &slow);
	assert_int_equal(slow.skips, 1);
	for (size_t i = 0; i < VIEW_FRAME_MAX; i++)
		assert_int_equal(slow.text.data[i], '0');
	page_close(&slow);
	buf_finish(&player.in);
}

/* A burst that a usual page takes at once is shown whole, however long the page thinks. */
static void a_burst_is_no_flood(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct player player;

	begin_watched(&player, world, &page);
	for (unsigned i = 0; i < 5; i++) {
		player_says(&player, 150 * BLOCK);
		catch_up(&player, pages, 1);
	}
	assert_int_equal(page.skips, 0);
	assert_int_equal(page.text.len, player.said);
	page_close(&page);
	buf_finish(&player.in);
}

/* The target waits a moment for somebody who is far behind, and not always. */
static void holds_for_a_moment(void **state)
{
	struct world *world = *state;
	struct page page;
	struct player player;

	begin_watched(&player, world, &page);
	page.acknowledges = false;
	while (!world->corridor->hold.holding)
		player_says(&player, BLOCK);
	assert_false(world->corridor->worker_reads);
	for (unsigned i = 0; i < 100 && world->corridor->hold.holding; i++)
		pump(world, 10);
	assert_true(world->corridor->worker_reads);
	assert_true(world->corridor->hold.budget_us < 10000);
	/* It is lost with the next byte, and nobody waits for it any more. */
	player_says(&player, 600 * BLOCK);
	assert_true(world->corridor->viewers->lost);
	assert_true(world->corridor->worker_reads);
	page_close(&page);
	buf_finish(&player.in);
}

/* Who came back for what was kept gets it, and is not moved because there is much of it. */
static void owed_to_who_came_back(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct player player;

	begin(world, true);
	player_begin(&player, world, true);
	player_says(&player, 200 * BLOCK);
	page_join_at(world, &page, 1, 0, false);
	for (unsigned i = 0; i < 200; i++) {
		pump(world, 1);
		page_read(&page, BLOCK);
		if (i % 10 == 0)
			player_says(&player, 10);
	}
	catch_up(&player, pages, 1);
	assert_true(page.complete);
	assert_int_equal(page.skips, 0);
	assert_int_equal(page.text.len, player.said);
	page_close(&page);
	buf_finish(&player.in);
}

/* Words to the person are not left out with the rest. */
static void notices_are_told(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct player player;

	begin_watched(&player, world, &page);
	page.acknowledges = false;
	while (!world->corridor->hold.holding)
		player_says(&player, BLOCK);
	corridor_notice(world->corridor, "before it is lost");
	while (!world->corridor->viewers->lost)
		player_says(&player, BLOCK);
	corridor_notice(world->corridor, "after that");
	page_wakes(&page);
	catch_up(&player, pages, 1);
	assert_int_equal(page.skips, 1);
	assert_int_equal(page.told, 2);
	assert_whole(&player, &page);
	corridor_notice(world->corridor, "in the stream");
	catch_up(&player, pages, 1);
	assert_int_equal(page.told, 2);
	page_close(&page);
	buf_finish(&player.in);
}

/* It is lost, but the flood was over just then: what follows is still there, all of it. */
static void finds_the_thread_again(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct player player;

	begin_watched(&player, world, &page);
	page.acknowledges = false;
	world->corridor->viewers->pace.rate = 100000;
	world->corridor->hold.at_us = clock_monotonic_us();
	world->corridor->hold.budget_us = 0;
	while (!world->corridor->viewers->lost) {
		if (!world->corridor->hold.holding)
			player_says(&player, BLOCK);
		pump(world, 1);
	}
	page_wakes(&page);
	catch_up(&player, pages, 1);
	assert_int_equal(page.skips, 0);
	assert_int_equal(player.asked, 0);
	assert_int_equal(page.text.len, player.said);
	page_close(&page);
	buf_finish(&player.in);
}

/* No keyframe is to be had: what is left goes on, however far; if that is gone, the oldest. */
static void worker_is_gone_meanwhile(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct player player;

	begin_watched(&player, world, &page);
	page.acknowledges = false;
	player_says(&player, 600 * BLOCK);
	assert_true(world->corridor->viewers->lost);
	fd_closep(&world->worker);
	page_wakes(&page);
	until_gone(world, pages, 1);
	assert_int_equal(page.skips, 1);
	assert_blocks(&page);
	assert_int_equal(page.ended_why, -ERR_WORKER_DIED);
	page_close(&page);
	buf_finish(&player.in);
}

static void asks_for_the_recording(void **state)
{
	struct world *world = *state;
	struct player player;
	unsigned count;
	struct buf out = BUF(1024);

	begin(world, true);
	player_begin(&player, world, true);
	world->corridor->keyframes.every_ms = 200;
	player_says(&player, 5 * BLOCK);
	pump(world, 300);
	player_answers(&player);
	assert_int_equal(player.asked, 0); /* nothing new: it comes with the next output */
	player_says(&player, 1);
	player_says(&player, 1);
	assert_int_equal(player.asked, 1);
	pump(world, 300);
	player_says(&player, 1);
	player_says(&player, 1);
	assert_int_equal(player.asked, 1); /* hardly anything new */
	finish(world, NULL, 0);
	recorded(world, VIEW_KEYFRAME, &out, &count);
	assert_int_equal(count, 2);
	buf_finish(&out);
	buf_finish(&player.in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CORRIDOR_TEST(too_late),
		CORRIDOR_TEST(too_late_without),
		CORRIDOR_TEST(too_late_for_ever),
		CORRIDOR_TEST(too_late_twice),
		CORRIDOR_TEST(nobody_but_one_who_waits),
		CORRIDOR_TEST(too_slow),
		CORRIDOR_TEST(too_slow_in_the_middle_of_a_frame),
		CORRIDOR_TEST(a_burst_is_no_flood),
		CORRIDOR_TEST(holds_for_a_moment),
		CORRIDOR_TEST(owed_to_who_came_back),
		CORRIDOR_TEST(notices_are_told),
		CORRIDOR_TEST(finds_the_thread_again),
		CORRIDOR_TEST(worker_is_gone_meanwhile),
		CORRIDOR_TEST(asks_for_the_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
