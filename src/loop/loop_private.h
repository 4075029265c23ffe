/* SPDX-License-Identifier: Apache-2.0 */
/* What loop.c, timer.c and worker.c share; nobody else includes it. */
#pragma once
#include <pthread.h>

#include "loop/loop.h"

/* The thread starts with the first job: a loop that never blocks never has one. */
struct worker {
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct list waiting, finished; /* under lock */
        struct source source;          /* eventfd: something finished */
        int event_fd;
        bool running, stop;
};

struct loop {
        nsec_t now, wall, woke, longest_stall;
        uint64_t turns;
        struct list ready[RANKS];
        struct list deferred;
        struct timer **heap; /* a binary heap by due time */
        size_t heap_len, heap_room;
        char *scratch;
        struct worker worker;
        struct source alarm_source;
        nsec_t alarm; /* when the kernel's timer fires; NSEC_NEVER: it does not */
        int epoll_fd, alarm_fd;
        bool manual, quit, batch_was_whole;
};

void timers_run(struct loop *loop);

void worker_init(struct worker *worker);
void worker_deinit(struct loop *loop); /* finishes what was submitted */
bool worker_has_jobs(const struct worker *worker);
void worker_run_manual(struct loop *loop);
