/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - execution environments per version: admission, cold starts, reuse, eviction
 *
 * An invocation takes the newest idle environment of its version; without one it waits, and a start is begun unless as
 * many starts as waiting invocations are under way. At the limit an idle environment of another version makes room (the
 * one that has idled longest); only when all are busy is the invocation refused. Cold starts run in parallel, but at most
 * pools_options.builders of them build and exec at once: an INIT that computes or waits holds no such slot.
 *
 * Environments of a version that isolates tenants serve one tenant only: each tenant has a pool of its own.
 *
 * An environment that idles is frozen after freeze_after and stopped after idle_ttl. A retired version (updated, deleted)
 * takes no new environments; what runs finishes.
 *
 * The pools know environments only through runtime/environment.h: engine/ (and a simulation) supply the maker.
 */
#pragma once
#include "function/invocation.h"
#include "loop/loop.h"

struct pools;
struct member;

struct invocation_record { /* what GET /_lambent/invocations shows */
        char request_id[UUID_LEN + 1], environment[HEX_ID_LEN + 1];
        char account[16], region[72], function[FUNCTION_NAME_MAX + 1], version[U64_TEXT];
        nsec_t wall; /* arrival */
        nsec_t queue, start, init, invoke, response;
        bool cold;
        enum invocation_outcome outcome;
        uint32_t max_memory_mb;
};

struct pools_ports {
        /* A new environment for v, not started; NULL with a sentence (malloc'ed). *ret_tag comes back in log and unmake. */
        struct environment *(*make)(void *owner, struct version *v, const char *id, bool provisioned,
                                    void **ret_tag, char **ret_problem);
        void (*unmake)(void *owner, void *tag);
        void (*log)(void *owner, void *tag, nsec_t wall, const char *line, size_t len);
        void *owner;
};

struct pools_options {
        size_t environments_max;
        size_t builders;
        nsec_t idle_ttl, freeze_after; /* NSEC_NEVER: never */
};

struct pools *pools_new(struct loop *loop, const struct pools_options *options,
                        const struct pools_ports *ports);
void pools_free(struct pools *p); /* kills everything; waiting invocations are refused */

/* The code of v is there (problem NULL), or will never be: whoever waits for it is served, or hears why. */
void pools_prepared(struct pools *p, struct version *v, const char *problem);
/* No environment of v takes a new invocation; idle ones stop. */
void pools_retire(struct pools *p, struct version *v);
/* So many environments of v are to be there, whether they are needed or not; 0: no more. */
void pools_provision(struct pools *p, struct version *v, size_t wanted);
struct pools_provision {
        size_t allocated, available; /* that are there; that rest */
        const char *problem;         /* why there are none; NULL */
};
void pools_provisioned(const struct version *v, struct pools_provision *ret_view);
/* Stops the environments of a function (name NULL: all; account and region NULL: any). Busy ones finish first, unless now.
 * Returns how many there were. */
size_t pools_evict(struct pools *p, const char *account, const char *region, const char *name, const char *id,
                   bool now);
/* Refuses from now on; on_drained (once, from the loop) when nothing is under way and no environment with
 * extensions is left. */
void pools_drain(struct pools *p, void (*on_drained)(void *owner), void *owner);

/* Looking. */
enum member_state {
        MEMBER_QUEUED,
        MEMBER_STARTING,
        MEMBER_IDLE,
        MEMBER_FROZEN,
        MEMBER_BUSY,
        MEMBER_STOPPING
};
const char *member_state_name(enum member_state state);

struct member_view {
        const char *id;
        const struct version *version;
        const char *tenant; /* whose it is; NULL: nobody's in particular */
        enum member_state state;
        nsec_t age, idle; /* idle: 0 unless idle or frozen */
        uint64_t invocations;
        struct environment_stats stats;
};

void pools_each(struct pools *p, bool with_stats, void (*fn)(void *ctx, const struct member_view *view),
                void *ctx);

struct pools_totals {
        size_t environments, idle, busy, starting, waiting;
        uint64_t invocations, errors, throttles, cold_starts;
};
void pools_totals(const struct pools *p, struct pools_totals *ret_totals);
/* Newest first; n = 0 is the newest. NULL past the end. */
const struct invocation_record *pools_record(const struct pools *p, size_t n);
