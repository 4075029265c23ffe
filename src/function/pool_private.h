/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the pools and of invocations share; nobody else includes it. */
#pragma once
#include "function/pool.h"

#define RECORDS_MAX 1024

/*
 * Between its answer and its runtime's next poll an environment is busy, usually for some ten microseconds. A caller's next
 * invocation that comes in between waits this long for it before another one is started.
 */
#define FINISH_GRACE (5 * MILLISECOND)

struct pools {
        struct loop *loop;
        struct pools_options options;
        struct pools_ports ports;
        struct list pools;    /* of struct pool, all */
        struct list idle;     /* of struct member, the newest first, over all pools */
        struct list to_build; /* of struct member that wait for a builder's slot */
        struct defer build;   /* starts them, from the loop */
        struct defer fail;    /* tells waiters that no environment could be made */
        size_t members, building, coming, stopping, busy, waiting;
        size_t under_way;       /* delivered, and not idle again */
        size_t wanted, surplus; /* over all pools: waiters without a start, starts without a waiter */
        struct pools_totals totals;
        struct invocation_record *records; /* a ring */
        size_t record_room, record_count, record_next;
        bool draining;
        void (*on_drained)(void *owner);
        void *drained_owner;
        struct defer drained;
};

struct pool {
        struct pools *pools;
        struct version *version; /* a reference */
        char *tenant;            /* whose environments these are, and nobody else's; NULL: the version's */
        struct pool *sibling;    /* of the version, another tenant's; NULL */
        struct list link;
        struct list idle;                        /* the newest first; frozen ones too */
        struct list others;                      /* starting, busy, stopping */
        struct list waiting;                     /* of struct invocation, the oldest first */
        size_t provisioned, provisioned_members; /* that are wanted and that there are, see provision.c */
        size_t provisioned_coming;               /* of `coming` */
        size_t provision_accidents;              /* since they were wanted */
        char *provision_problem;                 /* why there are none; NULL */
        size_t coming; /* members that start, or have answered and are about to be idle */
        size_t waiting_count;
        unsigned pins;
        char *problem; /* why the last environment could not be made, until a waiter was told */
        bool retired;
        bool awaits_code; /* its waiters need no environment yet */
};

struct member {
        struct environment *environment;
        struct pool *pool;
        struct invocation *invocation; /* while BUSY, until idle */
        struct list link, idle_link, build_link;
        struct timer timer; /* freeze, then the end of the idle time */
        enum member_state state;
        nsec_t born, idle_since;
        nsec_t start, init;
        uint64_t invocations;
        void *tag;
        bool provisioned;                     /* stays, whether it is needed or not */
        bool finishing;                       /* BUSY, has answered, will ask for more within FINISH_GRACE */
        bool building, stop_when_idle, fresh; /* fresh: has served nothing yet */
};

enum invocation_state { INVOCATION_WAITING, INVOCATION_DELIVERED, INVOCATION_ANSWERED };

struct invocation {
        struct pools *pools;
        struct pool *pool;
        struct member *member;
        struct list link; /* pool->waiting */
        enum invocation_state state;
        const struct invocation_events *events;
        void *owner;
        struct version *counted; /* where it counts, until it has left */
        bool placed;             /* in one of the version's provisioned environments */
        bool tried_again;        /* an environment that was started for it has ended by accident */
        bool abandoned, stream, want_tail;
        char request_id[UUID_LEN + 1];
        char *arn, *trace_id, *client_context, *cognito_identity, *tenant_id;
        struct buf payload;
        struct iovec
                event; /* the payload as it is delivered; borrowed by the environment until it has answered */
        nsec_t arrived, wall, delivered, first_byte, answered;
        struct invocation_record record;
        /* With want_tail: the answer until REPORT is there. */
        struct invocation_answer held;
        struct buf held_payload;
        char *held_content_type, *held_error_type;
};

static inline bool state_is_resting(enum member_state state) {
        return state == MEMBER_IDLE || state == MEMBER_FROZEN;
}

static inline bool state_is_beginning(enum member_state state) {
        return state == MEMBER_QUEUED || state == MEMBER_STARTING;
}

/* provision.c */
/* Starts what is provisioned and not there. */
void pool_provide(struct pool *pool);
/* It is one of the others from now on. */
void member_unprovision(struct member *m);
/* Why the function cannot be provided for. */
void pool_give_up_providing(struct pool *pool, const char *problem);

/* pool.c */
/* tenant NULL: of a version that does not isolate tenants. pool_find answers NULL when there is none. */
struct pool *pool_find(const struct version *v, const char *tenant);
struct pool *pool_of(struct pools *p, struct version *v, const char *tenant);
void pool_release(struct pool *pool); /* frees it when nothing holds it */
/* While a caller is told something, it may do anything: its pool stays until it is unpinned. */
void pool_pin(struct pool *pool);
void pool_unpin(struct pool *pool);
/* So many more wait (or fewer). */
void pool_count_waiting(struct pool *pool, int waiting);
/* So many more starts, or what counts like one. */
void pool_count_coming(struct member *m, int coming);
/* Whether it is provisioned has changed. */
void pool_recount(struct member *m);
void pool_set_awaits_code(struct pool *pool, bool awaits_code);
void pools_check_drained(struct pools *p);

/* admission.c */
/* Finds the invocation an environment, or queues it. A refusal, or 0. */
int pool_admit(struct pool *pool, struct invocation *i);
/* Queues it for a version that has served before and whose code is being made ready again (after a restart). */
void pool_await_code(struct pool *pool, struct invocation *i);
void pool_forget(struct invocation *i);   /* it waits no more */
void pool_withdraw(struct invocation *i); /* the same, and nobody will answer it */
/* Starts what is waited for: 0, or REFUSED_THROTTLED when one that waits can never be served. */
int pool_start_more(struct pool *pool);
/* A start has been lost that a waiter relied on: he hears why, unless it was an accident. */
void pool_blame(struct pool *pool, bool accident, const char *why);
/* It is free: for the oldest that waits, else it idles, or ends. */
void member_rest(struct member *m);
/* Room has come free: whoever waits at the limit may start now. */
void pools_serve_waiting(struct pools *p);

/* member.c */
/* Asks the maker for one more environment; it starts from the loop, when a builder is free. NULL with a sentence. */
struct member *member_new(struct pool *pool, bool provisioned, char **ret_problem);
/* The one way from state to state. */
void member_enter(struct member *m, enum member_state state);
void member_take(struct member *m, struct invocation *i); /* it is idle, and the invocation's from now on */
void member_stop(struct member *m);
void member_stop_when_idle(struct member *m);
void member_free(struct member *m);

/* pool_view.c */
void pools_record_add(struct pools *p, const struct invocation_record *record);

/* invocation.c */
void invocation_deliver(struct invocation *i, struct member *m);
void invocation_on_head(struct invocation *i, const char *content_type);
void invocation_on_chunk(struct invocation *i, const char *data, size_t len);
void invocation_on_answered(struct invocation *i, struct invocation_answer *answer);
void invocation_on_idle(struct invocation *i, const struct invocation_report *report); /* frees it */
void invocation_refuse(struct invocation *i, enum refusal why, const char *detail);    /* frees it */
void invocation_fail(struct invocation *i, const char *why);                           /* frees it */
