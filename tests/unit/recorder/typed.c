/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/typed.c"

#include "base/error.h"
#include "failing.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

/* Everything typed, as the reader gives it: shown as it is, secrets in <>, lengths alone in (). */
static void assert_typed(struct world *world, const uint8_t *key, const char *expected)
{
	CLEANUP(buf_finish) struct buf out = BUF(4096);
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY | O_CLOEXEC);
	struct reader *reader;
	struct reader_event event;
	int r;

	assert_int_equal(reader_open(fd, world->key, &reader), 0);
	if (key != NULL)
		assert_int_equal(reader_open_secrets(reader, key), 0);
	while ((r = reader_next(reader, &event)) > 0) {
		const struct recording_frame *frame = &event.frame;
		if (frame->type == RECORDING_WITHHELD || frame->type == RECORDING_SECRET)
			buf_append_format(&out, "(%u)", get32(frame->payload + 4));
		else if (frame->type == VIEW_KEYS || frame->type == VIEW_PASTE)
			buf_append_format(&out, event.secret ? "<%.*s>" : "%.*s", (int)frame->len,
				(const char *)frame->payload);
		else if (frame->type == VIEW_TEXT)
			buf_append_text(&out, "|");
	}
	assert_int_equal(r, 0);
	buf_append(&out, "", 1);
	assert_string_equal((const char *)out.data, expected);
	reader_close(reader);
	close(fd);
}

/* A command, then a password, which the worker gets as it is typed. */
static void live(struct world *world, enum recording_input how)
{
	struct page page, *pages[] = { &page };
	uint8_t bytes[256];

	begin(world, how);
	page_join(world, &page, 1);
	page_send(&page, VIEW_KEYS, "su\r", 3);
	pump(world, 20);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), VIEW_HEADER_LEN + 3);
	worker_says(world, "su\r\nPassword: ");
	settle(world, pages, 1);
	page_send(&page, VIEW_KEYS, "hunter2", 7);
	page_send(&page, VIEW_KEYS, "\r", 1);
	pump(world, 20);
	/* Nothing waits on the way to the target. */
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), 2 * VIEW_HEADER_LEN + 8);
	assert_memory_equal(bytes + VIEW_HEADER_LEN, "hunter2", 7);
	worker_says(world, "\r\n# ");
	settle(world, pages, 1);
	page_send(&page, VIEW_PASTE, "id\r", 3);
	pump(world, 20);
	worker_says(world, "id\r\nroot\r\n# ");
	settle(world, pages, 1);
	page_send(&page, VIEW_KEYS, "left", 4); /* it ends before that is echoed */
	pump(world, 20);
	finish(world, pages, 1);
	page_close(&page);
}

static bool in_file(struct world *world, const char *word)
{
	static uint8_t bytes[65536];
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, bytes, sizeof(bytes));

	close(fd);
	return memmem(bytes, (size_t)len, word, strlen(word)) != NULL;
}

static void apart(void **state)
{
	struct world *world = *state;
	struct recording_report *report = malloc(sizeof(*report));
	uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN], key[32];

	live(world, INPUT_APART);
	assert_typed(world, NULL, "su\r||(7)\rid\r|(4)");
	assert_typed(world, world->secrets_key, "su\r||<hunter2>\rid\r|<left>");
	assert_false(in_file(world, "hunter2"));
	verify(world, report);
	assert_int_equal(report->verdict, RECORDING_INTACT);
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY | O_CLOEXEC);
	assert_int_equal(recording_secrets_key(fd, wrapped), 0);
	assert_int_equal(recording_secrets_unwrap(FIXTURE_SESSION, wrapped,
				 world->fixture.vault_public, world->fixture.vault_secret, key),
		0);
	assert_memory_equal(key, world->secrets_key, 32);
	assert_memory_not_equal(key, world->key, 32);
	close(fd);
	free(report);
}

static void shown_alone(void **state)
{
	struct world *world = *state;
	uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN];

	live(world, INPUT_SHOWN);
	assert_typed(world, NULL, "su\r||(7)\rid\r|(4)");
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY | O_CLOEXEC);
	assert_int_equal(recording_secrets_key(fd, wrapped), -ERR_NOT_FOUND);
	close(fd);
}

static void all_of_it(void **state)
{
	live(*state, INPUT_YES);
	assert_typed(*state, NULL, "su\r|hunter2\r|id\r|left");
}

static void nothing(void **state)
{
	live(*state, INPUT_NO);
	assert_typed(*state, NULL, "(3)|(7)(1)|(3)|(4)");
}

/* Nobody types, nothing is printed: time settles it. */
static void in_time(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };

	begin(world, INPUT_SHOWN);
	struct typed *typed = &world->corridor->typed;
	page_join(world, &page, 1);
	page_send(&page, VIEW_KEYS, "ab", 2);
	pump(world, 20);
	worker_says(world, "a");
	settle(world, pages, 1);
	assert_non_null(typed->timer);
	/* The time of what was typed first has come, and meanwhile something was shown. */
	timer_cancel(STEAL(typed->timer));
	on_late(typed);
	assert_true(echo_waits(&typed->echo));
	assert_non_null(typed->timer);
	timer_cancel(STEAL(typed->timer));
	typed->echo.since -= 2 * ECHO_WAIT_MS; /* nobody looked for long */
	page_send(&page, VIEW_KEYS, "c", 1);
	page_send(&page, VIEW_RESIZE, "\120\0\30\0\0\0\0\0", 8);
	for (unsigned i = 0; i < 200 && echo_waits(&typed->echo); i++)
		pump(world, 20);
	assert_false(echo_waits(&typed->echo));
	assert_null(typed->timer);
	finish(world, pages, 1);
	assert_typed(world, NULL, "a|(2)");
	page_close(&page);
}

/* The gateway ends it: stopped, or by an administrator. */
static void ended_from_outside(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };

	begin(world, INPUT_APART);
	page_join(world, &page, 1);
	page_send(&page, VIEW_KEYS, "hunter2", 7);
	pump(world, 20);
	corridor_end(world->corridor, -ERR_CLOSED, "enough");
	for (int i = 0; i < 300 && world->corridor != NULL; i++)
		settle(world, pages, 1);
	assert_typed(world, world->secrets_key, "<hunter2>");
	page_close(&page);
}

static void a_tape_that_failed_takes_nothing(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct view_frame frame = { VIEW_KEYS, 1, (const uint8_t *)"x" };
	uint8_t bytes[64];

	static uint8_t tabs[4096];
	struct view_frame much = { VIEW_PASTE, sizeof(tabs), tabs };

	memset(tabs, '\t', sizeof(tabs));
	begin(world, INPUT_APART);
	page_join(world, &page, 1);
	settle(world, pages, 1);
	assert_int_equal(typed_put(&world->corridor->typed, 1, &frame), 0);
	assert_int_equal(echo_settle(&world->corridor->typed.echo), 0);
	failing_once("malloc", 1, ENOMEM); /* the chunk grows no more */
	assert_int_equal(typed_put(&world->corridor->typed, 1, &much), -ERR_SYSTEM);
	failing_end();
	world->corridor->tape.error = 0;
	assert_int_equal(typed_put(&world->corridor->typed, 1, &frame), 0);
	world->corridor->tape.error = -ERR_DISK;
	assert_int_equal(typed_put(&world->corridor->typed, 1, &frame), -ERR_DISK);
	/* What waited meets the error when its time comes, and the session ends. */
	timer_cancel(STEAL(world->corridor->typed.timer));
	world->corridor->typed.echo.since -= ECHO_WAIT_MS;
	on_late(&world->corridor->typed);
	settle(world, pages, 1);
	assert_int_equal(world->moved.why, -ERR_DISK);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), 0);
	page_close(&page);
}

static void without_memory_for_the_timer(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	struct view_frame frame = { VIEW_KEYS, 1, (const uint8_t *)"x" };

	begin(world, INPUT_SHOWN);
	page_join(world, &page, 1);
	settle(world, pages, 1);
	FAILING("malloc calloc") {
		assert_int_equal(typed_put(&world->corridor->typed, 1, &frame), 0);
		assert_true(echo_waits(&world->corridor->typed.echo) != failing_struck());
		failing_end();
		assert_int_equal(typed_settle(&world->corridor->typed), 0);
		timer_cancel(STEAL(world->corridor->typed.timer));
		failing_go_on();
	}
	finish(world, pages, 1);
	page_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CORRIDOR_TEST(apart),
		CORRIDOR_TEST(shown_alone),
		CORRIDOR_TEST(all_of_it),
		CORRIDOR_TEST(nothing),
		CORRIDOR_TEST(in_time),
		CORRIDOR_TEST(ended_from_outside),
		CORRIDOR_TEST(a_tape_that_failed_takes_nothing),
		CORRIDOR_TEST(without_memory_for_the_timer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
