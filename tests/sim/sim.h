/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim - the pools over environments that are made of nothing but a plan, on a clock that the test turns
 *
 * A test scripts what the next environments do (struct plan), acts as callers (sim_invoke, sim_abandon…) and
 * lets time pass (sim_pass). After every action sim_check proves the pools' books: see check.c for the list
 * of claims. The fake environments prove the other side of runtime/environment.h: no call in a state that
 * does not allow it.
 *
 * A random run draws all plans and actions from one seed; when anything fails the seed is printed, and
 * SIM_SEED=<n> repeats that run alone.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "function/pool_private.h"

#define NEVER NSEC_NEVER

/* What one environment does. Times run from the event before. */
struct plan {
        int start_error;                     /* start() answers -errno */
        nsec_t started, ready, answer, idle; /* idle: from the answer to the next poll */
        nsec_t stop;
        nsec_t doom; /* gone by itself, so long after start(); NEVER */
        bool init_fails, never_started;
        bool accident;       /* gone before it was ready: by accident */
        bool has_extensions; /* from started on */
        unsigned chunks;     /* of a streamed answer */
        enum invocation_outcome outcome;
};
#define PLAN \
        ((struct plan){ .started = MILLISECOND, \
                        .ready = 9 * MILLISECOND, \
                        .answer = 5 * MILLISECOND, \
                        .doom = NEVER })

enum fake_state {
        FAKE_NEW,
        FAKE_STARTING,
        FAKE_STARTED,
        FAKE_IDLE,
        FAKE_FROZEN,
        FAKE_BUSY,
        FAKE_ANSWERED,
        FAKE_STOPPING,
        FAKE_GONE
};

struct fake {
        struct environment base;
        struct sim *sim;
        struct version *version;
        struct plan plan;
        struct list link;
        struct timer timer, doom;
        enum fake_state state, before_stop;
        unsigned chunks_left;
        uint64_t credit, number; /* number: the how-manieth that was made */
        uint64_t served;
        char tenant[8]; /* of the first it served; "" */
        char request_id[UUID_LEN + 1];
        char why[32]; /* dies with the environment, as a driver's may */
        bool stream, begun, answered, under_way, has_tenant;
};

struct caller {
        struct sim *sim;
        struct list link;
        struct invocation *invocation; /* NULL once it has ended */
        struct version *version;
        char request_id[UUID_LEN + 1];
        unsigned answered, refused, heads;
        size_t bytes;
        enum refusal refusal;
        enum invocation_outcome outcome;
        bool abandoned, stream, want_tail, in_call;
        void (*then)(struct caller *c); /* what it does when it was answered */
};

struct sim {
        struct loop *loop;
        struct pools *pools;
        struct list fakes, callers;
        struct plan plan;                                        /* of the next environments */
        void (*plan_next)(struct sim *s, struct plan *ret_plan); /* instead */
        uint64_t made, unmade, freed, starts, stops, calls;
        uint64_t fail_make_at, fail_start_at; /* the n-th call fails; 0: none */
        uint64_t random, seed;
        uint64_t drained;
        bool closing;
};

void sim_open(struct sim *s, const struct pools_options *options);
/* Lets everything end, proves that everything ended, frees it. */
void sim_close(struct sim *s);

struct version *sim_version(const char *name); /* the caller holds a reference */
struct caller *sim_invoke(struct sim *s, struct version *v);
/* Of a version that isolates tenants for one that is drawn. */
struct caller *sim_call(struct sim *s, struct version *v, bool stream, bool want_tail);
struct caller *sim_call_for(struct sim *s, struct version *v, const char *tenant, bool stream,
                            bool want_tail);
void sim_abandon(struct caller *c);
void sim_pass(struct sim *s, nsec_t time); /* and check */
void sim_check(struct sim *s);
size_t sim_live(const struct sim *s);
struct fake *sim_newest(const struct sim *s);                /* the last one made that still lives */
struct fake *sim_fake(const struct sim *s, uint64_t number); /* from 1; NULL when it is gone */
void fake_perish(struct fake *f);                            /* gone, now */

/* Draws evenly from [0, below). */
uint64_t sim_draw(struct sim *s, uint64_t below);
void sim_claim_failed(const struct sim *s, const char *claim, const char *file, int line);
#define sim_claim(s, claim) ((claim) ? (void)0 : sim_claim_failed((s), #claim, __FILE__, __LINE__))

void fake_new(struct sim *s, struct version *v, const char *id, struct fake **ret_fake);
