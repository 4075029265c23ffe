/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pools of all versions: they come and go with what they hold, and everything in them is counted here. A pool exists
 * while it has members or waiting invocations. Who waits and who is started: admission.c; what a member lives through:
 * member.c.
 */
#include "function/pool_private.h"

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

void pool_pin(struct pool *pool) {
        ++pool->pins;
}

void pool_unpin(struct pool *pool) {
        --pool->pins;
        pool_release(pool);
}

/* ---- counting ---- */

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

void pool_count_waiting(struct pool *pool, int waiting) {
        pool_count_all(pool, 0, 0, waiting);
}

void pool_count_coming(struct member *m, int coming) {
        pool_count_all(m->pool, coming, m->provisioned ? coming : 0, 0);
}

void pool_recount(struct member *m) {
        if (state_is_beginning(m->state) || m->finishing)
                pool_count_all(m->pool, 0, m->provisioned ? 1 : -1, 0);
}

void pool_set_awaits_code(struct pool *pool, bool awaits_code) {
        pool->pools->wanted -= pool_lack(pool);
        pool->awaits_code = awaits_code;
        pool->pools->wanted += pool_lack(pool);
}

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
