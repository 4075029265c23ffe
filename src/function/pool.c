/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member's list is its state: pool->idle (and pools->idle, over all versions) or pool->others. Every change
 * goes through member_enter. A pool exists while it has members or waiting invocations.
 */
#include "function/pool_private.h"

#include <stdio.h>

#include "base/log.h"

static const struct environment_events member_events;

/* ---- pools come and go with what they hold ---- */

static bool is_of(const struct pool *pool, const char *tenant) {
        return tenant ? pool->tenant && streq(pool->tenant, tenant) : !pool->tenant;
}

struct pool *pool_find(const struct version *v, const char *tenant) {
        struct pool *pool = v->pool;

        while (pool && !is_of(pool, tenant))
                pool = pool->sibling;
        return pool;
}

struct pool *pool_of(struct pools *p, struct version *v, const char *tenant) {
        struct pool *pool = pool_find(v, tenant);

        if (pool)
                return pool;
        pool = xcalloc(1, sizeof(*pool));
        pool->pools = p;
        pool->version = version_ref(v);
        pool->tenant = tenant ? xstrdup(tenant) : NULL;
        list_init(&pool->idle);
        list_init(&pool->others);
        list_init(&pool->waiting);
        list_push_back(&p->pools, &pool->link);
        pool->sibling = v->pool;
        v->pool = pool;
        return pool;
}

void pool_release(struct pool *pool) {
        struct pool **at;

        if (pool->pins || pool->provisioned || !list_is_empty(&pool->idle) || !list_is_empty(&pool->others) ||
            !list_is_empty(&pool->waiting))
                return;
        list_unlink(&pool->link);
        for (at = &pool->version->pool; *at != pool; at = &(*at)->sibling)
                ;
        *at = pool->sibling;
        free(pool->tenant);
        free(pool->problem);
        free(pool->provision_problem);
        version_unref(pool->version);
        free(pool);
}

/* While a caller is told something, it may do anything: its pool stays until then. */
static void pool_pin(struct pool *pool) {
        ++pool->pins;
}

static void pool_unpin(struct pool *pool) {
        --pool->pins;
        pool_release(pool);
}

static size_t excess(size_t a, size_t b) {
        return a > b ? a - b : 0;
}

/* Starts that the waiters lack; while their code is being prepared they need none. */
static size_t pool_lack(const struct pool *pool) {
        return pool->awaits_code ? 0 : excess(pool->waiting_count, pool->coming);
}

/* Starts that end as idle environments, which may make room: those that are to stay do not. */
static size_t pool_surplus(const struct pool *pool) {
        return excess(pool->coming - pool->provisioned_coming, pool->waiting_count);
}

/* The one place where starts (and what counts like one) and waiters are counted, so that `wanted` and `surplus` are never out of
 * date. */
static void pool_count_all(struct pool *pool, int coming, int provisioned, int waiting) {
        struct pools *p = pool->pools;

        p->wanted -= pool_lack(pool);
        p->surplus -= pool_surplus(pool);
        pool->coming += (size_t)coming;
        pool->provisioned_coming += (size_t)provisioned;
        pool->waiting_count += (size_t)waiting;
        p->coming += (size_t)coming;
        p->waiting += (size_t)waiting;
        p->wanted += pool_lack(pool);
        p->surplus += pool_surplus(pool);
}

static void pool_count_waiting(struct pool *pool, int waiting) {
        pool_count_all(pool, 0, 0, waiting);
}

static void pool_count_coming(struct member *m, int coming) {
        pool_count_all(m->pool, coming, m->provisioned ? coming : 0, 0);
}

void pool_recount(struct member *m) {
        if (state_is_beginning(m->state) || m->finishing)
                pool_count_all(m->pool, 0, m->provisioned ? 1 : -1, 0);
}

/* ---- members ---- */

static nsec_t later(nsec_t from, nsec_t by) {
        return by == NSEC_NEVER || from + by < from ? NSEC_NEVER : from + by;
}

/* Whether it has answered and will ask for more in a moment: until then it counts like a start. */
static void member_finishing(struct member *m, bool finishing) {
        if (m->finishing == finishing)
                return;
        m->finishing = finishing;
        pool_count_coming(m, finishing ? 1 : -1);
}

static void member_enter(struct member *m, enum member_state state) {
        struct pool *pool = m->pool;
        struct pools *p = pool->pools;
        enum member_state was = m->state;
        nsec_t now = loop_now(p->loop);

        member_finishing(m, false);
        pool_count_coming(m, state_is_beginning(state) - state_is_beginning(was));
        p->busy += (size_t)(state == MEMBER_BUSY) - (size_t)(was == MEMBER_BUSY);
        p->stopping += (size_t)(state == MEMBER_STOPPING) - (size_t)(was == MEMBER_STOPPING);
        m->state = state;
        timer_disarm(&m->timer);
        if (state_is_resting(was) && state_is_resting(state)) {
                timer_arm(&m->timer, later(m->idle_since, p->options.idle_ttl));
                return;
        }
        list_unlink(&m->link);
        list_unlink(&m->idle_link);
        list_unlink(&m->build_link);
        if (!state_is_resting(state)) {
                list_push_front(&pool->others, &m->link);
                return;
        }
        m->idle_since = now;
        list_push_front(&pool->idle, &m->link);
        if (!m->provisioned) /* that one makes room for nobody */
                list_push_front(&p->idle, &m->idle_link);
        timer_arm(&m->timer, MIN(later(now, p->options.freeze_after), later(now, p->options.idle_ttl)));
}

static void start_some(struct defer *defer);

static void build_soon(struct pools *p) {
        if (!list_is_empty(&p->to_build) && p->building < p->options.builders)
                defer_call(p->loop, &p->build, start_some);
}

static void release_builder(struct member *m) {
        struct pools *p = m->pool->pools;

        if (!m->building)
                return;
        m->building = false;
        --p->building;
        build_soon(p);
}

static void member_free(struct member *m) {
        struct pool *pool = m->pool;
        struct pools *p = pool->pools;

        must(!m->invocation);
        member_finishing(m, false);
        member_unprovision(m);
        pool_count_coming(m, -state_is_beginning(m->state));
        p->busy -= (size_t)(m->state == MEMBER_BUSY);
        p->stopping -= (size_t)(m->state == MEMBER_STOPPING);
        --p->members;
        timer_disarm(&m->timer);
        list_unlink(&m->link);
        list_unlink(&m->idle_link);
        list_unlink(&m->build_link);
        release_builder(m);
        m->environment->ops->free(m->environment);
        p->ports.unmake(p->ports.owner, m->tag);
        free(m);
}

static void member_stop(struct member *m) {
        release_builder(m);
        if (m->state == MEMBER_STOPPING)
                return;
        member_unprovision(m);
        member_enter(m, MEMBER_STOPPING);
        m->environment->ops->stop(m->environment);
}

static int pool_start_more(struct pool *pool);

static void member_on_timer(struct timer *timer) {
        struct member *m = container_of(timer, struct member, timer);
        struct pools *p = m->pool->pools;

        if (m->state == MEMBER_BUSY) {
                member_finishing(m, false); /* it works on after its answer: whoever waits for it shall not */
                pool_start_more(m->pool);
                return;
        }
        if (loop_now(p->loop) >= later(m->idle_since, p->options.idle_ttl)) {
                if (!m->provisioned)
                        member_stop(m);
                return;
        }
        m->environment->ops->freeze(m->environment);
        member_enter(m, MEMBER_FROZEN);
}

/* ---- starting ---- */

struct member *member_new(struct pool *pool, bool provisioned, char **ret_problem) {
        struct pools *p = pool->pools;
        struct member *m = xcalloc(1, sizeof(*m));
        char id[HEX_ID_LEN + 1];

        random_hex_id(id);
        m->environment = p->ports.make(p->ports.owner, pool->version, id, provisioned, &m->tag, ret_problem);
        if (!m->environment) {
                free(m);
                return NULL;
        }
        m->environment->events = &member_events;
        m->environment->owner = m;
        m->pool = pool;
        m->born = loop_now(p->loop);
        m->fresh = true;
        timer_init(&m->timer, p->loop, member_on_timer);
        list_init(&m->link);
        list_init(&m->idle_link);
        list_init(&m->build_link);
        m->state = MEMBER_QUEUED;
        m->provisioned = provisioned;
        pool->provisioned_members += provisioned;
        ++p->members;
        pool_count_coming(m, 1);
        ++p->totals.cold_starts;
        list_push_front(&pool->others, &m->link);
        list_push_back(&p->to_build, &m->build_link);
        build_soon(p);
        return m;
}

static void member_lost(struct member *m, const char *why);

static void start_some(struct defer *defer) {
        struct pools *p = container_of(defer, struct pools, build);

        while (p->building < p->options.builders && !list_is_empty(&p->to_build)) {
                struct member *m = list_first(&p->to_build, struct member, build_link);
                int r;

                member_enter(m, MEMBER_STARTING);
                m->building = true;
                ++p->building;
                r = m->environment->ops->start(m->environment);
                if (r)
                        member_lost(m, strerror(-r));
        }
}

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
static int pool_start_more(struct pool *pool) {
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

/* ---- matching ---- */

static void member_take(struct member *m, struct invocation *i) {
        if (m->state == MEMBER_FROZEN)
                m->environment->ops->thaw(m->environment);
        member_enter(m, MEMBER_BUSY);
        ++m->pool->pools->under_way;
        ++m->invocations;
        m->invocation = i;
        i->pool = m->pool;
        invocation_deliver(i, m);
        m->fresh = false;
}

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

static void pool_set_awaits_code(struct pool *pool, bool awaits_code) {
        pool->pools->wanted -= pool_lack(pool);
        pool->awaits_code = awaits_code;
        pool->pools->wanted += pool_lack(pool);
}

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

/* A member is free: the oldest waiter of its version gets it. */
static void member_rest(struct member *m) {
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

/* ---- events of the environment ---- */

static void on_started(struct environment *e) {
        release_builder(e->owner);
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        struct member *m = e->owner;

        release_builder(m);
        m->start = start;
        m->init = init;
        if (failed && m->provisioned)
                pool_give_up_providing(m->pool, "FUNCTION_ERROR_INIT_FAILURE");
        if (m->state == MEMBER_STARTING)
                member_rest(m);
}

static void on_head(struct environment *e, const char *content_type) {
        struct member *m = e->owner;

        invocation_on_head(m->invocation, content_type);
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        struct member *m = e->owner;

        invocation_on_chunk(m->invocation, data, len);
}

static void on_answered(struct environment *e, struct invocation_answer *answer) {
        struct member *m = e->owner;
        struct pools *p = m->pool->pools;

        /* Before the caller hears: its next invocation may come from inside. */
        if (m->state == MEMBER_BUSY && !m->stop_when_idle && !e->ending) {
                member_finishing(m, true);
                timer_arm(&m->timer, loop_now(p->loop) + FINISH_GRACE);
        }
        invocation_on_answered(m->invocation, answer);
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        struct member *m = e->owner;
        struct pools *p = m->pool->pools;

        --p->under_way;
        invocation_on_idle(TAKE(m->invocation), report);
        if (m->state == MEMBER_BUSY && !e->ending)
                member_rest(m);
        pools_check_drained(p);
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        struct member *m = e->owner;
        struct pools *p = m->pool->pools;

        p->ports.log(p->ports.owner, m->tag, wall, line, len);
}

/* Who can bear that the start is tried again: each waiter can, once. */
static struct invocation *waits_on(struct pool *pool) {
        struct invocation *i;

        list_each(i, &pool->waiting, link)
                if (!i->tried_again)
                        return i;
        return NULL;
}

/* A start has been lost that a waiter relied on: he hears why, unless it was an accident. */
static void blame(struct pool *pool, bool accident, const char *why) {
        struct invocation *patient = accident ? waits_on(pool) : NULL;
        struct invocation *i = list_first(&pool->waiting, struct invocation, link);

        if (patient) {
                patient->tried_again = true;
        } else {
                pool_forget(i);
                invocation_fail(i, why);
        }
}

/* One that ended before it did anything would only end again; by accident each may, once. */
static bool would_end_again(struct member *m) {
        return m->invocations == 0 &&
               !(m->environment->accident && m->pool->provision_accidents++ < m->pool->provisioned);
}

/* It could not start, or broke: a waiter that relied on it hears why (and is not tried for ever). */
static void member_lost(struct member *m, const char *why) {
        struct pool *pool = m->pool;
        struct pools *p = pool->pools;
        bool was_beginning = state_is_beginning(m->state), accident = m->environment->accident;
        AUTO(str) char *reason = xstrdup(why); /* it may belong to the environment */

        if (m->state != MEMBER_STOPPING)
                log_warn("environment=%s function=%s lost: %s", m->environment->id, pool->version->name, why);
        pool_pin(pool);
        if (m->provisioned && would_end_again(m))
                pool_give_up_providing(pool, reason);
        member_free(m);
        pool_provide(pool);
        if (was_beginning && pool->coming < pool->waiting_count)
                blame(pool, accident, reason);
        pools_serve_waiting(p);
        pool_unpin(pool);
        pools_check_drained(p);
}

static void on_gone(struct environment *e, const char *why) {
        member_lost(e->owner, why);
}

static const struct environment_events member_events = {
        .started = on_started,
        .ready = on_ready,
        .head = on_head,
        .chunk = on_chunk,
        .answered = on_answered,
        .idle = on_idle,
        .log = on_log,
        .gone = on_gone,
};

/* ---- all of them ---- */

struct pools *pools_new(struct loop *loop, const struct pools_options *options,
                        const struct pools_ports *ports) {
        struct pools *p = xcalloc(1, sizeof(*p));

        p->loop = loop;
        p->options = *options;
        p->ports = *ports;
        list_init(&p->pools);
        list_init(&p->idle);
        list_init(&p->to_build);
        return p;
}

void pools_retire(struct pools *p, struct version *v) {
        struct member *m;

        for (struct pool *pool = v->pool; pool; pool = pool->sibling) {
                pool->retired = true;
                list_each(m, &pool->idle, link)
                        member_stop(m);
        }
        pools_provision(p, v, 0);
}

static bool version_matches(const struct version *v, const char *account, const char *region,
                            const char *name) {
        return (!account || streq(v->account, account)) && (!region || streq(v->region, region)) &&
               (!name || streq(v->name, name));
}

static void member_stop_when_idle(struct member *m) {
        m->stop_when_idle = true;
        member_finishing(m, false);
}

static size_t evict_from(struct list *members, const char *id, bool now) {
        struct member *m;
        size_t count = 0;

        list_each(m, members, link) {
                if (m->state == MEMBER_STOPPING || (id && !streq(m->environment->id, id)))
                        continue;
                ++count;
                if (now || m->state != MEMBER_BUSY)
                        member_stop(m);
                else
                        member_stop_when_idle(m);
        }
        return count;
}

size_t pools_evict(struct pools *p, const char *account, const char *region, const char *name, const char *id,
                   bool now) {
        struct pool *pool;
        size_t count = 0;

        list_each(pool, &p->pools, link) {
                if (!version_matches(pool->version, account, region, name))
                        continue;
                count += evict_from(&pool->others, id, now);
                count += evict_from(&pool->idle, id, now);
        }
        pools_serve_waiting(p); /* some may have relied on a start that is no more */
        return count;
}

static void tell_drained(struct defer *defer) {
        struct pools *p = container_of(defer, struct pools, drained);

        void (*on_drained)(void *owner) = TAKE(p->on_drained);

        on_drained(p->drained_owner);
}

/* Those with extensions get the time of their SHUTDOWN; the others end with their pool. How many are left. */
static size_t stop_those_with_extensions(struct pools *p) {
        struct pool *pool;
        size_t left = 0;

        list_each(pool, &p->pools, link) {
                struct list *const lists[] = { &pool->others, &pool->idle };
                struct member *m;

                for (size_t i = 0; i < ARRAY_SIZE(lists); ++i)
                        list_each(m, lists[i], link) {
                                if (!m->environment->has_extensions)
                                        continue;
                                ++left;
                                member_stop(m);
                        }
        }
        return left;
}

void pools_check_drained(struct pools *p) {
        if (p->draining && p->on_drained && !p->under_way && !p->waiting && !stop_those_with_extensions(p))
                defer_call(p->loop, &p->drained, tell_drained);
}

void pools_drain(struct pools *p, void (*on_drained)(void *owner), void *owner) {
        p->draining = true;
        p->on_drained = on_drained;
        p->drained_owner = owner;
        pools_check_drained(p);
}

static void kill_all(struct list *members) {
        struct member *m;

        while ((m = list_first(members, struct member, link))) {
                struct invocation *i = TAKE(m->invocation);

                if (i) {
                        /* Still under way: the caller is told that the environment is no more. */
                        --m->pool->pools->under_way;
                        invocation_fail(i, "lambent is stopping");
                }
                member_free(m);
        }
}

void pools_free(struct pools *p) {
        struct pool *pool;
        struct invocation *i;

        if (!p)
                return;
        p->draining = true; /* a caller that is told of the end may not begin anew */
        p->on_drained = NULL;
        while ((pool = list_first(&p->pools, struct pool, link))) {
                pool_pin(pool);
                pool->provisioned = 0;
                while ((i = list_first(&pool->waiting, struct invocation, link))) {
                        pool_forget(i);
                        invocation_refuse(i, REFUSED_SHUTDOWN, "");
                }
                kill_all(&pool->others);
                kill_all(&pool->idle);
                pool_unpin(pool);
        }
        defer_cancel(&p->build);
        defer_cancel(&p->fail);
        defer_cancel(&p->drained);
        free(p->records);
        free(p);
}
