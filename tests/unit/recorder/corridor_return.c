/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that go and come back: nothing lost, nothing twice, and the gap is told. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "world.h"

/* A page that comes back hears how much of what it typed was taken: to the frame. */
static void input_is_counted_by_page(void **state)
{
	struct world *world = *state;
	struct page page, again, other, *pages[] = { &page, &again, &other };
	uint8_t bytes[256], cut[] = { VIEW_KEYS, 0, 0, 0, 5, 0, 0, 0, 'h', 'a', 'l' };

	begin(world, true);
	page_join_as(world, &page, 1, UINT64_MAX, false, 71);
	settle(world, pages, 1);
	assert_false(page.known);
	assert_int_equal(page.taken, 0);
	page_send(&page, VIEW_KEYS, "one", 3);
	page_send(&page, VIEW_KEYS, "two", 3);
	assert_int_equal(send(page.fd, cut, sizeof(cut), 0), sizeof(cut));
	fd_closep(&page.fd); /* in the middle of the third */
	pump(world, 20);
	page_join_as(world, &again, 2, page.offset, false, 71);
	settle(world, pages + 1, 1);
	assert_true(again.known);
	assert_int_equal(again.taken, 2);
	page_send(&again, VIEW_KEYS, "three", 5);
	page_join_as(world, &other, 3, UINT64_MAX, false, 72); /* another tab counts for itself */
	settle(world, pages + 1, 2);
	assert_false(other.known);
	assert_int_equal(other.taken, 0);
	size_t got = worker_gets(world, bytes, sizeof(bytes));
	assert_int_equal(got, 3 * VIEW_HEADER_LEN + 11);
	assert_memory_equal(bytes + VIEW_HEADER_LEN, "one", 3);
	assert_memory_equal(bytes + got - 5, "three", 5);
	assert_recorded_later(world, pages + 1, 2, "onetwothree");
	page_close(&page);
	page_close(&again);
	page_close(&other);
}

/* A connection that broke unnoticed: the page's new one takes its place, with what lay unread. */
static void a_page_is_attached_once(void **state)
{
	struct world *world = *state;
	struct page page, again, *pages[] = { &page, &again };
	uint8_t bytes[256];

	begin(world, true);
	page_join_as(world, &page, 1, UINT64_MAX, false, 71);
	settle(world, pages, 1);
	/* It is sent, and nobody has read it when the page is back. */
	page_send(&page, VIEW_KEYS, "typed", 5);
	page_join_as(world, &again, 2, page.offset, false, 71);
	assert_int_equal(world->corridor->viewer_count, 1);
	settle(world, pages + 1, 1);
	assert_int_equal(again.taken, 0); /* so it is sent again, and applied once */
	page_send(&again, VIEW_KEYS, "typed", 5);
	settle(world, pages + 1, 1);
	size_t got = worker_gets(world, bytes, sizeof(bytes));
	assert_int_equal(got, VIEW_HEADER_LEN + 5);
	assert_int_equal(world->left, 1);
	assert_int_equal(again.gaps, 0); /* somebody was attached all the time */
	finish(world, pages + 1, 1);
	page_close(&page);
	page_close(&again);
}

static void leave(struct world *world, struct page *page, uint8_t why)
{
	if (why != 0)
		page_send(page, VIEW_FAREWELL, &why, 1);
	fd_closep(&page->fd);
	for (unsigned i = 0; i < 1000 && world->corridor->viewer_count > 0; i++)
		pump(world, 1);
	assert_int_equal(world->corridor->viewer_count, 0);
	pump(world, 30); /* so long is nobody there, at the least */
}

/* Nobody was attached: from when, how long and why stands in the recording, when it is over. */
static void a_gap_is_recorded_as_what_it_was(void **state)
{
	static const struct {
		uint8_t farewell, why;
		const char *words;
	} rows[] = { { GAP_CLOSED, GAP_CLOSED, "the page was closed" },
		{ GAP_LOST, GAP_LOST, "the connection was lost" },
		{ GAP_RENEWED, GAP_RENEWED, "the gateway was renewed" },
		{ GAP_STALLED, GAP_LOST, "the connection was lost" }, /* not the front's to say */
		{ 0, GAP_CRASHED, "a part of the gateway ended unexpectedly" } };
	struct world *world = *state;
	struct buf words = BUF(65536);
	struct page page, *pages[] = { &page };
	unsigned count;

	begin(world, true);
	page_join(world, &page, 1);
	settle(world, pages, 1);
	assert_int_equal(page.gaps, 0); /* nobody had been here before */
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		leave(world, &page, rows[i].farewell);
		page_close(&page);
		page_join(world, &page, 2 + i);
		settle(world, pages, 1);
		assert_int_equal(page.gaps, i + 1);
		assert_int_equal(page.gap_why, rows[i].why);
		assert_in_range(page.gap_ms, 25, 600000);
	}
	finish(world, pages, 1);
	recorded(world, VIEW_GAP, &words, &count);
	assert_int_equal(count, ARRAY_LEN(rows));
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		assert_non_null(
			memmem(words.data, words.len, rows[i].words, strlen(rows[i].words)));
	buf_finish(&words);
	page_close(&page);
}

/* A page cannot make its own leaving look like somebody else's. */
static void a_farewell_is_the_fronts(void **state)
{
	static const uint8_t cut[] = { VIEW_KEYS, 0, 0, 0, 0xff, 0xff, 0, 0 };
	uint8_t renewed = GAP_RENEWED, lost = GAP_LOST;
	struct world *world = *state;
	struct page page, *pages[] = { &page };

	begin(world, true);
	page_join(world, &page, 1);
	settle(world, pages, 1);
	page_send(&page, VIEW_FAREWELL, &renewed, 1); /* the page's */
	leave(world, &page, lost);                    /* the front's */
	page_close(&page);
	page_join(world, &page, 2);
	settle(world, pages, 1);
	assert_int_equal(page.gap_why, GAP_LOST);
	/* And one that would swallow the front's word in a frame it never ends. */
	page_send(&page, VIEW_FAREWELL, &renewed, 1);
	assert_int_equal(send(page.fd, cut, sizeof(cut), 0), sizeof(cut));
	leave(world, &page, renewed);
	page_close(&page);
	page_join(world, &page, 3);
	settle(world, pages, 1);
	assert_int_equal(page.gap_why, GAP_LOST);
	finish(world, pages, 1);
	page_close(&page);
}

/* The session ends while nobody is there: the gap stands before the end. */
static void a_gap_ends_with_the_session(void **state)
{
	struct world *world = *state;
	struct buf words = BUF(65536);
	struct page page, *pages[] = { &page };
	unsigned count;

	begin(world, true);
	page_join(world, &page, 1);
	settle(world, pages, 1);
	leave(world, &page, GAP_LOST);
	worker_says(world, "last words");
	finish(world, NULL, 0);
	recorded(world, VIEW_GAP, &words, &count);
	assert_int_equal(count, 1);
	buf_finish(&words);
	page_close(&page);
}

/* A page that is gone, and what it typed just before still waits behind a worker that is busy. */
static void last_words_of_a_page_are_taken(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t bytes[256];

	begin(world, true);
	page_join(world, &page, 1);
	settle(world, pages, 1);
	page_send(&page, VIEW_KEYS, "exit", 4);
	/* It hangs up with output unread: sending to it fails before the input is read. */
	shutdown(page.fd, SHUT_RD);
	worker_says(world, "output that nobody takes");
	fd_closep(&page.fd);
	pump(world, 30);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), VIEW_HEADER_LEN + 4);
	assert_int_equal(world->left, 1);
	page_close(&page);
}

/* What is listed to a new broker. */
static void lists_itself(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct msg_listed listed;

	begin(world, true);
	corridor_list(world->corridor, &listed);
	assert_int_equal(listed.moved.session, 4711);
	assert_int_equal(listed.worker, 1); /* somebody holds the other end */
	assert_int_equal(listed.viewers, 0);
	page_join(world, &page, 42);
	worker_sends(world, VIEW_STATE, "\3live", 5);
	settle(world, pages, 1);
	page_send(&page, VIEW_KEYS, "x", 1);
	settle(world, pages, 1);
	pump(world, 60);
	corridor_list(world->corridor, &listed);
	assert_int_equal(listed.moved.state, VIEW_LIVE);
	assert_int_equal(listed.viewers, 1);
	assert_int_equal(listed.last_viewer, 42);
	assert_int_equal(listed.away_ms, 0);
	assert_in_range(listed.idle_ms, 20, 600000);
	leave(world, &page, GAP_CLOSED);
	pump(world, 60);
	corridor_list(world->corridor, &listed);
	assert_in_range(listed.away_ms, 20, 600000);
	page_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CORRIDOR_TEST(input_is_counted_by_page),
		CORRIDOR_TEST(a_page_is_attached_once),
		CORRIDOR_TEST(a_gap_is_recorded_as_what_it_was),
		CORRIDOR_TEST(a_farewell_is_the_fronts),
		CORRIDOR_TEST(a_gap_ends_with_the_session),
		CORRIDOR_TEST(last_words_of_a_page_are_taken),
		CORRIDOR_TEST(lists_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
