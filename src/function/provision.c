/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environments that are started before anybody asks: they neither end when they idle nor make room for others, and
 * who ends is replaced, unless it failed before it did anything.
 */
#include "base/log.h"
#include "function/pool_private.h"

/* Where it is by the time that it has idled. */
static void return_to_idle(struct pools *p, struct member *m) {
        struct member *at;

        list_each(at, &p->idle, idle_link) {
                if (at->idle_since <= m->idle_since) {
                        list_push_back(&at->idle_link, &m->idle_link);
                        return;
                }
        }
        list_push_back(&p->idle, &m->idle_link);
}

void member_unprovision(struct member *m) {
        struct pools *p = m->pool->pools;

        if (!m->provisioned)
                return;
        m->provisioned = false;
        pool_recount(m);
        m->pool->provisioned_members--;
        if (!state_is_resting(m->state))
                return;
        return_to_idle(p, m);
        /* Its idle time may have passed while that meant nothing. */
        if (!timer_is_armed(&m->timer) && p->options.idle_ttl != NSEC_NEVER)
                timer_arm(&m->timer, m->idle_since + p->options.idle_ttl);
}

/* All but `kept`. Those that rest go first: who works has its end before it anyway. */
static void unprovision(struct pool *pool, size_t kept) {
        struct list *const lists[] = { &pool->idle, &pool->others };
        struct member *m;

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
                list_each(m, lists[i], link)
                        if (pool->provisioned_members > kept)
                                member_unprovision(m);
}

void pool_give_up_providing(struct pool *pool, const char *problem) {
        if (pool->provision_problem)
                return;
        pool->provision_problem = xstrdup(problem);
        unprovision(pool, 0);
        log_warn("function=%s version=%s cannot be provisioned: %s", pool->version->name,
                 pool->version->number, problem);
}

/* All that are missing, or none: half of what was asked for would only keep others out. */
static bool is_room(const struct pool *pool) {
        const struct pools *p = pool->pools;

        return p->members + (pool->provisioned - pool->provisioned_members) <= p->options.environments_max;
}

void pool_provide(struct pool *pool) {
        AUTO(str) char *problem = NULL;

        if (pool->provisioned_members >= pool->provisioned || pool->provision_problem ||
            !pool->version->prepared || pool->pools->draining)
                return;
        if (!is_room(pool))
                problem = xasprintf("there is room for %zu environments",
                                    pool->pools->options.environments_max);
        while (!problem && pool->provisioned_members < pool->provisioned)
                if (!member_new(pool, true, &problem) && !problem)
                        problem = xstrdup("no execution environment could be made");
        if (problem)
                pool_give_up_providing(pool, problem);
}

void pools_provision(struct pools *p, struct version *v, size_t wanted) {
        struct pool *pool = wanted ? pool_of(p, v, NULL) : pool_find(v, NULL);

        if (!pool)
                return;
        free(pool->provision_problem);
        pool->provision_problem = NULL;
        pool->provision_accidents = 0;
        pool->provisioned = wanted;
        unprovision(pool, wanted);
        pool_provide(pool);
        pool_release(pool);
        pools_serve_waiting(p);
}

void pools_provisioned(const struct version *v, struct pools_provision *ret_view) {
        const struct pool *pool = pool_find(v, NULL);
        struct member *m;

        *ret_view = (struct pools_provision){};
        if (!pool)
                return;
        ret_view->problem = pool->provision_problem;
        list_each(m, &pool->idle, link) {
                ret_view->allocated += m->provisioned;
                ret_view->available += m->provisioned;
        }
        list_each(m, &pool->others, link)
                ret_view->allocated += m->provisioned && !state_is_beginning(m->state);
}
