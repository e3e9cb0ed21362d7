/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/host.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "drivers/plain.h"
#include "wire/process.h"
#include "wire/wire.h"
#include "worker/input.h"

#define BEAT_MS 30000 /* between two looks whether the target still lives */
#define MISSES_MAX 3  /* beats without a sign: it does not */
#define MMAP_LEAST (128 * 1024)
#define LINGER_MS 300000 /* for the recorder to take the last frames */
#define WORDS_SIZE 250   /* bytes of words in STATE and ENDED */

static void host_turn(struct worker *worker);

const struct worker_birth *worker_birth(const struct worker *worker)
{
	return &worker->birth;
}

const struct screen *worker_screen(const struct worker *worker)
{
	return &worker->screen;
}

bool worker_live(const struct worker *worker)
{
	return worker->state == VIEW_LIVE;
}

size_t worker_room(const struct worker *worker)
{
	return worker->ended || refresh_under_way(&worker->refresh) ? 0 : view_room(&worker->view);
}

static void title(const struct worker *worker, const char *word)
{
	if (worker->birth.probe)
		process_title("probe %s", worker->birth.target);
	else
		process_title("session %lld %s -> %s [%s]", (long long)worker->birth.session,
			worker->birth.user, worker->birth.target, word);
}

/* The recorder is gone, and with it the person: nothing that happens now would be recorded. */
static void stop_at_once(struct worker *worker)
{
	worker->ended = true;
	loop_stop(worker->loop);
}

static int show(struct worker *worker, enum view_type type, const void *a, size_t a_len,
	const void *b, size_t b_len)
{
	int r = view_send(&worker->view, type, a, a_len, b, b_len);

	if (r < 0)
		stop_at_once(worker);
	return r;
}

int worker_text(struct worker *worker, const void *bytes, size_t len)
{
	if (len == 0 || worker->ended)
		return 0;
	digest_note(&worker->digest, bytes, len);
	batch_note(&worker->batch, len);
	return show(worker, VIEW_TEXT, bytes, len, NULL, 0);
}

void worker_state(struct worker *worker, enum view_state state)
{
	static const char *const names[] = { [VIEW_CONNECTING] = "connecting",
		[VIEW_LOGGING_IN] = "logging in",
		[VIEW_LIVE] = "live" };
	static const char *const sentences[] = { [VIEW_CONNECTING] = "Connecting to",
		[VIEW_LOGGING_IN] = "Logging in to",
		[VIEW_LIVE] = "Connected to" };
	char words[512], plain[WORDS_SIZE];
	uint8_t byte = (uint8_t)state;
	size_t len;

	if (worker->state == state || worker->ended || worker->birth.probe)
		return;
	worker->state = state;
	title(worker, names[state]);
	snprintf(words, sizeof words, "%s %s as %s", sentences[state], worker->birth.target,
		worker->birth.username);
	len = plain_text(plain, sizeof plain, words, strlen(words), PLAIN_LINE);
	show(worker, VIEW_STATE, &byte, 1, plain, len);
	if (state == VIEW_LIVE) {
		timer_cancel(worker->login);
		worker->login = NULL;
	}
}

static void on_linger(void *context)
{
	struct worker *worker = context;

	worker->linger = NULL;
	loop_stop(worker->loop);
}

static void drop_target(struct worker *worker)
{
	watch_remove(worker->target_watch);
	worker->target_watch = NULL;
	watch_remove(worker->agent_watch);
	worker->agent_watch = NULL;
	timer_cancel(worker->look);
	worker->look = NULL;
}

int worker_end(struct worker *worker, int why, int exit_status, const char *format, ...)
{
	char words[512], plain[WORDS_SIZE];
	uint8_t head[8];
	va_list arguments;
	size_t len;

	if (worker->ended)
		return why;
	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	len = plain_text(plain, sizeof plain, words, strlen(words), PLAIN_LINE);
	drop_target(worker);
	if (worker->birth.probe) {
		probe_tell(worker, why < 0 ? why : -ERR_PROBE_FAILED, "", NULL, 0);
		loop_stop(worker->loop);
		return why;
	}
	put32(head, (uint32_t)why);
	put32(head + 4, (uint32_t)exit_status);
	title(worker, "ended");
	refresh_last(&worker->refresh, &worker->digest, &worker->view, worker->state);
	show(worker, VIEW_ENDED, head, sizeof head, plain, len);
	worker->ended = true;
	if (loop_after(worker->loop, LINGER_MS, on_linger, worker, &worker->linger) < 0)
		loop_stop(worker->loop);
	return why;
}

/* An error no driver put into words. */
static void fail(struct worker *worker, int why)
{
	worker_end(worker, why, -1, "%s", error_text(why));
}

static bool pinned(const struct worker_birth *birth, const uint8_t hash[HASH_LEN])
{
	for (unsigned i = 0; i < birth->pin_count; i++)
		if (memcmp(birth->pins[i], hash, HASH_LEN) == 0)
			return true;
	return false;
}

static void on_agent(void *context, uint32_t events)
{
	struct worker *worker = context;
	struct secret *secret = NULL;
	int r = agent_turn(&worker->agent, &secret);

	if (r == 0) {
		watch_set(
			worker->agent_watch, EPOLLIN | (worker->agent.out.len > 0 ? EPOLLOUT : 0));
		return;
	}
	watch_remove(worker->agent_watch);
	worker->agent_watch = NULL;
	if (r < 0) {
		worker_end(worker, r == -ERR_PEER_GONE ? -ERR_GATEWAY_RESTARTED : r, -1,
			"The vault did not release the credential for %s.", worker->birth.target);
		return;
	}
	r = driver.secret(worker->session, secret);
	if (r < 0)
		fail(worker, r);
	else
		host_turn(worker);
}

static int ask_vault(struct worker *worker, const uint8_t proof[HASH_LEN], const void *exchange,
	size_t exchange_len)
{
	int r = agent_ask(&worker->agent, proof, exchange, exchange_len);

	if (r == 0)
		r = loop_watch(worker->loop, worker->agent.fd, EPOLLIN | EPOLLOUT, on_agent, worker,
			&worker->agent_watch);
	return r;
}

/* Only for a key: nothing can be proven of what a password is used for. */
static int ask_with_exchange(struct worker *worker, const uint8_t proof[HASH_LEN],
	const void *exchange, size_t exchange_len)
{
	if (worker->birth.kind != SECRET_SSH_KEY)
		return ask_vault(worker, proof, NULL, 0);
	if (exchange == NULL)
		return worker_end(worker, -ERR_PROTOCOL_FAULT, -1,
			"The key exchange with %s cannot be shown to the vault, which signs for "
			"no login without it.",
			worker->birth.target);
	return ask_vault(worker, proof, exchange, exchange_len);
}

int worker_host_key(struct worker *worker, const char *algorithm, const void *blob, size_t len,
	const void *exchange, size_t exchange_len)
{
	uint8_t hash[HASH_LEN];
	char fingerprint[BASE64_SIZE(HASH_LEN)];

	if (worker->birth.probe) {
		probe_tell(worker, 0, algorithm, blob, len);
		loop_stop(worker->loop);
		return 0;
	}
	hash_sha256(hash, blob, len);
	if (pinned(&worker->birth, hash))
		return ask_with_exchange(worker, hash, exchange, exchange_len);
	base64_encode(fingerprint, hash, sizeof hash);
	fingerprint[strcspn(fingerprint, "=")] = '\0';
	if (worker->birth.pin_count == 0)
		return worker_end(worker, -ERR_HOST_KEY_UNKNOWN, -1,
			"The host key of %s is not pinned (%s SHA256:%s). No credential was sent.",
			worker->birth.target, algorithm, fingerprint);
	return worker_end(worker, -ERR_HOST_KEY_CHANGED, -1,
		"The host key of %s has changed: it shows %s SHA256:%s. No credential was sent.",
		worker->birth.target, algorithm, fingerprint);
}

int worker_ask_secret(struct worker *worker)
{
	static const uint8_t nothing[HASH_LEN];

	return driver.proves_itself ? -ERR_WRONG_MOMENT : ask_vault(worker, nothing, NULL, 0);
}

int worker_agent(struct worker *worker)
{
	return STEAL_FD(worker->agent.fd);
}

static void on_wake(void *context)
{
	struct worker *worker = context;

	worker->wake = NULL;
	host_turn(worker);
}

void worker_wake(struct worker *worker, unsigned ms)
{
	timer_cancel(worker->wake);
	worker->wake = NULL;
	if (loop_after(worker->loop, ms, on_wake, worker, &worker->wake) < 0)
		fail(worker, -ERR_SYSTEM);
}

static void host_turn(struct worker *worker)
{
	int r;

	if (worker->ended || worker->session == NULL)
		return;
	r = driver.turn(worker->session);
	if (r < 0)
		fail(worker, r);
	else if (r > 0)
		worker_wake(worker, 0);
}

static void look_at_target(struct worker *worker);

static void on_look(void *context)
{
	struct worker *worker = context;

	worker->look = NULL;
	look_at_target(worker);
}

static void look_at_target(struct worker *worker)
{
	worker->heard = true;
	host_turn(worker);
	if (batch_waits(&worker->batch, clock_monotonic_us()) && !worker->ended &&
		worker->look == NULL &&
		loop_after(worker->loop, BATCH_MS, on_look, worker, &worker->look) < 0)
		fail(worker, -ERR_SYSTEM);
}

static void on_target(void *context, uint32_t events)
{
	look_at_target(context);
}

static void on_view(void *context, uint32_t events)
{
	struct worker *worker = context;
	int r = 0;

	/* Hang-up comes even while nothing is read: the person is gone, whatever is still queued.
	 */
	if (events & (EPOLLHUP | EPOLLERR))
		r = -ERR_CLOSED;
	if (r == 0 && (events & EPOLLOUT))
		r = view_flush(&worker->view);
	if (r == 0 && (events & EPOLLIN))
		r = view_receive(&worker->view);
	if (r < 0)
		stop_at_once(worker);
}

static void on_login_timeout(void *context)
{
	struct worker *worker = context;

	worker->login = NULL;
	worker_end(worker, -ERR_TARGET_SILENT, -1, "%s did not %s within %u seconds.",
		worker->birth.target,
		worker->state == VIEW_LOGGING_IN ? "finish the login" : "answer",
		(unsigned)worker->birth.login_timeout);
}

static void on_beat(void *context)
{
	struct worker *worker = context;

	worker->beat = NULL;
	if (worker->ended)
		return;
	digest_rest(&worker->digest);
	malloc_trim(0); /* what a key exchange or a flood needed: idle is the usual state */
	/* Only while we listen: a person who does not read is no fault of the target. */
	if (worker_live(worker) && driver.keepalive != NULL && !worker->blocked) {
		worker->misses = worker->heard ? 0 : worker->misses + 1;
		worker->heard = false;
		if (worker->misses > MISSES_MAX) {
			worker_end(worker, -ERR_TARGET_SILENT, -1, "%s does not answer any more.",
				worker->birth.target);
			return;
		}
		int r = driver.keepalive(worker->session);
		if (r < 0) {
			fail(worker, r);
			return;
		}
		host_turn(worker);
	}
	if (loop_after(worker->loop, BEAT_MS, on_beat, worker, &worker->beat) < 0)
		fail(worker, -ERR_SYSTEM);
}

static void watch_target(struct worker *worker)
{
	uint32_t events = worker->ended ? 0 : driver.wants(worker->session);

	/* For a moment only. */
	if (worker->look != NULL && worker->target_watch != NULL && !worker->ended) {
		watch_set(worker->target_watch, events & ~(uint32_t)EPOLLIN);
		return;
	}
	/* Without a wish not even hang-up is wanted: level-triggered, it would spin. */
	if (events == 0) {
		watch_remove(worker->target_watch);
		worker->target_watch = NULL;
	} else if (worker->target_watch != NULL) {
		watch_set(worker->target_watch, events);
	} else if (loop_watch(worker->loop, FD_TARGET, events, on_target, worker,
			   &worker->target_watch) < 0) {
		fail(worker, -ERR_SYSTEM);
	}
}

static void announce_size(struct worker *worker)
{
	uint8_t payload[8];

	if (!worker->size_pending || worker_room(worker) == 0)
		return;
	worker->size_pending = false;
	put16(payload, worker->screen.columns);
	put16(payload + 2, worker->screen.rows);
	put16(payload + 4, worker->screen.width);
	put16(payload + 6, worker->screen.height);
	digest_resize(&worker->digest, worker->screen.columns, worker->screen.rows);
	show(worker, VIEW_SIZE, payload, sizeof payload, NULL, 0);
}

/* The target need not wait until the recorder took the last frames. */
static void part_from_target(struct worker *worker)
{
	drop_target(worker);
	driver.close(worker->session);
	worker->session = NULL;
}

/* Input first: a turn after it, because what was typed may have brought output with it. */
static void type_ahead(struct worker *worker)
{
	int r;

	while (!worker->ended && (r = input_work_off(worker)) != 0) {
		if (r < 0)
			fail(worker, r);
		else
			host_turn(worker);
	}
}

/* After every round: what the callbacks left to do, then what to wait for. */
static void settle(void *context)
{
	struct worker *worker = context;

	if (worker->birth.probe) {
		if (!worker->ended)
			watch_target(worker);
		return;
	}
	type_ahead(worker);
	announce_size(worker);
	if (!worker->ended &&
		refresh_turn(&worker->refresh, &worker->digest, &worker->view, worker->state) < 0)
		stop_at_once(worker);
	if (worker->blocked && worker_room(worker) > 0)
		host_turn(worker);
	worker->blocked = !worker->ended && worker_room(worker) == 0;
	if (worker->ended)
		part_from_target(worker);
	if (worker->ended && worker->view.out.len == 0)
		loop_stop(worker->loop);
	watch_target(worker);
	watch_set(worker->view_watch,
		(worker->view.out.len > 0 ? EPOLLOUT : 0) |
			(!worker->ended && buf_room(&worker->view.in) > 0 ? EPOLLIN : 0));
}

static int begin_session(struct worker *worker)
{
	int r;

	/* What a keyframe needs for a moment goes back to the kernel and is not kept for another.
	 */
	mallopt(M_MMAP_THRESHOLD, MMAP_LEAST);
	view_init(&worker->view, FD_VIEW);
	digest_init(&worker->digest, worker->screen.columns, worker->screen.rows);
	agent_init(&worker->agent, FD_VAULT, (enum secret_kind)worker->birth.kind);
	worker->size_pending = true;
	r = loop_watch(worker->loop, FD_VIEW, EPOLLIN, on_view, worker, &worker->view_watch);
	if (r == 0)
		r = loop_after(worker->loop, BEAT_MS, on_beat, worker, &worker->beat);
	return r;
}

int host_begin(struct worker *worker)
{
	int r;

	worker->screen = input_screen(worker->birth.columns, worker->birth.rows,
		worker->birth.width, worker->birth.height);
	r = worker->birth.probe ? probe_begin(worker, FD_VIEW) : begin_session(worker);
	if (r == 0)
		r = loop_after(worker->loop, worker->birth.login_timeout * 1000u, on_login_timeout,
			worker, &worker->login);
	if (r == 0)
		loop_every_turn(worker->loop, settle, worker);
	return r;
}

void host_run(struct worker *worker)
{
	int r;

	worker_state(worker, VIEW_CONNECTING);
	r = driver.open(worker, FD_TARGET, &worker->session);
	if (r < 0)
		fail(worker, r);
	host_turn(worker);
	if (!loop_stopping(worker->loop))
		loop_run(worker->loop);
}

void host_finish(struct worker *worker)
{
	driver.close(worker->session);
	worker->session = NULL;
	channel_destroy(worker->probe);
	agent_finish(&worker->agent);
	view_finish(&worker->view);
	digest_finish(&worker->digest);
	loop_destroyp(&worker->loop);
}
