/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which invocation gets which environment: it takes the newest that idles, or waits, and as many starts are under way as
 * invocations wait.
 */
#include "function/pool_private.h"

/* ---- waiting ---- */

static void wait_in_line(struct pool *pool, struct invocation *i) {
        i->pool = pool;
        i->state = INVOCATION_WAITING;
        list_push_back(&pool->waiting, &i->link);
        pool_count_waiting(pool, 1);
}

void pool_forget(struct invocation *i) {
        list_unlink(&i->link);
        pool_count_waiting(i->pool, -1);
}

void pool_withdraw(struct invocation *i) {
        struct pools *p = i->pools;

        pool_forget(i);
        pool_release(i->pool);
        pools_check_drained(p);
}

/* ---- starting ---- */

/* The one that has idled longest, of any version, makes room. */
static bool make_room(struct pools *p) {
        struct member *oldest = list_last(&p->idle, struct member, idle_link);

        if (!oldest)
                return false;
        member_stop(oldest);
        return true;
}

/*
 * From the loop, because no invocation may end inside invocation_start. One waiter hears of one failure; one
 * call tells one waiter, because that may change everything.
 */
static void fail_waiters(struct defer *defer) {
        struct pools *p = container_of(defer, struct pools, fail);
        struct pool *at, *pool = NULL;
        struct invocation *i;

        list_each(at, &p->pools, link)
                if (at->problem && !pool)
                        pool = at;
                else if (at->problem)
                        defer_call(p->loop, &p->fail, fail_waiters);
        if (pool) {
                /* Code that cannot be prepared is every waiter's problem. */
                bool again = pool->awaits_code && pool->waiting_count > 1;
                AUTO(str) char *problem = again ? xstrdup(pool->problem) : TAKE(pool->problem);

                if (again)
                        defer_call(p->loop, &p->fail, fail_waiters);
                i = list_first(&pool->waiting, struct invocation, link);
                pool_pin(pool);
                if (i) {
                        pool_forget(i);
                        invocation_fail(i, problem);
                }
                pool_unpin(pool);
        }
        pools_serve_waiting(p);
        pools_check_drained(p);
}

/*
 * Begins as many starts as there are waiting invocations without one. At the limit it makes room first and
 * comes back when the room is there (member_lost). 0, or REFUSED_THROTTLED when one waiter can never be
 * served. Starts that nobody waits for any more end as idle environments, so they are room to come too.
 */
int pool_start_more(struct pool *pool) {
        struct pools *p = pool->pools;

        if (pool->awaits_code)
                return 0; /* pools_prepared comes back */
        while (pool->coming < pool->waiting_count) {
                if (p->members >= p->options.environments_max) {
                        while (p->stopping < p->wanted && make_room(p))
                                ;
                        return p->stopping + p->surplus >= p->wanted ? 0 : REFUSED_THROTTLED;
                }
                if (!pool->problem && !member_new(pool, false, &pool->problem)) {
                        if (!pool->problem)
                                pool->problem = xstrdup("no execution environment could be made");
                        defer_call(p->loop, &p->fail, fail_waiters);
                }
                if (pool->problem)
                        return 0;
        }
        return 0;
}

/* Who can bear that the start is tried again: each waiter can, once. */
static struct invocation *waits_on(struct pool *pool) {
        struct invocation *i;

        list_each(i, &pool->waiting, link)
                if (!i->tried_again)
                        return i;
        return NULL;
}

void pool_blame(struct pool *pool, bool accident, const char *why) {
        struct invocation *patient = accident ? waits_on(pool) : NULL;
        struct invocation *i = list_first(&pool->waiting, struct invocation, link);

        if (patient) {
                patient->tried_again = true;
        } else {
                pool_forget(i);
                invocation_fail(i, why);
        }
}

/* ---- until code is ready ---- */

void pool_await_code(struct pool *pool, struct invocation *i) {
        pool_set_awaits_code(pool, true);
        wait_in_line(pool, i);
}

static void pool_prepared(struct pool *pool, const char *problem) {
        struct pools *p = pool->pools;

        if (!problem) {
                pool_set_awaits_code(pool, false);
                pool_provide(pool);
                pool_start_more(pool);
                return;
        }
        if (!pool->waiting_count)
                return;
        free(pool->problem);
        pool->problem = xstrdup(problem);
        defer_call(p->loop, &p->fail, fail_waiters);
}

void pools_prepared(struct pools *p, struct version *v, const char *problem) {
        for (struct pool *pool = v->pool, *next; pool; pool = next) {
                next = pool->sibling;
                pool_prepared(pool, problem);
        }
}

/* ---- matching ---- */

int pool_admit(struct pool *pool, struct invocation *i) {
        struct member *m = list_first(&pool->idle, struct member, link);

        if (m) {
                member_take(m, i);
                return 0;
        }
        wait_in_line(pool, i);
        if (pool_start_more(pool) == REFUSED_THROTTLED) {
                pool_forget(i);
                pool_release(pool);
                return REFUSED_THROTTLED;
        }
        return 0;
}

/* Somebody of another version waits for room that nothing else is about to make. */
static bool is_wanted_elsewhere(const struct pools *p) {
        return p->members >= p->options.environments_max && p->wanted > p->stopping;
}

void member_rest(struct member *m) {
        struct pool *pool = m->pool;
        struct invocation *i = list_first(&pool->waiting, struct invocation, link);

        if (i && !m->stop_when_idle) {
                pool_forget(i);
                member_take(m, i);
        } else if (m->stop_when_idle || pool->retired ||
                   (is_wanted_elsewhere(pool->pools) && !m->provisioned)) {
                member_stop(m);
        } else {
                member_enter(m, MEMBER_IDLE);
        }
}

void pools_serve_waiting(struct pools *p) {
        struct pool *pool;

        if (!p->waiting)
                return;
        list_each(pool, &p->pools, link)
                if (pool->waiting_count)
                        pool_start_more(pool);
}
