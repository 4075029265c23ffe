/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher - what the files of lambent-launcher share
 *
 * The program runs as two processes, the only ones that keep privileges when the daemon gives up its own. The
 * guard (guard.c) forks the launcher, and another one when that has been killed and the daemon, which could
 * not start it any more, asks for it. The launcher makes a mount namespace with the skeleton root in it
 * (skeleton.c), then clones one cell per environment (cell.c), which copies that namespace and never executes
 * anything itself: it stays as PID 1 and vforks the processes of the function (process.c).
 *
 * Who dies of what: the daemon's death closes the control socket (the launcher kills the cells, removes
 * cgroups and folders, ends), the guard's socket (it waits for the launcher and ends) and each cell's own
 * socket (the cell ends); the guard's death ends the pipe that it holds, and the launcher ends in the same
 * orderly way; the launcher's death reaches a cell as SIGKILL (PDEATHSIG) and, against the race before that is
 * set, as the end of the life-line pipe; PID 1's death ends its pid namespace. Without namespaces (T3) the
 * cell and the launcher are subreapers and kill the trees themselves, and the life-line alone tells the cell.
 * The guard is a subreaper in any tier: who survives the launcher falls to it and is killed.
 *
 * The working directory is the state directory, ours alone, as the daemon has opened it; later it is the
 * skeleton root inside of that. No path of the daemon's is ever followed to it.
 */
#pragma once
#include <signal.h>
#include <sys/types.h>

#include "runtime/place.h"
#include "sandbox/native/cgroup.h"
#include "sandbox/native/uids.h"
#include "sandbox/native/wire.h"

/* As AWS names and numbers the user inside (docs/aws.md, processes). */
#define SANDBOX_USER "sbx_user1051"
#define SANDBOX_UID 993
#define SANDBOX_GID 990

#define SLOTS_MAX UID_BLOCK

/* Inside the state directory: what the skeleton root and the files that differ between cells are mounted on. */
#define SKELETON_DIR "root"
#define SLOTS_DIR "slots"

struct slot {
        pid_t pid;     /* of the cell; 0: free */
        bool leaf;     /* its cgroup leaf exists */
        bool leftover; /* dead, but the leaf or folder could not be removed yet */
};

struct launcher {
        int control; /* to the daemon */
        int guard;   /* ends with the guard */
        pid_t daemon;
        int life[2]; /* the life-line: cells hold the read end, only the launcher the write end */
        int uid_lock;
        int resolver_watch; /* inotify; -1 */
        int tier;           /* 1, 2, 3 */
        uint32_t flags;     /* WIRE_… */
        uid_t uid_base;     /* T1 */
        uid_t caller_uid;
        gid_t caller_gid;
        uint32_t fail_step;  /* tests: this step of every cell fails; 0: none */
        char state_dir[512]; /* absolute, for T3's temporary directories */
        struct cgroups cgroups;
        struct slot *slots;
        size_t slot_count;
};

/* A process started by SPAWN. */
struct process {
        pid_t pid; /* 0: none */
};

/* PID 1 of one environment. */
struct cell {
        const struct launcher *launcher;
        size_t slot;
        int daemon, life;
        int api_fd, output_read, output_write, null_fd;
        uint16_t port;
        uid_t uid; /* of the function's processes, as the cell sees it */
        gid_t gid;
        struct cgroup_leaf leaf;
        struct process processes[PROCESS_NUMBERS]; /* by number (runtime/place.h) */
        uint64_t memory;                           /* limit in bytes, for the watchdog; 0: none */
        uint64_t oom_kills;                        /* seen so far */
        bool watchdog;                             /* limit by watching, because there is no cgroup */
        bool stopped;                              /* the generation is frozen by SIGSTOP */
        pid_t watchdog_kill;                       /* the process that the watchdog has killed */
        char tmp_dir[560];                         /* T3 */
        const char *failed_step;
        uint32_t steps; /* taken */
};

/* launcher.c: makes cells until the control socket or the guard ends. */
_Noreturn void launcher_main(struct launcher *launcher);
void remove_tree(const char *path);

/* skeleton.c */
extern const char *const etc_shown[]; /* what the inside may read of the host's /etc; ends with NULL */
int skeleton_make(struct launcher *launcher,
                  const char **ret_step); /* working directory = the skeleton afterwards */
void skeleton_leave(void);                /* when all cells are dead: nothing of it stays on the disk */
void skeleton_refresh_resolver(struct launcher *launcher);
int skeleton_slot_files(struct launcher *launcher, size_t slot);
int bind_tree(const char *source, const char *target, uint64_t attributes); /* recursive, private */
int write_file(const char *path, const char *text);

/* cell.c: never returns. */
_Noreturn void cell_main(struct cell *cell);
/* Passes r on; remembers which step it was that failed, for the sentence that the daemon gets. */
int cell_step(struct cell *cell, const char *what, int r);
/* root.c */
int root_prepare(struct cell *cell);
int root_open(struct cell *cell, const struct wire_in *in);

/* process.c */
int process_spawn(struct cell *cell, const struct wire_in *in);       /* the errno of exec as -errno */
void process_signal(struct cell *cell, uint32_t process, int number); /* to its group */
void process_reap(struct cell *cell);
void process_kill_all(struct cell *cell);
void process_stop_all(struct cell *cell, bool stop);
void process_kill_orphans(const struct launcher *launcher);
void process_watch(struct cell *cell); /* the watchdog's look at memory */

/* confine.c */
int confine_limits(const struct cell *cell);
int confine_keep_few(void); /* what PID 1 still needs after the root is built */
int confine_seccomp(
        uint64_t *ret_pass); /* for this process and all that come from it; kernel.h has the pass */
bool confine_has_seccomp(void);
bool confine_has_landlock(void);
int confine_landlock_scope(void); /* no signals and abstract sockets across environments */
int confine_landlock_paths(const struct cell *cell, const struct wire_in *in); /* T3 */
