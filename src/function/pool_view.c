/* SPDX-License-Identifier: Apache-2.0 */
/* What the pools show of themselves: members, totals, and the ring of records of past invocations. */
#include "function/pool_private.h"

const char *member_state_name(enum member_state state) {
        static const char *const names[] = {
                [MEMBER_QUEUED] = "starting", [MEMBER_STARTING] = "starting", [MEMBER_IDLE] = "idle",
                [MEMBER_FROZEN] = "frozen",   [MEMBER_BUSY] = "busy",         [MEMBER_STOPPING] = "stopping",
        };

        return names[state];
}

static void view_members(struct pool *pool, struct list *members, bool with_stats,
                         void (*fn)(void *ctx, const struct member_view *view), void *ctx) {
        nsec_t now = loop_now(pool->pools->loop);
        struct member *m;

        list_each(m, members, link) {
                struct member_view view = {
                        .id = m->environment->id,
                        .version = pool->version,
                        .tenant = pool->tenant,
                        .state = m->state,
                        .age = now - m->born,
                        .idle = state_is_resting(m->state) ? now - m->idle_since : 0,
                        .invocations = m->invocations,
                };

                if (with_stats)
                        m->environment->ops->stats(m->environment, &view.stats);
                fn(ctx, &view);
        }
}

void pools_each(struct pools *p, bool with_stats, void (*fn)(void *ctx, const struct member_view *view),
                void *ctx) {
        struct pool *pool;

        list_each(pool, &p->pools, link) {
                view_members(pool, &pool->others, with_stats, fn, ctx);
                view_members(pool, &pool->idle, with_stats, fn, ctx);
        }
}

static void count_one(void *ctx, const struct member_view *view) {
        struct pools_totals *totals = ctx;

        ++totals->environments;
        totals->idle += (size_t)state_is_resting(view->state);
        totals->busy += (size_t)(view->state == MEMBER_BUSY);
        totals->starting += (size_t)state_is_beginning(view->state);
}

void pools_totals(const struct pools *p, struct pools_totals *ret_totals) {
        *ret_totals = p->totals;
        ret_totals->waiting = p->waiting;
        pools_each((struct pools *)p, false, count_one, ret_totals);
}

void pools_record_add(struct pools *p, const struct invocation_record *record) {
        struct invocation_record *slot;

        if (p->record_count == p->record_room && p->record_room < RECORDS_MAX) {
                p->record_room = MIN(MAX(p->record_room * 2, (size_t)32), (size_t)RECORDS_MAX);
                p->records = xrealloc(p->records, p->record_room * sizeof(*p->records));
        }
        slot = p->record_count < p->record_room ? &p->records[p->record_count++]
                                                : &p->records[p->record_next];
        *slot = *record;
        p->record_next = ((size_t)(slot - p->records) + 1) % RECORDS_MAX;
}

const struct invocation_record *pools_record(const struct pools *p, size_t n) {
        if (n >= p->record_count)
                return NULL;
        return &p->records[(p->record_next + RECORDS_MAX - 1 - n) % RECORDS_MAX];
}
