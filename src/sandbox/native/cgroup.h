/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup - the control groups of one launcher: a folder of ours per hierarchy, in it one leaf per cell
 *
 * Discovery reads mountinfo and /proc/self/cgroup and takes what it finds: v2 with controllers, v1 ones, or
 * the hybrid (v1 controllers, and a v2 tree that can only freeze). Our folder is made inside the group that
 * we were started in, so limits that somebody set on us hold for the environments too. It is named
 * lambent-<hex> and kept under flock: a folder that can be locked has lost its launcher and is swept by the
 * next one (a pid in the name would lie across containers that share the tree).
 *
 * Moving a process between groups by cgroup.procs waits for an RCU grace period, 5 to 13 ms on a quiet
 * machine (the kernel must keep the thread group from changing). Nobody waits here: v2 leaves are entered by
 * CLONE_INTO_CGROUP, and v1 leaves by a cell that writes "0" to `tasks`: a thread that moves itself needs no
 * such lock (kernel/cgroup/cgroup.c, cgroup_procs_write_start, since Linux 5.5), and a cell has one thread.
 */
#pragma once
#include "base/util.h"

enum cgroup_role { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_UNIFIED, CGROUP_ROLES };

/* One hierarchy that at least one role lives in. */
struct cgroup_tree {
        int base_fd; /* our folder, locked; -1: none */
        bool v2;
        char path[512];  /* of our folder */
        char owner[512]; /* of the folder around it */
};

struct cgroups {
        struct cgroup_tree trees[CGROUP_ROLES];
        size_t tree_count;
        int tree_of[CGROUP_ROLES]; /* index into trees, -1: the role is missing */
        bool moved_self;           /* v2: we sit in <folder>/self */
        bool in_old_self;          /* v2: we were started in the self of a dead launcher */
        char why_not[256];         /* why there is no memory limit; "" when there is one */
};

/* The open files of a leaf; -1 where there is none. */
struct cgroup_leaf {
        int join[CGROUP_ROLES]; /* `tasks` of each tree that must be joined by writing */
        int into;               /* directory for CLONE_INTO_CGROUP */
        int memory_limit, swap_limit, cpu_quota, oom_events, peak, freeze;
        bool v2_memory;
        char memory_path[600];
};

struct cgroup_sources {
        const char *mountinfo, *self_cgroup; /* /proc/self/mountinfo, /proc/self/cgroup; others in tests */
        bool want_cpu;
        bool spare_pids; /* RLIMIT_NPROC does it: then not by v1 as well, where it is a hierarchy more to join
                            and to clean */
        pid_t also_move[2]; /* the daemon, the guard: v2 wants groups with controllers to hold no processes;
                               0: none */
};

void cgroups_init(struct cgroups *cgroups);
/* Finds, sweeps what dead launchers left, makes our folders. Roles that cannot be had are simply missing. */
void cgroups_open(struct cgroups *cgroups, const struct cgroup_sources *sources);
/* Removes our folders; every process of every leaf must be dead. */
void cgroups_close(struct cgroups *cgroups);

int cgroup_leaf_make(struct cgroups *cgroups, size_t slot, struct cgroup_leaf *ret_leaf); /* 0 or -errno */
void cgroup_leaf_close(struct cgroup_leaf *leaf); /* the descriptors */
/* 0, or -EBUSY while a process is still on its way out: ask again. */
int cgroup_leaf_remove(struct cgroups *cgroups, size_t slot);

/* Nobody will be cloned into the leaf: cgroup_leaf_join takes care of v2, too. */
void cgroup_leaf_join_all(struct cgroup_leaf *leaf);
/* Moves the calling process into the leaf (a no-op when it was cloned into it). 0 or -errno. */
int cgroup_leaf_join(const struct cgroup_leaf *leaf);
int cgroup_leaf_limit(const struct cgroup_leaf *leaf, uint64_t memory, uint64_t cpu_thousandths);
/* How often the OOM killer struck in this leaf. */
uint64_t cgroup_leaf_oom_kills(const struct cgroup_leaf *leaf);
