/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place - where the processes of one environment live, as its supervisor sees it
 *
 * The supervisor (supervisor.h) speaks the Runtime API and knows phases and deadlines; the place knows processes: it
 * starts a generation of them, kills it, freezes it, and tells how they ended. Places: the native sandbox (a cell, see
 * sandbox/native/), PID 1 of a container (init/place.c), the same from the other end of a link (remote_place.c), and fake
 * ones in tests.
 *
 * Order of events the place keeps to: all output of a process before its exit; on_opened before anything else; after
 * place->ops->free no event. A generation is killed whole: on_emptied says that nothing of it is left. The place survives generations
 * (namespaces, /tmp, limits), until it is closed or dies (on_lost).
 */
#pragma once
#include "base/util.h"

struct place;

/* The most that may register, of either kind. */
#define EXTENSIONS_MAX 10

/* A generation's processes have numbers: the runtime's, and from PROCESS_EXTENSION on those of the external
 * extensions. */
enum { PROCESS_RUNTIME, PROCESS_EXTENSION, PROCESS_NUMBERS = PROCESS_EXTENSION + EXTENSIONS_MAX };

struct process_spec {
        unsigned process;
        const char *const *argv; /* NULL-terminated; argv[0] is the path to execute, inside the environment */
        const char *const *envp; /* NULL-terminated "K=V" */
        const char *cwd;
};

/* How a process could not be started: the errno of the exec (ENOENT, EACCES, ENOEXEC…), as a positive number. */
enum place_end { PLACE_EXITED, PLACE_SIGNALED, PLACE_OOM_KILLED, PLACE_EXEC_FAILED };

struct place_events {
        /* The place exists. api_fd: a bound, listening TCP socket for the Runtime API, now the supervisor's; api_address is what
         * AWS_LAMBDA_RUNTIME_API must say. Paths as processes of this place see them (T3 has real ones). */
        void (*on_opened)(struct place *place, int api_fd, const char *api_address);
        /* Output as it comes (stdout and stderr share one pipe), any boundaries. */
        void (*on_output)(struct place *place, const char *data, size_t len);
        /* A process that was started by spawn has ended (or could not be started). detail: exit code, signal number, or errno. */
        void (*on_exit)(struct place *place, unsigned process, enum place_end end, int detail);
        /* Answer to kill: no process of the generation is left. */
        void (*on_emptied)(struct place *place);
        /* The place could not be opened, or broke (its PID 1 was killed from outside). why: a sentence. The last event. */
        void (*on_lost)(struct place *place, const char *why);
};

struct place_ops {
        int (*open)(struct place *place); /* 0 or -errno; on_opened or on_lost follows */
        int (*spawn)(struct place *place,
                     const struct process_spec *spec); /* 0 or -errno; on_exit follows some day */
        /* SIGTERM or SIGKILL to one process and its group; nothing when it has ended. */
        void (*signal)(struct place *place, unsigned process, int signal_number);
        void (*kill)(struct place *place); /* SIGKILL to the whole generation; on_emptied follows */
        void (*drain_output)(
                struct
                place *place); /* reads the pipe to EAGAIN, delivering on_output, unless the loop proves it empty */
        int (*freeze)(struct place *place); /* 0 or -errno (then it simply runs on) */
        void (*thaw)(struct place *place);
        /* Whether this connection to api_fd comes from this place's own processes. */
        bool (*peer_is_ours)(struct place *place, int fd);
        uint64_t (*peak_memory)(
                struct place *place); /* bytes, highest since open; 0 unknown; cheap (a pread) */
        uint64_t (*current_memory)(struct place *place); /* bytes; for ps */
        pid_t (*pid)(struct place *place); /* of the runtime process in the host's numbering; 0 none */
        void (*free)(
                struct
                place *place); /* kills everything, removes everything (what takes time goes on behind), no events */
};

struct place {
        const struct place_ops *ops;
        const struct place_events *events; /* set by the supervisor before open */
        void *owner;                       /* the supervisor */
        bool accident; /* set before on_lost: what broke is not the place's, and another place may do */
        /* Where things are as the processes see them; constant from creation on. */
        const char *task_root;   /* /var/task */
        const char *opt_root;    /* /opt */
        const char *runtime_dir; /* /var/runtime */
        /* Where our Python client finds bytecode; NULL: where it looks anyway. */
        const char *task_bytecode, *opt_bytecode;
};
