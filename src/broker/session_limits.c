/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"

#define UNOPENED_BATCH 500 /* sessions whose URL expired, ended in one tick */
#define EXPIRED_BATCH 50   /* authorizations that expired, looked at in one tick */
#define SWEEP_MS 10000
#define SWEEP_MUCH 500   /* rows dropped at once: there may be more */
#define NONCE_KEPT_S 900 /* longer than a timestamp is believed, both ways */
#define NOTICE_IDLE_MS (2 * 60 * 1000)

static void notice(struct broker *broker, const struct session *session, const char *text)
{
	struct msg_notice words = { .session = session->row.id };

	text_copy(words.text, sizeof words.text, text);
	channel_tell(session->recorder, MSG_NOTICE, &words);
}

/* The notice is taken back when somebody types. */
static void check_idle(struct broker *broker, struct session *session, uint64_t now)
{
	uint64_t limit = (uint64_t)broker->settings->session_idle_end * 1000;
	uint64_t before = MIN((uint64_t)NOTICE_IDLE_MS, limit / 2);
	uint64_t idle = now - session->last_input;
	char text[REASON_SIZE];

	if (idle >= limit) {
		snprintf(text, sizeof text, "Nobody typed for %lld minutes",
			(long long)(broker->settings->session_idle_end + 59) / 60);
		session_end(broker, session, -ERR_SESSION_IDLE, text);
	} else if (idle + before >= limit && session->idle_told == 0) {
		session->idle_told = 1;
		snprintf(text, sizeof text,
			"This session ends in %llu seconds unless somebody types.",
			(unsigned long long)(limit - idle + 999) / 1000);
		notice(broker, session, text);
	} else if (idle + before < limit) {
		session->idle_told = 0;
	}
}

/* Is it over so many milliseconds from now? */
typedef bool over_fn(const struct broker *broker, const struct session *session, uint64_t ms);

static bool longest_over(const struct broker *broker, const struct session *session, uint64_t ms)
{
	uint64_t limit = (uint64_t)broker->settings->session_longest * 1000;

	/* what is shorter than its notice is not announced by it */
	return limit > ms && clock_monotonic_ms() - session->started + ms >= limit;
}

static bool hours_over(const struct broker *broker, const struct session *session, uint64_t ms)
{
	(void)broker;
	return !hours_always(&session->hours) &&
	       !hours_open(&session->hours, clock_wall_ms() + (int64_t)ms);
}

/* Told in full minutes; a machine that slept, or a clock that jumped, may skip any. */
static void count_down(struct broker *broker, struct session *session, unsigned *told,
	over_fn *over, int why, const char *words)
{
	static const unsigned minutes[] = { 15, 10, 5 };
	char text[REASON_SIZE];

	if (over(broker, session, 0)) {
		session_end(broker, session, why, NULL);
		return;
	}
	for (unsigned i = ARRAY_LEN(minutes); i-- > 0;) {
		if (!over(broker, session, (uint64_t)minutes[i] * 60 * 1000))
			continue;
		if (*told < i + 1) {
			*told = i + 1;
			snprintf(text, sizeof text, "This session ends in %u minutes: %s",
				minutes[i], words);
			notice(broker, session, text);
		}
		return;
	}
	*told = 0;
}

/* A target has its own time to answer; whoever of us died meanwhile, this is where waiting ends. */
static uint64_t start_limit(const struct broker *broker)
{
	return 2000 * (uint64_t)broker->settings->session_login_timeout + START_MS;
}

static void check_running(struct broker *broker, struct session *session, uint64_t now)
{
	uint64_t reattach = (uint64_t)broker->settings->session_reattach * 1000;

	if (session->orphaned_at != 0 && now - session->orphaned_at >= STOP_GRACE_MS) {
		session_end(broker, session, -ERR_WORKER_DIED, NULL);
		return;
	}
	if (session->viewers == 0 && now - session->nobody_since >= reattach) {
		session_end(broker, session, -ERR_SESSION_LEFT, NULL);
		return;
	}
	if (session->row.state == SESSION_REDEEMED && session->start_asked &&
		now - session->start_at >= start_limit(broker)) {
		session_end(broker, session, -ERR_TIMED_OUT, NULL);
		return;
	}
	count_down(broker, session, &session->longest_told, longest_over, -ERR_SESSION_TOO_LONG,
		"it has reached its longest time.");
	if (session->row.state != SESSION_ENDED)
		count_down(broker, session, &session->hours_told, hours_over, -ERR_SESSION_HOURS,
			"then its credential is not allowed any more.");
	if (session->row.state == SESSION_LIVE)
		check_idle(broker, session, now);
}

static void check_ended(struct broker *broker, struct session *session, uint64_t now)
{
	struct msg_session which = { session->row.id };
	char reason[REASON_SIZE];

	if (session->end_again) {
		memcpy(reason, session->end_reason, sizeof reason);
		session_end(broker, session, session->end_why, reason);
		return;
	}
	if (session->worker && now >= session->kill_at) {
		session->kill_at = UINT64_MAX; /* once */
		channel_tell(broker->process.supervisor, MSG_WORKER_KILL, &which);
	}
	if (session->moves == 0 && session->stopped && now >= session->forget_at) {
		log_warning("session.forgotten",
			"%lld: its recording or process did not report its end",
			(long long)session->row.id);
		session_destroy(broker, session);
	}
}

struct unopened {
	unsigned count;
	struct session_row rows[UNOPENED_BATCH];
};

static int keep_unopened(void *context, const struct session_row *row)
{
	struct unopened *unopened = context;

	if (unopened->count < UNOPENED_BATCH)
		unopened->rows[unopened->count++] = *row;
	return 0;
}

static void end_unopened(struct broker *broker)
{
	CLEANUP(mem_freep) struct unopened *unopened = malloc(sizeof *unopened);
	struct moving moving = { .actor = "gateway",
		.why = -ERR_SESSION_EXPIRED,
		.reason = error_text(-ERR_SESSION_EXPIRED),
		.exit_status = -1 };

	if (unopened == NULL)
		return;
	unopened->count = 0;
	int r = store_session_unopened(
		broker->store, steady_now(broker), UNOPENED_BATCH, keep_unopened, unopened);
	if (r == 0 && unopened->count > 0)
		r = turn_open(broker);
	for (unsigned i = 0; r == 0 && i < unopened->count; i++) {
		r = session_write(broker, &unopened->rows[i], SESSION_ENDED, &moving);
		if (r == -ERR_WRONG_MOMENT)
			r = 0; /* another node was first */
	}
	if (r < 0)
		log_error("session.expire", "%s", error_text(r));
}

/*
 * The cursor moves on when an authorization has no session left: had the commit failed, the next
 * tick would try again.
 */
static void end_expired(struct broker *broker)
{
	struct expiry_cursor next = broker->expired;
	int64_t now = clock_wall_ms();
	bool left = false;
	int r = 0;

	for (unsigned i = 0; i < EXPIRED_BATCH; i++) {
		r = store_authorization_expired(broker->store, &next, now);
		if (r == 0)
			r = turn_open(broker);
		if (r == 0)
			r = ending_of(
				broker, ENDING_AUTHORIZATION, next.id, "The authorization expired");
		if (r < 0)
			break;
		left = left || r > 0;
		if (!left)
			broker->expired = next;
	}
	if (r < 0 && r != -ERR_NOT_FOUND)
		log_error("authorization.expire", "%s", error_text(r));
}

/* A bounded number at a time; again at the next tick while there is much. */
static void sweep(struct broker *broker, uint64_t now)
{
	uint64_t jumped = broker->steady.jumped_at, kept = NONCE_KEPT_S * UINT64_C(1000);
	int64_t nonces = clock_wall_ms() / 1000 - NONCE_KEPT_S;

	if (now < broker->sweep_at)
		return;
	/* A clock that jumped may jump back, and stamps that were too old be young again. */
	if (jumped != 0 && clock_machine_ms() - jumped < kept)
		nonces = 0;
	int dropped = turn_open(broker);
	if (dropped == 0)
		dropped = store_sweep(broker->store, steady_now(broker), nonces);
	if (dropped < 0)
		log_error("store.sweep", "old tokens, tickets and nonces stay");
	broker->sweep_at = dropped >= SWEEP_MUCH ? now : now + SWEEP_MS;
}

static void title(struct broker *broker, unsigned live)
{
	if (broker->title_set && live == broker->titled)
		return;
	broker->titled = live;
	broker->title_set = true;
	process_title("%s, %u live", store_kind(broker->store), live);
}

void sessions_tick(struct broker *broker)
{
	uint64_t now = clock_monotonic_ms();
	struct session *session, *next;
	unsigned live = 0;

	for (session = broker->sessions.first; session != NULL; session = next) {
		next = session->next;
		live += session->row.state == SESSION_LIVE;
		if (session->row.state == SESSION_ENDED || session->end_again)
			check_ended(broker, session, now);
		else if (session->moves == 0)
			check_running(broker, session, now);
	}
	sessions_strays(broker, now);
	end_unopened(broker);
	end_expired(broker);
	sweep(broker, now);
	title(broker, live);
}
