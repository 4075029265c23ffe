/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program - a command that runs beside the loop: what it says, what it is told, and its end
 *
 * Started with an array of words, never by a shell; its environment is ours. It is watched by pidfd and pipes and never waited
 * for, dies with us (PDEATHSIG), and is the head of a process group that goes with it when it is given up. Its end is its own:
 * what it leaves behind with its pipes in hand keeps nobody waiting. Loop thread only.
 */
#pragma once
#include "base/buf.h"
#include "loop/loop.h"

#define PROGRAM_SECRET_FD 3 /* where it finds what belongs on no command line */

struct program;

struct program_ops {
        /* Either may free the program. */
        void (*on_output)(void *owner, bool is_error, const char *data, size_t len);
        /* The last call: its exit status, or 128 + the signal that ended it. */
        void (*on_end)(void *owner, int status);
};

struct program_plan {
        const char *const *argv; /* argv[0] is looked up in PATH; ended by NULL */
        const void *input;       /* all it reads, borrowed until the end; NULL: nothing */
        size_t input_len;
        bool talks;    /* it reads what program_send says, until it is freed */
        int secret_fd; /* becomes PROGRAM_SECRET_FD; 0: none. Ours again after the start. */
};

/* 0 or -errno; a command that cannot be run ends with 127 and says why on its standard error. */
int program_start(struct loop *loop, const struct program_plan *plan, const struct program_ops *ops,
                  void *owner, struct program **ret_program);
/* Copied: 0, -ENOTCONN (it does not talk any more), -E2BIG past 16 MiB that it has not read. */
int program_send(struct program *p, const void *data, size_t len);
/* Ends it, with all that it started and did not let go of. NULL is legal. */
void program_free(struct program *p);
