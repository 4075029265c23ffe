/* SPDX-License-Identifier: Apache-2.0 */
/* The books of the pools, counted again from the lists, and what must hold between any two events. */
#include "sim.h"

struct count {
        size_t members, starting, stopping, busy, resting, building, under_way, waiting, wanted, surplus;
        bool problem;
};

static void check_resting(struct sim *s, const struct member *m) {
        const struct pools_options *o = &s->pools->options;
        nsec_t idle = loop_now(s->loop) - m->idle_since;
        const struct fake *f = container_of(m->environment, struct fake, base);

        sim_claim(s, !m->invocation && !m->building && !f->under_way);
        sim_claim(s, !m->pool->waiting_count && !m->pool->retired && !m->stop_when_idle);
        /* Who was provisioned may be past its time, and ends with the next turn. */
        sim_claim(s, m->provisioned || idle < o->idle_ttl ||
                             (timer_is_armed(&m->timer) && loop_next_due(s->loop) <= loop_now(s->loop)));
        sim_claim(s,
                  (m->state == MEMBER_FROZEN) == (idle >= o->freeze_after && o->freeze_after < o->idle_ttl));
        sim_claim(s, f->state == (m->state == MEMBER_FROZEN ? FAKE_FROZEN : FAKE_IDLE));
}

static void count_member(struct sim *s, const struct member *m, struct count *n) {
        const struct fake *f = container_of(m->environment, struct fake, base);

        ++n->members;
        n->building += m->building;
        n->under_way += m->invocation != NULL;
        sim_claim(s, (m->invocation != NULL) == f->under_way);
        sim_claim(s, f->version == m->pool->version);
        switch (m->state) {
        case MEMBER_QUEUED:
        case MEMBER_STARTING:
                ++n->starting;
                sim_claim(s, !m->invocation && list_is_linked(&m->build_link) == (m->state == MEMBER_QUEUED));
                break;
        case MEMBER_IDLE:
        case MEMBER_FROZEN:
                n->resting += !m->provisioned; /* who is provisioned makes room for nobody */
                check_resting(s, m);
                break;
        case MEMBER_BUSY:
                ++n->busy;
                sim_claim(s, m->invocation && !m->building);
                /* About to be idle: counts like a start, as long as the grace lasts. */
                n->starting += m->finishing;
                sim_claim(s, !m->finishing || (m->invocation->state == INVOCATION_ANSWERED &&
                                               !m->stop_when_idle && timer_is_armed(&m->timer)));
                break;
        case MEMBER_STOPPING:
                ++n->stopping;
                sim_claim(s, f->state == FAKE_STOPPING && !m->building);
                break;
        }
}

/* The newest idle first: of a pool, and over all. */
static void check_order(struct sim *s) {
        const struct pool *pool;
        const struct member *m;
        nsec_t last = NSEC_NEVER;

        list_each(m, &s->pools->idle, idle_link) {
                sim_claim(s, m->idle_since <= last);
                last = m->idle_since;
        }
        list_each(pool, &s->pools->pools, link) {
                last = NSEC_NEVER;
                list_each(m, &pool->idle, link) {
                        sim_claim(s, m->idle_since <= last);
                        last = m->idle_since;
                }
        }
}

/* Of those that are to come, the ones that will stay. */
static size_t count_kept(const struct pool *pool) {
        const struct member *m;
        size_t kept = 0;

        list_each(m, &pool->others, link)
                kept += m->provisioned && (state_is_beginning(m->state) || m->finishing);
        return kept;
}

/* Once, and no other is its tenant's. */
static bool is_among_its_version_s(const struct pool *pool) {
        unsigned found = 0;

        for (const struct pool *at = pool->version->pool; at; at = at->sibling) {
                if (at->version != pool->version)
                        return false;
                found += pool->tenant ? at->tenant && streq(at->tenant, pool->tenant) : !at->tenant;
        }
        return found == 1;
}

static void count_pool(struct sim *s, const struct pool *pool, struct count *n) {
        const struct invocation *i;
        const struct member *m;
        size_t starting = n->starting, waiting = 0, kept;

        list_each(m, &pool->idle, link)
                count_member(s, m, n);
        list_each(m, &pool->others, link)
                count_member(s, m, n);
        list_each(i, &pool->waiting, link) {
                sim_claim(s, i->pool == pool && i->state == INVOCATION_WAITING && !i->abandoned);
                ++waiting;
        }
        starting = n->starting - starting;
        sim_claim(s, pool->coming == starting && pool->waiting_count == waiting && !pool->pins);
        sim_claim(s, is_among_its_version_s(pool));
        /* A pool that holds nothing is not there (unless it has yet to say why it could hold nothing). */
        sim_claim(s, pool->problem || pool->provisioned || waiting || !list_is_empty(&pool->idle) ||
                             !list_is_empty(&pool->others));
        n->waiting += waiting;
        /* Who waits for code does not need an environment yet. */
        sim_claim(s, !pool->awaits_code || !pool->version->prepared);
        n->wanted += waiting > starting && !pool->awaits_code ? waiting - starting : 0;
        kept = count_kept(pool);
        n->surplus += starting - kept > waiting ? starting - kept - waiting : 0;
        n->problem = n->problem || pool->problem;
}

static size_t outstanding(const struct sim *s) {
        const struct caller *c;
        size_t count = 0;

        list_each(c, &s->callers, link)
                count += c->invocation != NULL;
        return count;
}

void sim_check(struct sim *s) {
        const struct pools *p = s->pools;
        const struct pool *pool;
        struct count n = {};

        list_each(pool, &p->pools, link)
                count_pool(s, pool, &n);
        check_order(s);
        sim_claim(s, n.members == p->members && s->made == s->unmade + n.members);
        sim_claim(s, n.members <= p->options.environments_max);
        sim_claim(s, n.starting == p->coming && n.stopping == p->stopping && n.busy == p->busy);
        sim_claim(s, n.waiting == p->waiting && n.wanted == p->wanted && n.surplus == p->surplus);
        sim_claim(s, n.building == p->building && n.building <= p->options.builders);
        sim_claim(s, n.under_way == p->under_way);
        sim_claim(s, outstanding(s) <= n.waiting + n.under_way);
        /* No builder rests while a member waits for one. */
        sim_claim(s, list_is_empty(&p->to_build) || n.building == p->options.builders ||
                             list_is_linked(&p->build.link));
        /* Who waits without a start waits for room, or is about to hear why there is none. */
        sim_claim(s, !n.wanted || n.members == p->options.environments_max || n.problem);
        /* And nobody idles while more wait for room than room is coming. */
        sim_claim(s, n.wanted <= n.stopping || !n.resting || n.problem);
        sim_claim(s, !n.problem || list_is_linked(&p->fail.link));
}
