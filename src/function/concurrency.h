/* SPDX-License-Identifier: Apache-2.0 */
/*
 * concurrency - how many invocations of a function run at once, and how many may
 *
 * An invocation counts from its admission to its answer. A function with a reservation may have that many and no more;
 * all others of an account and region share what is not set apart: by reservations, and for the provisioned concurrency
 * of functions without one. Counters outlive their function: its versions hold
 * them while invocations run.
 */
#pragma once
#include "base/map.h"

#define ACCOUNT_CONCURRENCY 1000 /* per account and region, as AWS grants it */
#define UNRESERVED_MIN 100       /* so many cannot be reserved */
#define NOT_RESERVED (-1)

/* What the functions of one account and region share. */
struct account_concurrency {
        struct map_node node;
        struct map *map; /* where it is found; NULL once that is gone */
        unsigned refs;
        char *key;      /* "account/region" */
        uint64_t apart; /* set apart, for all functions */
        uint64_t
                running; /* of what is not: functions without a reservation, in no place that is provisioned */
};

struct concurrency {
        unsigned refs;
        struct account_concurrency *account;
        int64_t reserved; /* or NOT_RESERVED */
        uint64_t running;
        /* Of versions that have environments started beforehand: so many places, so many taken. What is left of a
         * reservation is for all versions. */
        uint64_t provisioned, provisioned_running;
};

enum concurrency_outcome {
        CONCURRENCY_RESERVED_SPENT = 1, /* the function's reservation */
        CONCURRENCY_ACCOUNT_SPENT,      /* what is not reserved */
};

/* accounts: where those of one account and region find each other. */
struct concurrency *concurrency_new(struct map *accounts, const char *account, const char *region);
struct concurrency *concurrency_ref(struct concurrency *c);
void concurrency_unref(struct concurrency *c);
/* Before the map ends: who still counts finds it no more. */
void accounts_forget(struct map *accounts);
/* What an account has set apart and not; NULL: it has no functions. */
const struct account_concurrency *accounts_find(const struct map *accounts, const char *account,
                                                const char *region);
/* One more runs: 0, or why not. placed: in a place that is provisioned. */
int concurrency_enter(struct concurrency *c, bool placed);
void concurrency_leave(struct concurrency *c, bool placed);
/* Whether so many could be set apart for it. */
bool concurrency_may_reserve(const struct concurrency *c, int64_t reserved);
/* At once, also for what runs. */
void concurrency_reserve(struct concurrency *c, int64_t reserved);
/* So many places are provisioned, of all its versions. */
void concurrency_provision(struct concurrency *c, uint64_t provisioned);
