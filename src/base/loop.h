/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/*
 * One epoll loop per process. Level-triggered. A callback may add, change and remove any watch or
 * timer, its own included. No select(): descriptors above 1024 are ordinary here.
 */
struct loop;
struct watch; /* a watched descriptor */
struct timer;

typedef void watch_fn(void *context, uint32_t events);
typedef void timer_fn(void *context);

int loop_create(struct loop **ret_loop);
void loop_destroy(struct loop *loop);
void loop_destroyp(struct loop **loop);

/* Watches fd (not owned) for EPOLLIN/EPOLLOUT; EPOLLHUP and EPOLLERR always arrive. */
int loop_watch(struct loop *loop, int fd, uint32_t events, watch_fn *fn, void *context,
	struct watch **ret_watch);
void watch_set(struct watch *watch, uint32_t events); /* 0 watches only for hang-up */
void watch_remove(struct watch *watch); /* before the descriptor is closed; NULL is fine */

/* Calls fn once after `ms`. The timer is gone after it fired: its owner forgets the pointer. */
int loop_after(
	struct loop *loop, uint64_t ms, timer_fn *fn, void *context, struct timer **ret_timer);
void timer_cancel(struct timer *timer); /* NULL is fine */

/* Called after every round of callbacks, before sleeping: where batches are worked off. */
void loop_every_turn(struct loop *loop, timer_fn *fn, void *context);

int loop_run(struct loop *loop); /* until loop_stop(); 0, or -ERR_SYSTEM. May be run again. */
void loop_stop(struct loop *loop);
bool loop_stopping(const struct loop *loop);
