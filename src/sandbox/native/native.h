/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native - the embedded sandbox: environments made of Linux namespaces, nothing to install
 *
 * One struct native per daemon: it starts the launcher and its guard (small static single-threaded processes
 * that alone keep privileges when the caller gives up its own between native_begin and native_finish), probes by one whole start which tier holds (T1 root namespaces, T2 user namespace, T3
 * plain processes) and why not a better one, keeps a few cells prepared, and makes places (runtime/place.h),
 * one per environment. Everything dies with the daemon, whatever kills it. Loop thread only.
 */
#pragma once
#include "loop/loop.h"
#include "runtime/place.h"

enum native_tier { NATIVE_T1 = 1, NATIVE_T2 = 2, NATIVE_T3 = 3 };
const char *native_tier_name(enum native_tier tier);

struct native_options {
        const char *launcher_path;  /* the lambent-launcher executable */
        enum native_tier best_tier; /* T1: take the best that holds; T3 forces plain processes (tests,
                                       --sandbox-tier) */
        bool private_network;       /* an own loopback per environment */
        bool cpu_share;             /* CPU quota by memory as on AWS */
        bool limit_memory;          /* default true */
        const char *state_dir;      /* inside the data dir: for skeleton roots, T3 tmp dirs; ours alone. Each
                                       tier has a folder of its own in it, owned by who starts the launcher */
        const char *hidden_dir;     /* the data dir: must not be visible inside */
        uint32_t fail_step;         /* tests: the n-th step of building any environment fails; 0: none */
        size_t spare_cells;         /* cells kept prepared */
};

struct native;
/* Starts the launcher of the best tier and leaves it to itself, so that the caller can do something else before
 * native_finish, stopping to be root included; free it in either case. Launchers of lower tiers are started as who
 * calls native_finish. 0 or -errno with a sentence in *ret_problem (malloc'ed). */
int native_begin(struct loop *loop, const struct native_options *options, struct native **ret_native,
                 char **ret_problem);
/* Blocks for the probe (tens of ms at most). */
int native_finish(struct native *native, char **ret_problem);
/* Both. */
int native_new(struct loop *loop, const struct native_options *options, struct native **ret_native,
               char **ret_problem);
void native_free(struct native *native); /* kills every place still there */
DEFINE_FREEP(native)

struct native_report { /* for doctor */
        enum native_tier tier;
        const char *why_not_better; /* sentence with the exact remedy; "" at T1 */
        const char *memory_limit;   /* "cgroup v1", "cgroup v2", "RLIMIT_DATA and watchdog", "none" */
        const char *process_limit;  /* "pids cgroup", "RLIMIT_NPROC", "none" */
        const char *freezer;        /* "cgroup v2", "SIGSTOP", "none" */
        const char *network;        /* "host", "private" */
        bool seccomp, landlock;
        size_t environments_max; /* by descriptors, pids… */
};
const struct native_report *native_report(const struct native *native);

struct native_place_spec {
        char id[33];          /* environment id */
        const char *task_dir; /* host path of the unpacked code, read-only at /var/task */
        const char *opt_dir;  /* host path of merged layers, read-only at /opt; NULL: empty */
        const char *
                task_bytecode; /* host path of what belongs to task_dir at /var/lang/bytecode/task; NULL: empty */
        const char *opt_bytecode; /* and to opt_dir, at /var/lang/bytecode/opt */
        const char *runtime_dir;  /* host path bound at /var/runtime (our runtime clients); NULL: empty */
        const char *lang_dir;     /* host prefix of an interpreter outside /usr to be visible at the same path
                                    (e.g. ~/.pyenv/versions/3.11.7); NULL */
        int lang_fd; /* of lang_dir, where its path is closed to us; borrowed from who outlives the place. 0:
                                    the path will do */
        uint32_t memory_mb, tmp_mb;
        uint64_t timeout_ms;
};
/* Copies the spec. The place is not open yet. */
struct place *native_place_new(struct native *native, const struct native_place_spec *spec);
