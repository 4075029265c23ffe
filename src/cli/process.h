/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - starting other programs from a command: helpers that report, a daemon of our own, the user's
 * command
 *
 * Children that are ours die with us (PDEATHSIG). Waiting is by pidfd.
 */
#pragma once
#include <sys/types.h>

#include "cli/option.h"

struct child {
        pid_t pid;
        int pidfd;
};

#define CHILD_NULL ((struct child){ .pidfd = -1 })

/* How a child is started; zeroed means: our descriptors 0 to 2, our environment, our process group, and
 * nobody's fate. */
struct child_plan {
        const char *const *argv; /* argv[0] is looked up in PATH when it has no slash */
        const int *descriptors;  /* what becomes 0, 1, 2, 3…; -1 leaves it closed; NULL: inherit 0 to 2 */
        size_t descriptor_count;
        int death_signal; /* sent to it when we end; 0 none */
        bool own_group;   /* a Ctrl-C at the terminal does not reach it */
        bool clear_mask;  /* it gets the signals that we block */
};

/* 0, or -errno; an exec that fails says so here (-ENOENT…). */
int child_start(struct child *child, const struct child_plan *plan);
/* Exit code, or 128 + signal as shells say it. Blocks. */
int child_wait(struct child *child);
/* Waits at most that long. True when it has ended (then child_wait does not block). */
bool child_has_ended(const struct child *child, nsec_t most);
void child_signal(const struct child *child, int signal);
void child_release(struct child *child);

/* Runs a helper of helper.h's kind: source on 0, target on 3, one report of exactly `size` bytes on 1. 0 or
 * -errno. */
int process_ask(const char *const *argv, int source, int target, void *ret_report, size_t size);
/* Empties and removes a folder that is ours. 0 or -errno (of the first thing that would not go). */
int folder_remove(const char *path);
