/* SPDX-License-Identifier: Apache-2.0 */
#include "stand.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "wire/rows.h"

static bool on_ask(void *context, const struct msg_witness_ask *ask)
{
	struct stand *stand = context;

	if (stand->broker_away)
		return false;
	stand->asked = *ask;
	stand->asks++;
	return true;
}

static void on_took(void *context, struct outlet *outlet)
{
	((struct stand *)context)->tooks++;
}

static void on_changed(void *context)
{
	((struct stand *)context)->changes++;
}

int stand_open(void **state)
{
	struct stand *stand = calloc(1, sizeof *stand);

	log_open("test", LOG_LEVEL_ERROR + 1);
	assert_int_equal(loop_create(&stand->loop), 0);
	text_copy(stand->directory, sizeof stand->directory, "/tmp/sallyport-witness-XXXXXX");
	assert_non_null(mkdtemp(stand->directory));
	stand->fd = open(stand->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stand->host = (struct outlet_host){ stand->loop, &stand->newest, on_ask, on_took,
		on_changed, stand };
	stand->outlet.host = &stand->host;
	stand->outlet.most = 65536;
	stand->outlet.backoff_ms = 20;
	*state = stand;
	return 0;
}

int stand_close(void **state)
{
	struct stand *stand = *state;
	DIR *list = opendir(stand->directory);

	outlet_end(&stand->outlet);
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		unlinkat(stand->fd, entry->d_name, 0);
	closedir(list);
	close(stand->fd);
	rmdir(stand->directory);
	loop_destroy(stand->loop);
	free(stand);
	return 0;
}

void stand_begin(
	struct stand *stand, const struct outlet_kind *kind, void *self, const struct position *at)
{
	stand->outlet.kind = kind;
	stand->outlet.self = self;
	outlet_begin(&stand->outlet, at);
}

static void stop(void *context)
{
	loop_stop(context);
}

void stand_run(struct stand *stand, unsigned ms)
{
	struct timer *timer;

	assert_int_equal(loop_after(stand->loop, ms, stop, stand->loop, &timer), 0);
	assert_int_equal(loop_run(stand->loop), 0);
}

struct position stand_position(int64_t sequence)
{
	struct position at = { .sequence = sequence };

	memset(at.hash, (int)sequence, sequence > 0 ? HASH_LEN : 0);
	return at;
}

struct audit_row stand_row(int64_t sequence)
{
	struct audit_row row = { .sequence = sequence,
		.at = 1763906709123,
		.event = "user.added",
		.actor = "administrator:0",
		.from = "192.0.2.10",
		.object = "user:ana",
		.detail = "{}" };

	memcpy(row.before, stand_position(sequence - 1).hash, HASH_LEN);
	memcpy(row.hash, stand_position(sequence).hash, HASH_LEN);
	return row;
}

struct line stand_head(int64_t sequence)
{
	struct line line = { .kind = LINE_AUDIT_HEAD };

	line.audit = (struct audit_head){ .sequence = sequence, .at = 1763906709123 };
	memcpy(line.audit.hash, stand_position(sequence).hash, HASH_LEN);
	return line;
}

struct line stand_recording(char session, uint64_t number)
{
	struct line line = { .kind = LINE_RECORDING_HEAD };

	line.recording = (struct recording_head){ .number = number, .chunks = number };
	memset(line.recording.session_id, session, SESSION_ID_SIZE - 1);
	return line;
}

void stand_put(struct buf *out, int64_t from, int64_t to)
{
	struct line head = stand_head(to);

	for (int64_t i = from; i <= to; i++) {
		struct audit_row row = stand_row(i);
		assert_int_equal(rows_put_row(out, &row), 0);
	}
	if (from <= to)
		assert_int_equal(rows_put_head(out, &head.audit), 0);
}

void stand_answer(struct stand *stand, int64_t from, int64_t to)
{
	CLEANUP(buf_finish) struct buf rows = BUF(WITNESS_ROWS_MAX);
	struct msg_witness_rows answer = { .newest = stand->newest };

	stand_put(&rows, from, to);
	outlet_rows(&stand->outlet, &answer, rows.data, rows.len);
}

void stand_newest(struct stand *stand, int64_t sequence)
{
	struct line head = stand_head(sequence);

	stand->newest = stand_position(sequence);
	outlet_head(&stand->outlet, &head);
	outlet_go(&stand->outlet);
}

char *stand_text(const struct stand *stand, const char *name)
{
	int fd = openat(stand->fd, name, O_RDONLY);
	struct stat stat;

	if (fd < 0)
		return strdup("");
	assert_int_equal(fstat(fd, &stat), 0);
	char *text = calloc(1, (size_t)stat.st_size + 1);
	assert_int_equal(read(fd, text, (size_t)stat.st_size), stat.st_size);
	close(fd);
	return text;
}

unsigned stand_lines(const char *text, const char *kind)
{
	char begin[64];
	unsigned count = 0;

	snprintf(begin, sizeof begin, "{\"kind\":\"%s\"", kind);
	for (const char *at = text; (at = strstr(at, begin)) != NULL; at++)
		count++;
	return count;
}
