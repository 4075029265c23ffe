/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - the event loop: descriptors, timers, deferred calls, and one worker thread for the few jobs that block
 *
 * All of it belongs to one thread. Cancel is final everywhere: after source_remove, timer_disarm, defer_cancel or
 * job_disown returns, that callback never runs, even if its event was already fetched. A callback may free the
 * object it is called on, and any other.
 *
 * Descriptors are registered once, edge-triggered, for reading and writing (epoll(7), "Q9": a read or write that
 * comes back short has drained the edge). All events fetched in one turn are sorted by rank before they are
 * delivered: a process's last output (RANK_OUTPUT) comes before its next request (RANK_NORMAL), and that before its
 * exit (RANK_EXIT). This holds only within one batch: see loop_batch_was_whole.
 *
 * Time is read once per turn: loop_now is CLOCK_MONOTONIC, loop_wall is Unix time. A manual loop (loop_new_manual) has
 * no descriptors; its clock stands still until the test turns it, and its jobs run in the turn after they were submitted.
 */
#pragma once
#include <sys/epoll.h>

#include "base/list.h"
#include "base/util.h"

struct loop;

/* Life. */
int loop_new(struct loop **ret_loop); /* -errno */
struct loop *loop_new_manual(void);
void loop_free(struct loop *loop);
DEFINE_FREEP(loop)

/* One turn: waits at most `most` (NSEC_NEVER: without limit) and runs what is due. 0 or -errno. */
int loop_turn(struct loop *loop, nsec_t most);
/* Turns until loop_quit. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop);
/* Becomes readable when a turn has something to do (for embedding). */
int loop_fd(const struct loop *loop);
/* When the next timer is due; NSEC_NEVER without one; now when deferred work waits. */
nsec_t loop_next_due(const struct loop *loop);
/* Manual loops: runs everything due up to now + by, timers at their exact times. */
void loop_advance(struct loop *loop, nsec_t by);

nsec_t loop_now(const struct loop *loop);
nsec_t loop_wall(const struct loop *loop);
/* A fresh reading, for measuring inside a turn. Manual loops answer loop_now. */
nsec_t loop_clock(const struct loop *loop);
/* The longest time between two waits so far, and the number of turns (for /metrics). */
nsec_t loop_longest_stall(const struct loop *loop);
uint64_t loop_turns(const struct loop *loop);
/* True when the last wait fetched every event there was (the batch was not full). */
bool loop_batch_was_whole(const struct loop *loop);
/* 64 KiB that any callback may use until it returns. */
#define LOOP_SCRATCH (64 * KIB)
char *loop_scratch(struct loop *loop);

/* Descriptors. The loop does not own fd. */
enum rank { RANK_OUTPUT, RANK_NORMAL, RANK_EXIT, RANKS };

struct source;
typedef void (*source_fn)(struct source *source, uint32_t events);

struct source {
        struct loop *loop; /* NULL while not registered */
        struct list link;  /* on the loop's list of the rank while an event waits */
        source_fn fn;
        int fd;
        uint32_t ready;
        enum rank rank;
};

/* Events default to EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET when 0 is given. 0 or -errno. */
int source_add(struct loop *loop, struct source *source, int fd, uint32_t events, enum rank rank,
               source_fn fn);
void source_remove(struct source *source); /* legal when not registered */
/* Delivers `events` again in the next turn, as if the kernel had said so (after pausing with data left). */
void source_again(struct source *source, uint32_t events);

/* Timers. */
struct timer;
typedef void (*timer_fn)(struct timer *timer);

struct timer {
        struct loop *loop;
        timer_fn fn;
        nsec_t due;
        size_t slot; /* place in the heap + 1; 0 when not armed */
};

void timer_init(struct timer *timer, struct loop *loop, timer_fn fn);
void timer_arm(struct timer *timer, nsec_t due); /* absolute loop time; moves an armed timer */
static inline bool timer_is_armed(const struct timer *timer) {
        return timer->slot != 0;
}
void timer_disarm(struct timer *timer); /* legal when not armed */

/* Deferred calls: run once, after the events of this turn. */
struct defer;
typedef void (*defer_fn)(struct defer *defer);

struct defer {
        struct list link;
        defer_fn fn;
};

void defer_call(struct loop *loop, struct defer *defer, defer_fn fn); /* once even if asked twice */
void defer_cancel(struct defer *defer);

/* Jobs: run() on the worker thread, then done() on the loop. Jobs run one after another, in order. */
struct job;
struct job {
        void (*run)(struct job *job);
        void (*done)(struct job *job);    /* frees the job */
        void (*discard)(struct job *job); /* instead of done when disowned; frees the job; also on the loop */
        bool disowned;
        struct list link;
};

void job_submit(struct loop *loop, struct job *job);
/* A running job cannot be stopped, only disowned: its result is discarded on arrival. */
void job_disown(struct job *job);
