/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread for jobs that block. Results come back through an eventfd, in order. */
#include <sys/eventfd.h>

#include <signal.h>

#include "loop/loop_private.h"

void worker_init(struct worker *worker) {
        pthread_mutex_init(&worker->lock, NULL);
        pthread_cond_init(&worker->wake, NULL);
        list_init(&worker->waiting);
        list_init(&worker->finished);
        worker->event_fd = -1;
}

static void *worker_main(void *arg) {
        struct worker *worker = arg;

        pthread_mutex_lock(&worker->lock);
        for (;;) {
                struct job *job = list_first(&worker->waiting, struct job, link);

                if (!job) {
                        if (worker->stop)
                                break;
                        pthread_cond_wait(&worker->wake, &worker->lock);
                        continue;
                }
                list_unlink(&job->link);
                pthread_mutex_unlock(&worker->lock);
                job->run(job);
                pthread_mutex_lock(&worker->lock);
                list_push_back(&worker->finished, &job->link);
                if (eventfd_write(worker->event_fd, 1) < 0)
                        abort(); /* a counter of 2^64 cannot be full */
        }
        pthread_mutex_unlock(&worker->lock);
        return NULL;
}

static void deliver_finished(struct worker *worker) {
        struct job *job;

        for (;;) {
                pthread_mutex_lock(&worker->lock);
                job = list_first(&worker->finished, struct job, link);
                if (job)
                        list_unlink(&job->link);
                pthread_mutex_unlock(&worker->lock);
                if (!job)
                        return;
                (job->disowned ? job->discard : job->done)(job);
        }
}

static void worker_on_finished(struct source *source, uint32_t events) {
        struct worker *worker = container_of(source, struct worker, source);
        eventfd_t count;

        eventfd_read(worker->event_fd, &count);
        deliver_finished(worker);
}

/* Signals are the loop thread's business: the worker blocks them all. */
static void worker_start(struct loop *loop) {
        struct worker *worker = &loop->worker;
        sigset_t all, before;

        worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        must(worker->event_fd >= 0);
        must(source_add(loop, &worker->source, worker->event_fd, EPOLLIN | EPOLLET, RANK_NORMAL,
                        worker_on_finished) == 0);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        must(pthread_create(&worker->thread, NULL, worker_main, worker) == 0);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        worker->running = true;
}

void worker_deinit(struct loop *loop) {
        struct worker *worker = &loop->worker;

        if (worker->running) {
                pthread_mutex_lock(&worker->lock);
                worker->stop = true;
                pthread_cond_signal(&worker->wake);
                pthread_mutex_unlock(&worker->lock);
                pthread_join(worker->thread, NULL);
                source_remove(&worker->source);
                deliver_finished(worker);
        }
        /* What is submitted from now on, by what has just finished, runs here. */
        loop->manual = true;
        while (worker_has_jobs(worker))
                worker_run_manual(loop);
        fd_close(worker->event_fd);
        pthread_cond_destroy(&worker->wake);
        pthread_mutex_destroy(&worker->lock);
}

bool worker_has_jobs(const struct worker *worker) {
        return !list_is_empty(&worker->waiting);
}

void worker_run_manual(struct loop *loop) {
        struct worker *worker = &loop->worker;
        struct list batch;
        struct job *job;

        /* What these submit runs in the next turn. */
        list_init(&batch);
        if (!worker_has_jobs(worker))
                return;
        list_link_after(&worker->waiting, &batch);
        list_unlink(&worker->waiting);
        while ((job = list_first(&batch, struct job, link))) {
                list_unlink(&job->link);
                job->run(job);
                (job->disowned ? job->discard : job->done)(job);
        }
}

void job_submit(struct loop *loop, struct job *job) {
        struct worker *worker = &loop->worker;

        job->disowned = false;
        list_init(&job->link);
        if (loop->manual) {
                list_push_back(&worker->waiting, &job->link);
                return;
        }
        if (!worker->running)
                worker_start(loop);
        pthread_mutex_lock(&worker->lock);
        list_push_back(&worker->waiting, &job->link);
        pthread_cond_signal(&worker->wake);
        pthread_mutex_unlock(&worker->lock);
}

void job_disown(struct job *job) {
        job->disowned = true;
}
