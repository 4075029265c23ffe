/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs on the worker thread, and on the manual loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "loop/loop.h"

struct record {
        struct loop *loop;
        pthread_t here;
        int order[16];
        size_t run, done, discarded;
        pthread_mutex_t gate; /* what a job waits for */
};

struct work {
        struct job job;
        struct record *record;
        int number;
        bool ran, off_thread, waits;
        struct work *then; /* submitted when this is done */
        struct work *disown;
};

static void run(struct job *job) {
        struct work *w = container_of(job, struct work, job);

        if (w->waits) {
                pthread_mutex_lock(&w->record->gate);
                pthread_mutex_unlock(&w->record->gate);
        }
        w->ran = true;
        w->off_thread = !pthread_equal(pthread_self(), w->record->here);
        ++w->record->run;
}

static void finished(struct job *job) {
        struct work *w = container_of(job, struct work, job);
        struct record *r = w->record;

        assert_true(w->ran);
        assert_true(pthread_equal(pthread_self(), r->here));
        r->order[r->done++] = w->number;
        if (w->disown)
                job_disown(&w->disown->job);
        if (w->then)
                job_submit(r->loop, &w->then->job);
        free(w);
}

static void discard(struct job *job) {
        struct work *w = container_of(job, struct work, job);

        assert_true(pthread_equal(pthread_self(), w->record->here));
        ++w->record->discarded;
        free(w);
}

static struct work *work(struct record *r, int number) {
        struct work *w = xcalloc(1, sizeof(*w));

        w->job = (struct job){ .run = run, .done = finished, .discard = discard };
        w->record = r;
        w->number = number;
        return w;
}

static void open_record(struct record *r, bool manual) {
        *r = (struct record){ .here = pthread_self() };
        pthread_mutex_init(&r->gate, NULL);
        if (manual)
                r->loop = loop_new_manual();
        else
                assert_int_equal(loop_new(&r->loop), 0);
}

static void turn_until(struct record *r, size_t ended) {
        while (r->done + r->discarded < ended)
                assert_int_equal(loop_turn(r->loop, 10 * SECOND), 0);
}

static void jobs_run_in_order(void **state) {
        struct record r;

        open_record(&r, false);
        for (int i = 0; i < 10; ++i)
                job_submit(r.loop, &work(&r, i)->job);
        turn_until(&r, 10);
        assert_int_equal(r.run, 10);
        for (int i = 0; i < 10; ++i)
                assert_int_equal(r.order[i], i);
        loop_free(r.loop);
}

static void disowned_jobs_are_discarded(void **state) {
        struct work *first, *second, *third;
        struct record r;

        open_record(&r, false);
        pthread_mutex_lock(&r.gate);
        first = work(&r, 1);
        second = work(&r, 2);
        third = work(&r, 3);
        first->waits = true;
        job_submit(r.loop, &first->job);
        job_submit(r.loop, &second->job);
        job_submit(r.loop, &third->job);
        job_disown(&first->job); /* running, or about to */
        job_disown(&third->job); /* waiting */
        pthread_mutex_unlock(&r.gate);
        turn_until(&r, 3);
        assert_int_equal(r.done, 1);
        assert_int_equal(r.order[0], 2);
        assert_int_equal(r.discarded, 2);
        loop_free(r.loop);

        open_record(&r, false); /* by the job before, when both have finished */
        first = work(&r, 1);
        second = work(&r, 2);
        first->disown = second;
        job_submit(r.loop, &first->job);
        job_submit(r.loop, &second->job);
        turn_until(&r, 2);
        assert_int_equal(r.done, 1);
        assert_int_equal(r.discarded, 1);
        loop_free(r.loop);
}

/* The end of the loop waits for what was submitted, and for what that submits. */
static void the_end_finishes_all(void **state) {
        for (int manual = 0; manual < 2; ++manual) {
                struct work *w;
                struct record r;

                open_record(&r, manual);
                w = work(&r, 1);
                w->then = work(&r, 2);
                w->then->then = work(&r, 3);
                job_submit(r.loop, &w->job);
                loop_free(r.loop);
                assert_int_equal(r.run, 3);
                assert_int_equal(r.done, 3);
        }
}

static void manual_jobs_take_turns(void **state) {
        struct record r;
        struct work *w;

        open_record(&r, true);
        w = work(&r, 1);
        w->then = work(&r, 2);
        job_submit(r.loop, &w->job);
        assert_int_equal(r.run, 0); /* not inside the call */
        loop_advance(r.loop, 0);
        assert_int_equal(r.done, 2);
        w = work(&r, 3);
        job_submit(r.loop, &w->job);
        job_disown(&w->job);
        loop_advance(r.loop, 0);
        assert_int_equal(r.discarded, 1);
        loop_free(r.loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(jobs_run_in_order),
                cmocka_unit_test(disowned_jobs_are_discarded),
                cmocka_unit_test(the_end_finishes_all),
                cmocka_unit_test(manual_jobs_take_turns),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
