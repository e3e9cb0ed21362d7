/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

#define LOOP_EVENTS_MAX 256           /* descriptors served per round */
#define LOOP_TIMERS_MAX (1024 * 1024) /* pending at once */
#define LOOP_TURNS_MAX 8              /* functions called every turn */
#define LOOP_SLEEP_MAX_MS 3600000
#define TIMER_MS_MAX (UINT64_C(1) << 50)
#define TIMER_NOWHERE SIZE_MAX

struct watch {
	struct loop *loop;
	int fd;
	uint32_t events;
	watch_fn *fn; /* NULL once removed */
	void *context;
	struct watch *previous, *next; /* living; next also links the removed */
};

struct timer {
	struct loop *loop;
	uint64_t due_us;
	uint64_t serial; /* timers due together fire in the order they were made */
	size_t place;    /* in the heap, or TIMER_NOWHERE */
	timer_fn *fn;
	void *context;
	struct timer *next; /* links the fired and cancelled */
};

struct loop {
	int epoll;
	bool stopping;
	struct watch *watches;
	struct timer **heap; /* a binary heap: no parent is due after its children */
	size_t timers, heap_cap;
	uint64_t serial;
	/* A callback may remove what the rest of its round still points at: freed after the turn.
	 */
	struct watch *dead_watches;
	struct timer *dead_timers;
	struct {
		timer_fn *fn;
		void *context;
	} turns[LOOP_TURNS_MAX];
	size_t turn_count;
};

int loop_create(struct loop **ret_loop)
{
	CLEANUP(mem_freep) struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return -ERR_SYSTEM;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		return -ERR_SYSTEM;
	*ret_loop = STEAL(loop);
	return 0;
}

static void bury(struct loop *loop)
{
	while (loop->dead_watches != NULL) {
		struct watch *watch = loop->dead_watches;

		loop->dead_watches = watch->next;
		free(watch);
	}
	while (loop->dead_timers != NULL) {
		struct timer *timer = loop->dead_timers;

		loop->dead_timers = timer->next;
		free(timer);
	}
}

void loop_destroy(struct loop *loop)
{
	if (loop == NULL)
		return;
	bury(loop);
	while (loop->watches != NULL) {
		struct watch *watch = loop->watches;

		loop->watches = watch->next;
		free(watch);
	}
	for (size_t i = 0; i < loop->timers; i++)
		free(loop->heap[i]);
	free(loop->heap);
	close(loop->epoll);
	free(loop);
}

void loop_destroyp(struct loop **loop)
{
	loop_destroy(*loop);
	*loop = NULL;
}

int loop_watch(struct loop *loop, int fd, uint32_t events, watch_fn *fn, void *context,
	struct watch **ret_watch)
{
	CLEANUP(mem_freep) struct watch *watch = calloc(1, sizeof(*watch));
	struct epoll_event event = { .events = events };

	assert(fn != NULL);
	if (watch == NULL)
		return -ERR_SYSTEM;
	*watch = (struct watch){ loop, fd, events, fn, context, NULL, loop->watches };
	event.data.ptr = watch;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -ERR_SYSTEM;
	if (loop->watches != NULL)
		loop->watches->previous = watch;
	loop->watches = watch;
	*ret_watch = STEAL(watch);
	return 0;
}

void watch_set(struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (watch->fn == NULL || watch->events == events)
		return;
	watch->events = events;
	/* Fails only for a descriptor that was closed before its watch was removed. */
	int r = epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
	assert(r == 0);
}

void watch_remove(struct watch *watch)
{
	struct loop *loop;

	if (watch == NULL || watch->fn == NULL)
		return;
	loop = watch->loop;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fn = NULL;
	if (watch->previous != NULL)
		watch->previous->next = watch->next;
	else
		loop->watches = watch->next;
	if (watch->next != NULL)
		watch->next->previous = watch->previous;
	watch->next = loop->dead_watches;
	loop->dead_watches = watch;
}

static bool sooner(const struct timer *a, const struct timer *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->serial < b->serial;
}

static void put_at(struct loop *loop, size_t place, struct timer *timer)
{
	loop->heap[place] = timer;
	timer->place = place;
}

static void sift_up(struct loop *loop, size_t place, struct timer *timer)
{
	while (place > 0 && sooner(timer, loop->heap[(place - 1) / 2])) {
		put_at(loop, place, loop->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put_at(loop, place, timer);
}

static void sift_down(struct loop *loop, size_t place, struct timer *timer)
{
	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < loop->timers && sooner(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (child >= loop->timers || !sooner(loop->heap[child], timer))
			break;
		put_at(loop, place, loop->heap[child]);
		place = child;
	}
	put_at(loop, place, timer);
}

static int heap_grow(struct loop *loop)
{
	size_t cap = loop->heap_cap == 0 ? 16 : loop->heap_cap * 2;
	struct timer **heap;

	if (loop->timers < loop->heap_cap)
		return 0;
	if (loop->timers >= LOOP_TIMERS_MAX)
		return -ERR_FULL;
	heap = reallocarray(loop->heap, cap, sizeof(struct timer *));
	if (heap == NULL)
		return -ERR_SYSTEM;
	loop->heap = heap;
	loop->heap_cap = cap;
	return 0;
}

int loop_after(
	struct loop *loop, uint64_t ms, timer_fn *fn, void *context, struct timer **ret_timer)
{
	struct timer *timer;
	int r = heap_grow(loop);

	if (r < 0)
		return r;
	timer = calloc(1, sizeof(*timer));
	if (timer == NULL)
		return -ERR_SYSTEM;
	timer->loop = loop;
	timer->due_us = clock_monotonic_us() + MIN(ms, TIMER_MS_MAX) * 1000;
	timer->serial = loop->serial++;
	timer->fn = fn;
	timer->context = context;
	sift_up(loop, loop->timers++, timer);
	*ret_timer = timer;
	return 0;
}

void timer_cancel(struct timer *timer)
{
	struct loop *loop;
	struct timer *last;
	size_t place;

	if (timer == NULL || timer->place == TIMER_NOWHERE)
		return;
	loop = timer->loop;
	place = timer->place;
	last = loop->heap[--loop->timers];
	if (last != timer) {
		sift_down(loop, place, last);
		sift_up(loop, last->place, last);
	}
	timer->place = TIMER_NOWHERE;
	timer->next = loop->dead_timers;
	loop->dead_timers = timer;
}

void loop_every_turn(struct loop *loop, timer_fn *fn, void *context)
{
	assert(loop->turn_count < LOOP_TURNS_MAX);
	loop->turns[loop->turn_count].fn = fn;
	loop->turns[loop->turn_count++].context = context;
}

/* Those made meanwhile wait for the next round, or a timer of 0 ms would starve the descriptors. */
static void fire_timers(struct loop *loop)
{
	uint64_t now = clock_monotonic_us(), newest = loop->serial;

	while (loop->timers > 0 && !loop->stopping) {
		struct timer *timer = loop->heap[0];

		if (timer->due_us > now || timer->serial >= newest)
			return;
		timer_cancel(timer);
		timer->fn(timer->context);
	}
}

static int sleep_ms(const struct loop *loop)
{
	uint64_t now, ms;

	if (loop->timers == 0)
		return -1;
	now = clock_monotonic_us();
	if (loop->heap[0]->due_us <= now)
		return 0;
	ms = (loop->heap[0]->due_us - now + 999) / 1000;
	return (int)MIN(ms, (uint64_t)LOOP_SLEEP_MAX_MS);
}

static int serve_descriptors(struct loop *loop)
{
	struct epoll_event events[LOOP_EVENTS_MAX];
	int count = epoll_wait(loop->epoll, events, LOOP_EVENTS_MAX, sleep_ms(loop));

	if (count < 0)
		return errno == EINTR ? 0 : -ERR_SYSTEM;
	for (int i = 0; i < count && !loop->stopping; i++) {
		struct watch *watch = events[i].data.ptr;
		uint32_t wanted = watch->events | EPOLLHUP | EPOLLERR;

		/* Removed, or no longer asked for, by a callback before this one. */
		if (watch->fn != NULL && (events[i].events & wanted) != 0)
			watch->fn(watch->context, events[i].events & wanted);
	}
	return 0;
}

int loop_run(struct loop *loop)
{
	int r = 0;

	while (r == 0 && !loop->stopping) {
		fire_timers(loop);
		for (size_t i = 0; i < loop->turn_count && !loop->stopping; i++)
			loop->turns[i].fn(loop->turns[i].context);
		bury(loop);
		if (!loop->stopping)
			r = serve_descriptors(loop);
	}
	bury(loop);
	loop->stopping = false; /* spent: a process runs its loop once to start and once to work */
	return r;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

bool loop_stopping(const struct loop *loop)
{
	return loop->stopping;
}
