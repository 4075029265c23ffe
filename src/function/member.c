/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member: one environment of a pool, from the maker to its end. Its list is its state: pool->idle (and pools->idle, over
 * all versions) or pool->others. Every change goes through member_enter.
 */
#include "function/pool_private.h"

#include "base/log.h"

/* ---- states ---- */

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

void member_enter(struct member *m, enum member_state state) {
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

/* ---- building ---- */

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

/* ---- ending ---- */

void member_free(struct member *m) {
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

void member_stop(struct member *m) {
        release_builder(m);
        if (m->state == MEMBER_STOPPING)
                return;
        member_unprovision(m);
        member_enter(m, MEMBER_STOPPING);
        m->environment->ops->stop(m->environment);
}

void member_stop_when_idle(struct member *m) {
        m->stop_when_idle = true;
        member_finishing(m, false);
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
                pool_blame(pool, accident, reason);
        pools_serve_waiting(p);
        pool_unpin(pool);
        pools_check_drained(p);
}

/* ---- work ---- */

void member_take(struct member *m, struct invocation *i) {
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

/* ---- beginning ---- */

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
