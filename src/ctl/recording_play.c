/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "ctl/recording_play.h"
#include "wire/view.h"

#define SEEK_STEP_MS 10000
#define SPEED_LEAST 0.0625
#define SPEED_MOST 64.0
#define SHOWN_MAX (4 * VIEW_FRAME_MAX) /* one frame after the filter */
#define KEYS_READ 64
#define GAP_WORDS_AT 8
#define NOTE_SHOWN (10 * REASON_SIZE + 64)
#define ENDED_WORDS 128

/* What a recorded program may have left behind: sequences, other screen, hidden cursor, margins. */
#define RESET "\033[!p\033[?1049l\033[?25h\033[?7h\033[r\033[0m\033(B\017"
#define CLEAR RESET "\033[2J\033[H"

struct player {
	struct reader *reader;
	const struct play_options *options;
	struct filter filter;
	double speed;
	uint32_t ms; /* of the recording: where we are */
	bool paused, quit;
	int64_t seek;      /* wanted moment, or -1 */
	uint64_t unseen;   /* bytes that were typed without echo, since where it began to play */
	unsigned keyframe; /* the next part of one that is the screen here, from 1; 0: none is */
	struct termios before;
	bool raw;
};

static int put_out(const struct player *player, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t done = write(player->options->out, at, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -ERR_SYSTEM;
		at += done;
		len -= (size_t)done;
	}
	return 0;
}

static int put_words(const struct player *player, const char *words)
{
	return put_out(player, words, strlen(words));
}

static void seek_by(struct player *player, int64_t ms)
{
	int64_t to = (int64_t)player->ms + ms;

	player->seek = to > 0 ? to : 0;
}

static void change_speed(struct player *player, double factor)
{
	player->speed = MIN(MAX(player->speed * factor, SPEED_LEAST), SPEED_MOST);
}

static void take_key(struct player *player, const uint8_t *keys, size_t len)
{
	/* Arrows come as ESC [ C or ESC O C. */
	if (len >= 3 && keys[0] == 0x1b && (keys[1] == '[' || keys[1] == 'O')) {
		if (keys[2] == 'C')
			seek_by(player, SEEK_STEP_MS);
		else if (keys[2] == 'D')
			seek_by(player, -SEEK_STEP_MS);
		else if (keys[2] == 'A')
			change_speed(player, 2);
		else if (keys[2] == 'B')
			change_speed(player, 0.5);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (keys[i] == ' ')
			player->paused = !player->paused;
		else if (keys[i] == 'q' || keys[i] == 0x03 || keys[i] == 0x04)
			player->quit = true;
		else if (keys[i] == '+')
			change_speed(player, 2);
		else if (keys[i] == '-')
			change_speed(player, 0.5);
	}
}

/* Waits that long, or until a key; without a terminal it only sleeps. */
static void wait_keys(struct player *player, int ms)
{
	struct pollfd pollfd = { player->options->keys, POLLIN, 0 };
	uint8_t keys[KEYS_READ];

	int ready = poll(&pollfd, player->options->keys >= 0 ? 1 : 0, ms);
	if (ready <= 0)
		return;
	ssize_t got = read(player->options->keys, keys, sizeof(keys));
	if (got > 0)
		take_key(player, keys, (size_t)got);
	else
		player->quit = true;
}

static void wait_for(struct player *player, uint32_t ms)
{
	double left = ms > player->ms ? ms - player->ms : 0;
	double longest = player->options->longest * 1000;

	if (longest > 0 && left > longest)
		left = longest;
	while ((left > 0 || player->paused) && !player->quit && player->seek < 0) {
		uint64_t began = clock_monotonic_us();
		bool paused = player->paused;
		double real = left / player->speed + 0.999;
		double speed = player->speed;
		wait_keys(player, paused ? -1 : (int)MIN(real, 1e6));
		if (!paused)
			left -= (double)(clock_monotonic_us() - began) / 1000 * speed;
	}
}

/* Over the last line, until the program writes there again. */
static int put_note(const struct player *player, const char *what, const uint8_t *bytes, size_t len)
{
	CLEANUP(buf_finish) struct buf shown = BUF(NOTE_SHOWN);
	int r = buf_append_format(&shown, "\0337\033[999;1H\033[0;7m %s", what);

	if (r == 0)
		r = text_safe(&shown, bytes, MIN(len, (size_t)REASON_SIZE));
	if (r == 0)
		r = buf_append_text(&shown, " \033[0m\0338");
	return r < 0 ? r : put_out(player, shown.data, shown.len);
}

/* Nobody saw what came before this. */
static int put_gap(const struct player *player, const struct recording_frame *frame)
{
	if (frame->len <= GAP_WORDS_AT)
		return 0;
	return put_note(player, "", frame->payload + GAP_WORDS_AT, frame->len - GAP_WORDS_AT);
}

/* Nobody saw it. Closed ones are counted: an editor is full of keys that are not shown. */
static int put_secret(struct player *player, const struct reader_event *event)
{
	struct recording_secret secret;

	if (event->secret)
		return put_note(
			player, "typed without echo: ", event->frame.payload, event->frame.len);
	if (recording_secret_read(&event->frame, &secret) == 0)
		player->unseen += secret.len;
	return 0;
}

static int put_filtered(struct player *player, const uint8_t *bytes, size_t len)
{
	CLEANUP(buf_finish) struct buf shown = BUF(SHOWN_MAX);
	int r = filter_put(&player->filter, bytes, len, &shown);

	return r < 0 ? r : put_out(player, shown.data, shown.len);
}

/* Elsewhere the screen stands as it says already. */
static int put_keyframe(struct player *player, const struct recording_frame *frame)
{
	struct view_frame view = { frame->type, frame->len, frame->payload };
	struct view_keyframe keyframe;

	if (player->keyframe == 0 || view_keyframe_read(&view, &keyframe) < 0 ||
		keyframe.part != player->keyframe - 1)
		return 0;
	player->keyframe = keyframe.part + 1 < keyframe.parts ? player->keyframe + 1 : 0;
	return put_filtered(player, keyframe.bytes, keyframe.len);
}

static int put_event(struct player *player, const struct reader_event *event)
{
	const struct recording_frame *frame = &event->frame;

	if (event->secret || frame->type == RECORDING_SECRET)
		return put_secret(player, event);
	switch (frame->type) {
	case VIEW_TEXT:
		return put_filtered(player, frame->payload, frame->len);
	case VIEW_KEYFRAME:
		return put_keyframe(player, frame);
	case VIEW_GAP:
		return put_gap(player, frame);
	default:
		return 0;
	}
}

static int jump(struct player *player, const struct reader_place *place)
{
	int r = reader_go(player->reader, place);

	if (r < 0)
		return r;
	player->ms = place->ms;
	player->keyframe = place->passed > 0;
	player->filter = (struct filter){};
	player->unseen = 0;
	return put_words(player, CLEAR);
}

/*
 * A terminal has no way back: the screen at the last keyframe before that moment, then what follows
 * it, without waiting. What is ahead and has no keyframe in between is only hurried through.
 */
static int begin_seek(struct player *player, int64_t *ret_until)
{
	struct reader_place place;
	int64_t until = MIN(player->seek, (int64_t)UINT32_MAX);
	int r = reader_find(player->reader, (uint32_t)until, &place);

	player->seek = -1;
	*ret_until = until;
	if (r < 0)
		return r;
	if (until >= (int64_t)player->ms && place.chunk < reader_chunk(player->reader))
		return 0;
	return jump(player, &place);
}

static int play(struct player *player)
{
	struct reader_event event;
	int64_t until = 0; /* shown without waiting up to here */
	int r = player->seek > 0 ? begin_seek(player, &until) : 0;

	if (r < 0)
		return r;
	while (!player->quit && (r = reader_next(player->reader, &event)) > 0) {
		if (until == 0 || event.ms >= until) {
			until = 0;
			wait_for(player, event.ms);
		}
		/* A key asked to go back: the event at hand will come again. */
		bool back = player->seek >= 0 && player->seek < (int64_t)player->ms;
		if (!back)
			r = put_event(player, &event);
		if (r >= 0 && !back)
			player->ms = event.ms;
		if (r >= 0 && player->seek >= 0)
			r = begin_seek(player, &until);
		if (r < 0)
			return r;
	}
	return player->quit ? 0 : r;
}

static void enter_raw(struct player *player)
{
	struct termios raw;

	if (player->options->keys < 0 || tcgetattr(player->options->keys, &player->before) < 0)
		return;
	raw = player->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	player->raw = tcsetattr(player->options->keys, TCSANOW, &raw) == 0;
}

int recording_play(struct reader *reader, const struct play_options *options)
{
	struct player player = { .reader = reader, .options = options, .seek = -1 };
	char words[ENDED_WORDS], unseen[ENDED_WORDS / 2] = "";

	player.speed = MIN(MAX(options->speed, SPEED_LEAST), SPEED_MOST);
	player.seek = options->from > 0 ? (int64_t)(options->from * 1000) : -1;
	int r = reader_rewind(reader);
	if (r < 0)
		return r;
	enter_raw(&player);
	r = put_words(&player, CLEAR);
	if (r == 0)
		r = play(&player);
	put_words(&player, RESET "\r\n");
	if (player.raw)
		tcsetattr(options->keys, TCSANOW, &player.before);
	if (player.unseen > 0)
		snprintf(unseen, sizeof(unseen), " (%" PRIu64 " bytes typed without echo)",
			player.unseen);
	int len = snprintf(words, sizeof(words), "%s at %" PRIu32 ":%02" PRIu32 "%s\n",
		player.quit                  ? "stopped"
		: reader_end(reader) != NULL ? "ended"
					     : "cut short",
		player.ms / 60000, player.ms / 1000 % 60, unseen);
	put_out(&player, words, (size_t)len);
	return r;
}
