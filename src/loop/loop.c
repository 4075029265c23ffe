/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turn: wait; sort what came by rank; deliver; run the timers that are due; run the deferred calls. Objects embed
 * their source, timer or defer, so waiting for something allocates nothing and cannot fail (registering a
 * descriptor is the one exception).
 */
#include "loop/loop.h"

#include <limits.h>
#include <sys/timerfd.h>
#include <time.h>

#include "loop/loop_private.h"

#define BATCH 256

static nsec_t read_clock(clockid_t id) {
        struct timespec ts;

        clock_gettime(id, &ts);
        return (nsec_t)ts.tv_sec * SECOND + (nsec_t)ts.tv_nsec;
}

static void read_time(struct loop *loop) {
        if (loop->manual)
                return;
        loop->now = read_clock(CLOCK_MONOTONIC);
        loop->wall = read_clock(CLOCK_REALTIME);
}

static struct loop *loop_alloc(bool manual) {
        struct loop *loop = xcalloc(1, sizeof(*loop));

        loop->manual = manual;
        loop->epoll_fd = loop->alarm_fd = -1;
        loop->alarm = NSEC_NEVER;
        loop->batch_was_whole = true;
        for (size_t i = 0; i < RANKS; ++i)
                list_init(&loop->ready[i]);
        list_init(&loop->deferred);
        worker_init(&loop->worker);
        return loop;
}

static void on_alarm(struct source *source, uint32_t events) {
        container_of(source, struct loop, alarm_source)->alarm = NSEC_NEVER;
}

int loop_new(struct loop **ret_loop) {
        AUTO(loop) struct loop *loop = loop_alloc(false);
        int r;

        loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (loop->epoll_fd < 0)
                return fault(-errno);
        loop->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (loop->alarm_fd < 0)
                return fault(-errno);
        r = source_add(loop, &loop->alarm_source, loop->alarm_fd, EPOLLIN | EPOLLET, RANK_NORMAL, on_alarm);
        if (r)
                return r;
        read_time(loop);
        loop->woke = loop->now;
        *ret_loop = TAKE(loop);
        return 0;
}

struct loop *loop_new_manual(void) {
        struct loop *loop = loop_alloc(true);

        loop->now = 1000 * SECOND;
        loop->wall = (nsec_t)1767225600 * SECOND; /* 2026-01-01T00:00:00Z */
        return loop;
}

void loop_free(struct loop *loop) {
        if (!loop)
                return;
        worker_deinit(loop);
        fd_close(loop->alarm_fd);
        fd_close(loop->epoll_fd);
        free(loop->heap);
        free(loop->scratch);
        free(loop);
}

/* ---- descriptors ---- */

int source_add(struct loop *loop, struct source *source, int fd, uint32_t events, enum rank rank,
               source_fn fn) {
        struct epoll_event event = {
                .events = events ? events : EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                .data.ptr = source,
        };

        must(!loop->manual);
        *source = (struct source){ .loop = loop, .fn = fn, .fd = fd, .rank = rank };
        list_init(&source->link);
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
                source->loop = NULL;
                return fault(-errno);
        }
        return 0;
}

void source_remove(struct source *source) {
        struct epoll_event unused = {};

        if (!source->loop)
                return;
        list_unlink(&source->link);
        epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, &unused);
        source->loop = NULL;
}

void source_again(struct source *source, uint32_t events) {
        if (!source->loop)
                return;
        source->ready |= events;
        if (!list_is_linked(&source->link))
                list_push_back(&source->loop->ready[source->rank], &source->link);
}

static bool anything_ready(const struct loop *loop) {
        for (size_t i = 0; i < RANKS; ++i)
                if (!list_is_empty(&loop->ready[i]))
                        return true;
        return !list_is_empty(&loop->deferred);
}

/*
 * A wait with a time limit has the kernel start and stop a timer each time, and on the warm path it would have a limit always.
 * So one timer stands beside the wait, and is moved only when something is due before it fires: what is put off again and again
 * (an idle time, an invocation's limit) lets it fire for nothing once in a while, and is else free.
 */
static int set_alarm(struct loop *loop, nsec_t due) {
        struct itimerspec at = { .it_value = { (time_t)(due / SECOND), (long)(due % SECOND) } };

        if (due >= loop->alarm)
                return 0;
        if (timerfd_settime(loop->alarm_fd, TFD_TIMER_ABSTIME, &at, NULL) < 0)
                return fault(-errno);
        loop->alarm = due;
        return 0;
}

/* For epoll_wait: rounded up, so that nobody who waits for an instant turns in vain until it. */
static int patience_ms(nsec_t most) {
        if (most == NSEC_NEVER)
                return -1;
        most = MIN(most, (nsec_t)INT_MAX * MILLISECOND - MILLISECOND);
        return (int)((most + MILLISECOND - 1) / MILLISECOND);
}

static int wait_for_events(struct loop *loop, nsec_t most) {
        struct epoll_event events[BATCH];
        nsec_t due = loop_next_due(loop), now = read_clock(CLOCK_MONOTONIC);
        int n, r;

        loop->longest_stall = MAX(loop->longest_stall, now - loop->woke);
        if (due <= now)
                most = 0;
        r = most ? set_alarm(loop, due) : 0;
        if (r)
                return r;
        n = epoll_wait(loop->epoll_fd, events, BATCH, patience_ms(most));
        if (n < 0 && errno != EINTR)
                return fault(-errno);
        read_time(loop);
        loop->woke = loop->now;
        loop->batch_was_whole = n >= 0 && n < BATCH;
        for (int i = 0; i < n; ++i) {
                struct source *source = events[i].data.ptr;

                source_again(source, events[i].events);
        }
        return 0;
}

static void deliver(struct loop *loop) {
        struct list batch[RANKS];

        /* What becomes ready while we deliver (source_again) belongs to the next turn. */
        for (size_t i = 0; i < RANKS; ++i) {
                list_init(&batch[i]);
                if (!list_is_empty(&loop->ready[i])) {
                        list_link_after(&loop->ready[i], &batch[i]);
                        list_unlink(&loop->ready[i]);
                }
        }
        for (size_t i = 0; i < RANKS; ++i)
                while (!list_is_empty(&batch[i])) {
                        struct source *source = list_first(&batch[i], struct source, link);
                        uint32_t ready = source->ready;

                        list_unlink(&source->link);
                        source->ready = 0;
                        source->fn(source, ready);
                }
}

/* ---- deferred calls ---- */

void defer_call(struct loop *loop, struct defer *defer, defer_fn fn) {
        defer->fn = fn;
        if (!list_is_linked(&defer->link))
                list_push_back(&loop->deferred, &defer->link);
}

void defer_cancel(struct defer *defer) {
        list_unlink(&defer->link);
}

/* Calls deferred meanwhile run in the next turn, so that two objects deferring to each other cannot starve the rest. */
static void run_deferred(struct loop *loop) {
        struct list batch;

        list_init(&batch);
        if (list_is_empty(&loop->deferred))
                return;
        list_link_after(&loop->deferred, &batch);
        list_unlink(&loop->deferred);
        while (!list_is_empty(&batch)) {
                struct defer *defer = list_first(&batch, struct defer, link);

                list_unlink(&defer->link);
                defer->fn(defer);
        }
}

/* ---- turning ---- */

static void run_turn(struct loop *loop) {
        ++loop->turns;
        deliver(loop);
        timers_run(loop);
        run_deferred(loop);
}

int loop_turn(struct loop *loop, nsec_t most) {
        int r;

        must(!loop->manual);
        r = wait_for_events(loop, most);
        if (r)
                return r;
        run_turn(loop);
        return 0;
}

int loop_run(struct loop *loop) {
        loop->quit = false;
        while (!loop->quit) {
                int r = loop_turn(loop, NSEC_NEVER);

                if (r)
                        return r;
        }
        return 0;
}

void loop_quit(struct loop *loop) {
        loop->quit = true;
}

void loop_advance(struct loop *loop, nsec_t by) {
        nsec_t end = loop->now + by, due;

        must(loop->manual);
        for (;;) {
                worker_run_manual(loop);
                run_turn(loop);
                if (anything_ready(loop) || worker_has_jobs(&loop->worker))
                        continue;
                due = loop_next_due(loop);
                if (due > end)
                        break;
                loop->wall += MAX(due, loop->now) - loop->now;
                loop->now = MAX(due, loop->now);
        }
        loop->wall += end - loop->now;
        loop->now = end;
}

nsec_t loop_next_due(const struct loop *loop) {
        if (anything_ready(loop))
                return loop->now;
        return loop->heap_len ? loop->heap[0]->due : NSEC_NEVER;
}

int loop_fd(const struct loop *loop) {
        return loop->epoll_fd;
}

nsec_t loop_now(const struct loop *loop) {
        return loop->now;
}

nsec_t loop_wall(const struct loop *loop) {
        return loop->wall;
}

nsec_t loop_clock(const struct loop *loop) {
        return loop->manual ? loop->now : read_clock(CLOCK_MONOTONIC);
}

nsec_t loop_longest_stall(const struct loop *loop) {
        return loop->longest_stall;
}

uint64_t loop_turns(const struct loop *loop) {
        return loop->turns;
}

bool loop_batch_was_whole(const struct loop *loop) {
        return loop->batch_was_whole;
}

char *loop_scratch(struct loop *loop) {
        if (!loop->scratch)
                loop->scratch = xmalloc(LOOP_SCRATCH);
        return loop->scratch;
}
