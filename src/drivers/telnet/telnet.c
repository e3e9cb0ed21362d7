/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "drivers/driver.h"
#include "drivers/telnet/login.h"
#include "drivers/telnet/mask.h"
#include "drivers/telnet/option.h"

#define LOGIN_PIECE 4096 /* bytes read at a time while the login goes on: each is looked at */
#define OUT_FULL 16384   /* waiting bytes from which the target is not read, nor input taken */
#define INPUT_PIECE 4096

struct telnet {
	struct worker *worker;
	int target;
	struct option option;
	struct login login;
	struct mask mask;
	struct secret *secret; /* until the login is over: the mask looks for it */
	struct buf out;        /* for the target: typed bytes and answers to options */
	uint64_t heard;        /* clock_monotonic_ms() of the target's last byte */
};

/* One session per process. */
static uint8_t piece[VIEW_FRAME_MAX];

static int flush(struct telnet *telnet)
{
	while (telnet->out.len > 0) {
		ssize_t n = send(telnet->target, telnet->out.data, telnet->out.len,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return -ERR_TARGET_GONE;
		if ((size_t)n == telnet->out.len)
			buf_wipe(&telnet->out); /* it may have held the secret */
		else
			buf_consume(&telnet->out, (size_t)n);
	}
	return 0;
}

/* A line, as if typed. */
static int type_line(struct telnet *telnet, const char *bytes, size_t len)
{
	int r = option_encode(&telnet->option, (const uint8_t *)bytes, len, &telnet->out);

	if (r == 0)
		r = option_encode(&telnet->option, (const uint8_t *)"\r", 1, &telnet->out);
	return r < 0 ? r : flush(telnet);
}

static void forget_secret(struct telnet *telnet)
{
	mask_finish(&telnet->mask);
	secret_destroy(telnet->secret);
	telnet->secret = NULL;
}

static int show_masked(struct telnet *telnet, const uint8_t *bytes, size_t len, bool last)
{
	CLEANUP(buf_finish) struct buf shown = BUF(VIEW_FRAME_MAX);
	int r = mask_pass(&telnet->mask, bytes, len, &shown);

	if (r == 0 && last)
		r = mask_release(&telnet->mask, &shown);
	if (r < 0)
		return r;
	login_feed(&telnet->login, shown.data, shown.len);
	return worker_text(telnet->worker, shown.data, shown.len);
}

static int enter(struct telnet *telnet)
{
	int r = show_masked(telnet, NULL, 0, true);

	forget_secret(telnet);
	worker_state(telnet->worker, VIEW_LIVE);
	return r;
}

static int act(struct telnet *telnet, enum login_act what)
{
	const struct worker_birth *birth = worker_birth(telnet->worker);

	switch (what) {
	case LOGIN_TYPE_NAME:
		return type_line(telnet, birth->username, strlen(birth->username));
	case LOGIN_ASK_VAULT:
		return worker_ask_secret(telnet->worker);
	case LOGIN_IN:
		return enter(telnet);
	case LOGIN_REFUSED:
		return worker_end(telnet->worker, -ERR_LOGIN_REFUSED, -1,
			"%s refused the login as %s.", birth->target, birth->username);
	default:
		return 0;
	}
}

static int go_on_with_login(struct telnet *telnet)
{
	uint64_t quiet = clock_monotonic_ms() - telnet->heard;
	enum login_act what;
	int r = 0;

	/* What looked like the secret's beginning was a prompt of its own. */
	if (quiet >= LOGIN_NAMELESS_MS && telnet->mask.held.len > 0)
		r = show_masked(telnet, NULL, 0, true);
	while (r == 0 && (what = login_decide(&telnet->login, (unsigned)quiet)) != LOGIN_NOTHING)
		r = act(telnet, what);
	if (r == 0 && !worker_live(telnet->worker) && quiet < LOGIN_NAMELESS_MS)
		worker_wake(telnet->worker, quiet < LOGIN_QUIET_MS
						    ? (unsigned)(LOGIN_QUIET_MS - quiet)
						    : (unsigned)(LOGIN_NAMELESS_MS - quiet));
	return r;
}

static int show(struct telnet *telnet, const uint8_t *text, size_t len)
{
	if (worker_live(telnet->worker))
		return worker_text(telnet->worker, text, len);
	if (telnet->login.phase == LOGIN_ANSWER)
		return show_masked(telnet, text, len, false);
	login_feed(&telnet->login, text, len);
	return worker_text(telnet->worker, text, len);
}

static int at_end(struct telnet *telnet, bool in_order)
{
	const char *target = worker_birth(telnet->worker)->target;

	if (!worker_live(telnet->worker))
		return worker_end(telnet->worker, -ERR_TARGET_GONE, -1,
			"%s closed the connection during the login.", target);
	if (in_order)
		return worker_end(telnet->worker, 0, -1, "The session on %s ended.", target);
	return worker_end(
		telnet->worker, -ERR_TARGET_GONE, -1, "%s closed the connection.", target);
}

static int hear(struct telnet *telnet)
{
	size_t size = worker_live(telnet->worker) ? sizeof piece : LOGIN_PIECE;
	ssize_t n = recv(telnet->target, piece, size, MSG_DONTWAIT);
	int len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return at_end(telnet, n == 0);
	telnet->heard = clock_monotonic_ms();
	/* In place: text is never longer than what it came in. */
	len = option_receive(&telnet->option, piece, (size_t)n, piece, &telnet->out);
	if (len < 0)
		return -ERR_PROTOCOL_FAULT; /* more questions than anyone would ask */
	return show(telnet, piece, (size_t)len);
}

static int turn(void *session)
{
	struct telnet *telnet = session;
	int r = 0;

	if (worker_room(telnet->worker) > 0 && telnet->out.len < OUT_FULL)
		r = hear(telnet);
	if (r == 0 && !worker_live(telnet->worker))
		r = go_on_with_login(telnet);
	return r < 0 ? r : flush(telnet);
}

/* Typed at a prompt, a control character would be a command to the target. */
static bool can_be_typed(const struct secret *secret)
{
	const char *bytes = secret_reveal(secret);

	for (size_t i = 0; i < secret_len(secret); i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return false;
	return true;
}

static int on_secret(void *session, struct secret *secret)
{
	struct telnet *telnet = session;
	const struct worker_birth *birth = worker_birth(telnet->worker);

	telnet->secret = secret;
	if (secret == NULL || !can_be_typed(secret))
		return worker_end(telnet->worker, -ERR_LOGIN_REFUSED, -1,
			"The credential for %s cannot be typed at a password prompt.",
			birth->target);
	mask_init(&telnet->mask, secret);
	telnet->heard = clock_monotonic_ms();
	login_secret_typed(&telnet->login);
	return type_line(telnet, secret_reveal(secret), secret_len(secret));
}

/* While the target does not echo, the terminal has to (RFC 857). */
static int echo(struct telnet *telnet, const uint8_t *bytes, size_t len)
{
	CLEANUP(buf_finish_wiped) struct buf shown = BUF(3 * INPUT_PIECE);
	int r = 0;

	for (size_t i = 0; i < len && r == 0; i++) {
		if (bytes[i] == '\r')
			r = buf_append_text(&shown, "\r\n");
		else if (bytes[i] == 0x7f || bytes[i] == '\b')
			r = buf_append_text(&shown, "\b \b");
		else if (bytes[i] >= ' ' || bytes[i] == '\t')
			r = buf_append(&shown, &bytes[i], 1);
	}
	return r < 0 ? r : worker_text(telnet->worker, shown.data, shown.len);
}

static ssize_t input(void *session, const uint8_t *bytes, size_t len)
{
	struct telnet *telnet = session;
	int r;

	if (telnet->out.len >= OUT_FULL)
		return 0;
	len = MIN(len, (size_t)INPUT_PIECE);
	r = option_encode(&telnet->option, bytes, len, &telnet->out);
	if (r == 0 && !option_theirs(&telnet->option, OPTION_ECHO) &&
		worker_room(telnet->worker) > 0)
		r = echo(telnet, bytes, len);
	if (r == 0)
		r = flush(telnet);
	return r < 0 ? r : (ssize_t)len;
}

static int resize(void *session, const struct screen *screen)
{
	struct telnet *telnet = session;
	int r = option_resize(&telnet->option, screen->columns, screen->rows, &telnet->out);

	return r < 0 ? r : flush(telnet);
}

static uint32_t wants(void *session)
{
	struct telnet *telnet = session;

	if (telnet == NULL)
		return 0;
	return (telnet->out.len > 0 ? EPOLLOUT : 0) |
	       (worker_room(telnet->worker) > 0 && telnet->out.len < OUT_FULL ? EPOLLIN : 0);
}

static void close_session(void *session)
{
	struct telnet *telnet = session;

	if (telnet == NULL)
		return;
	forget_secret(telnet);
	buf_finish_wiped(&telnet->out);
	close(telnet->target);
	free(telnet);
}

static int open_session(struct worker *worker, int target, void **ret_session)
{
	const struct worker_birth *birth = worker_birth(worker);
	const struct screen *screen = worker_screen(worker);
	struct telnet *telnet = calloc(1, sizeof *telnet);

	if (telnet == NULL)
		return -ERR_SYSTEM;
	telnet->worker = worker;
	telnet->target = target;
	telnet->out = BUF(OPTION_REPLIES_MAX);
	telnet->heard = clock_monotonic_ms();
	option_init(&telnet->option, birth->terminal, screen->columns, screen->rows);
	login_init(&telnet->login, birth->expect);
	mask_init(&telnet->mask, NULL);
	*ret_session = telnet;
	if (birth->probe)
		return worker_end(worker, -ERR_PROBE_FAILED, -1, "Telnet has no host keys.");
	worker_state(worker, VIEW_LOGGING_IN);
	return 0;
}

const struct driver driver = {
	.name = "telnet",
	.proves_itself = false,
	.open = open_session,
	.turn = turn,
	.secret = on_secret,
	.input = input,
	.resize = resize,
	.wants = wants,
	.close = close_session,
};
