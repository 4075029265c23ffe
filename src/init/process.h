/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - the processes below PID 1 of a container: started, counted, signalled, reaped
 *
 * As PID 1 everything in the pid namespace is ours, and an orphan becomes our child. Started otherwise (behind
 * another init, in a shared pid namespace) we are a subreaper, so the same holds for our descendants, one
 * generation at a time. SIGCHLD is taken from the whole process: there is one family in it. A process started by family_spawn has a number of its owner's choice and is told of when it
 * ends; the rest is only reaped.
 */
#pragma once
#include <sys/resource.h>
#include <sys/types.h>

#include "loop/loop.h"
#include "runtime/place.h"

#define FAMILY_PROCESSES 16
#define CHILDREN_MAX 4096 /* that are signalled at once where we are not PID 1 */

struct family;

struct family_events {
        void (*on_exit)(struct family *family, unsigned number, int status); /* as waitpid tells it */
        void (*on_emptied)(struct family *family);                           /* after family_kill */
};

struct family_process {
        pid_t pid; /* 0: free */
        unsigned number;
};

struct family {
        const struct family_events *events;
        struct family_process processes[FAMILY_PROCESSES];
        int null_fd, output_fd; /* what processes have as stdin, and as stdout and stderr */
        bool change_ids;        /* we are root and they shall not be */
        uid_t uid;
        gid_t gid;
        rlim_t core_limit; /* bytes */
        bool killing;
        struct defer look;
        struct loop *loop;
        int signal_fd; /* SIGCHLD */
        struct source signals;
};

int family_init(struct family *family, struct loop *loop,
                const struct family_events *events); /* 0 or -errno */
void family_deinit(struct family *family);
/* 0 or -errno, that of the exec included. argv[0] without a slash is looked up in the PATH of envp. */
int family_spawn(struct family *family, unsigned number, const struct process_spec *spec);
/* SIGKILL to all; on_emptied follows when none is left. */
void family_kill(struct family *family);
void family_stop(struct family *family, bool stop); /* SIGSTOP, SIGCONT */
/* Our children, orphans of theirs among them; at most `most`. How many. */
size_t own_children(pid_t *ret_pids, size_t most);
/* To one process and its group; nothing when it has ended. */
void family_signal(const struct family *family, unsigned number, int signal_number);
pid_t family_pid(const struct family *family, unsigned number);
