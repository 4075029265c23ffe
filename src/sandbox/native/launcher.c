/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher: makes cells until its socket to the daemon ends, then takes everything away.
 *
 * One thread, one loop, four things to wait for: the daemon, the end of the guard, the end of a cell, a new
 * resolv.conf.
 */
#include "sandbox/native/launcher.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "sandbox/native/kernel.h"

uint64_t k_pass; /* none needed until the filter is loaded */

#define SLOTS_AT_FIRST 64

/* ---- set-up ---- */

/* A block of uids is ours while the socket with its number is. */
static int take_uid_block(struct launcher *launcher) {
        launcher->uid_lock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (launcher->uid_lock < 0)
                return -errno;
        for (unsigned int i = 0; i < UID_BLOCKS; ++i) {
                struct sockaddr_un address = { .sun_family = AF_UNIX };
                int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "lambent-uids-%u", i);

                if (bind(launcher->uid_lock, (struct sockaddr *)&address,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0) {
                        launcher->uid_base = UID_RANGE_START + i * UID_BLOCK;
                        return 0;
                }
        }
        return -EADDRINUSE;
}

/* Since Linux 5.14 RLIMIT_NPROC counts per user namespace; before, all processes of the caller would count.
 */
static bool nproc_is_own(const struct launcher *launcher) {
        unsigned int major_version = 0, minor_version = 0;
        struct utsname name;

        if (launcher->tier != 2)
                return launcher->tier == 1;
        uname(&name);
        return sscanf(name.release, "%u.%u", &major_version, &minor_version) == 2 &&
               (major_version > 5 || (major_version == 5 && minor_version >= 14));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where) {
        if (remove(path) < 0 && errno == EACCES && type == FTW_DNR)
                return 0;
        return 0;
}

void remove_tree(const char *path) {
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void watch_resolver(struct launcher *launcher) {
        char real[4096], *slash;

        launcher->resolver_watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        inotify_add_watch(launcher->resolver_watch, "/etc", IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE);
        if (!realpath("/etc/resolv.conf", real))
                return;
        slash = strrchr(real, '/');
        *slash = '\0';
        if (*real && !streq(real, "/etc"))
                inotify_add_watch(launcher->resolver_watch, real, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE);
}

static void tell_what_holds(struct launcher *launcher) {
        const struct cgroups *cgroups = &launcher->cgroups;
        int memory = cgroups->tree_of[CGROUP_MEMORY];

        if (memory >= 0)
                launcher->flags |= cgroups->trees[memory].v2 ? WIRE_MEMORY_V2 : WIRE_MEMORY_V1;
        if (cgroups->tree_of[CGROUP_PIDS] >= 0)
                launcher->flags |= WIRE_PIDS_CGROUP;
        if (cgroups->tree_of[CGROUP_UNIFIED] >= 0)
                launcher->flags |= WIRE_FREEZER;
        if (nproc_is_own(launcher))
                launcher->flags |= WIRE_NPROC;
        else if (!(launcher->flags & WIRE_PIDS_CGROUP) && launcher->caller_uid != 0)
                launcher->flags |= WIRE_NPROC_ABOVE;
        if (confine_has_seccomp())
                launcher->flags |= WIRE_SECCOMP;
        if (confine_has_landlock())
                launcher->flags |= WIRE_LANDLOCK;
}

static int set_up(struct launcher *launcher, const struct wire_in *in, const char **ret_step) {
        struct cgroup_sources sources = { .mountinfo = "/proc/self/mountinfo",
                                          .self_cgroup = "/proc/self/cgroup",
                                          .want_cpu = in->head.setup.flags & WIRE_CPU_SHARE,
                                          .also_move = { launcher->daemon, getppid() } };
        int r = 0;

        launcher->flags = in->head.setup.flags & (WIRE_PRIVATE_NETWORK | WIRE_CPU_SHARE | WIRE_LIMIT_MEMORY);
        if (launcher->tier == 3)
                launcher->flags &= ~(uint32_t)WIRE_PRIVATE_NETWORK;
        launcher->fail_step = in->head.setup.fail_step;
        launcher->caller_uid = geteuid();
        launcher->caller_gid = getegid();
        *ret_step = "understand the daemon";
        if (in->head.type != WIRE_SETUP || in->head.strings)
                return -EPROTO;
        *ret_step = "find its state directory";
        if (launcher->tier == 3 && !getcwd(launcher->state_dir, sizeof(launcher->state_dir)))
                return -errno;
        sources.spare_pids = nproc_is_own(launcher);
        cgroups_open(&launcher->cgroups, &sources);
        tell_what_holds(launcher);
        *ret_step = "take a block of user ids";
        if (launcher->tier == 1)
                r = take_uid_block(launcher);
        if (!r && launcher->tier != 3) {
                r = skeleton_make(launcher, ret_step);
                watch_resolver(launcher);
        }
        if (!r && launcher->tier == 3)
                prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (r || !(launcher->flags & WIRE_SECCOMP))
                return r;
        *ret_step = "load the system call filter";
        return confine_seccomp(&k_pass);
}

static int answer_set_up(struct launcher *launcher, int r, const char *failed) {
        struct wire head = { .type = WIRE_SETUP_DONE,
                             .strings = 1,
                             .setup_done = { .flags = launcher->flags, .environments_max = SLOTS_MAX } };
        const char *const strings[] = { launcher->cgroups.why_not };
        char sentence[256];

        if (!r)
                return wire_send(launcher->control, &head, strings, NULL, 0);
        snprintf(sentence, sizeof(sentence), "cannot %s: %s", failed, strerror(-r));
        wire_send_failed(launcher->control, r, sentence);
        return r;
}

/* ---- cells ---- */

static int take_slot(struct launcher *launcher, size_t *ret_slot) {
        size_t i = 0;

        while (i < launcher->slot_count && (launcher->slots[i].pid || launcher->slots[i].leftover))
                ++i;
        if (i == SLOTS_MAX)
                return -EAGAIN;
        if (i == launcher->slot_count) {
                size_t count = MAX((size_t)SLOTS_AT_FIRST, 2 * launcher->slot_count);

                launcher->slots = xrealloc(launcher->slots, count * sizeof(*launcher->slots));
                memset(launcher->slots + i, 0, (count - i) * sizeof(*launcher->slots));
                launcher->slot_count = count;
        }
        *ret_slot = i;
        return 0;
}

static unsigned long namespaces(const struct launcher *launcher) {
        unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;

        if (launcher->tier == 3)
                return 0;
        if (launcher->tier == 2)
                flags |= CLONE_NEWUSER;
        if (launcher->flags & WIRE_PRIVATE_NETWORK)
                flags |= CLONE_NEWNET;
        return flags;
}

/*
 * Like fork, with namespaces, and straight into the v2 leaf where there is one. Docker's own filter answers
 * ENOSYS to clone3, as Linux before 5.3 does: there the cell walks into the leaf by itself.
 */
static pid_t clone_cell(const struct launcher *launcher, struct cgroup_leaf *leaf) {
        struct k_clone_args args = { .flags = namespaces(launcher), .exit_signal = SIGCHLD };
        pid_t pid;

        if (leaf->into >= 0) {
                args.flags |= K_CLONE_INTO_CGROUP;
                args.cgroup = (uint64_t)leaf->into;
        }
        pid = k_clone3(&args);
        if (pid != -ENOSYS)
                return pid;
        cgroup_leaf_join_all(leaf);
        return k_clone(namespaces(launcher));
}

static int start_cell(struct launcher *launcher, int daemon) {
        static struct cell cell;
        size_t slot = 0;
        pid_t pid;
        int r = take_slot(launcher, &slot);

        cell = (struct cell){
                .launcher = launcher, .slot = slot, .daemon = daemon, .life = launcher->life[0]
        };
        cell.uid = launcher->tier == 1   ? launcher->uid_base + (uid_t)slot
                   : launcher->tier == 2 ? SANDBOX_UID
                                         : launcher->caller_uid;
        cell.gid = launcher->tier == 1   ? launcher->uid_base + (gid_t)slot
                   : launcher->tier == 2 ? SANDBOX_GID
                                         : launcher->caller_gid;
        if (!r && launcher->tier == 1)
                r = skeleton_slot_files(launcher, slot);
        r = r ?: cgroup_leaf_make(&launcher->cgroups, slot, &cell.leaf);
        if (r)
                return r;
        launcher->slots[slot].leaf = true;
        pid = clone_cell(launcher, &cell.leaf);
        if (pid == 0)
                cell_main(&cell);
        cgroup_leaf_close(&cell.leaf);
        if (pid < 0) {
                cgroup_leaf_remove(&launcher->cgroups, slot);
                return pid;
        }
        launcher->slots[slot].pid = pid;
        return 0;
}

static void prepare(struct launcher *launcher, struct wire_in *in) {
        int daemon = wire_take_fd(in), r;
        char sentence[128];

        if (daemon < 0)
                return;
        r = start_cell(launcher, daemon);
        if (r) {
                snprintf(sentence, sizeof(sentence), "cannot create the namespaces of an environment: %s",
                         strerror(-r));
                wire_send_failed(daemon, r, sentence);
        }
        fd_close(daemon);
}

static void clear_slot(struct launcher *launcher, size_t slot) {
        char path[600];

        launcher->slots[slot].leftover = cgroup_leaf_remove(&launcher->cgroups, slot) != 0;
        if (launcher->tier != 3)
                return;
        snprintf(path, sizeof(path), "%s/tmp-%zu", launcher->state_dir, slot);
        remove_tree(path);
}

static void reap_cells(struct launcher *launcher) {
        bool died = false;
        pid_t pid;

        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
                for (size_t i = 0; i < launcher->slot_count; ++i)
                        if (launcher->slots[i].pid == pid) {
                                launcher->slots[i].pid = 0;
                                launcher->slots[i].leftover = died = true;
                        }
        if (died && launcher->tier == 3)
                process_kill_orphans(launcher);
        for (size_t i = 0; i < launcher->slot_count; ++i)
                if (launcher->slots[i].leftover)
                        clear_slot(launcher, i);
}

/* ---- life ---- */

static bool obey(struct launcher *launcher) {
        static struct wire_in in;
        int r;

        while ((r = wire_receive(launcher->control, &in)) == 0) {
                if (in.head.type == WIRE_PREPARE)
                        prepare(launcher, &in);
                wire_clear(&in);
        }
        return r == -EAGAIN || r == -EINTR;
}

static _Noreturn void shut_down(struct launcher *launcher) {
        fd_close(launcher->life[1]);
        for (size_t i = 0; i < launcher->slot_count; ++i)
                if (launcher->slots[i].pid)
                        kill(launcher->slots[i].pid, SIGKILL);
        for (size_t i = 0; i < launcher->slot_count; ++i)
                if (launcher->slots[i].pid) {
                        waitpid(launcher->slots[i].pid, NULL, 0);
                        launcher->slots[i].pid = 0;
                        launcher->slots[i].leftover = true;
                }
        if (launcher->tier == 3)
                process_kill_orphans(launcher);
        for (size_t i = 0; i < launcher->slot_count; ++i)
                if (launcher->slots[i].leftover)
                        clear_slot(launcher, i);
        cgroups_close(&launcher->cgroups);
        if (launcher->tier != 3)
                skeleton_leave();
        _exit(0);
}

static _Noreturn void serve(struct launcher *launcher) {
        struct pollfd fds[] = { { .fd = launcher->control, .events = POLLIN },
                                { .fd = launcher->guard, .events = POLLIN },
                                { .fd = launcher->resolver_watch, .events = POLLIN } };
        sigset_t while_waiting;

        sigprocmask(SIG_BLOCK, NULL, &while_waiting);
        sigdelset(&while_waiting, SIGCHLD);
        for (;;) {
                int n = ppoll(fds, ARRAY_SIZE(fds), NULL, &while_waiting);

                reap_cells(launcher);
                if (n <= 0)
                        continue;
                if (fds[1].revents || (fds[0].revents && !obey(launcher)))
                        shut_down(launcher);
                if (fds[2].revents)
                        skeleton_refresh_resolver(launcher);
        }
}

/* The guard's death, or the daemon's, also ends the wait. */
static int receive_set_up(const struct launcher *launcher, struct wire_in *in) {
        struct pollfd fds[] = { { .fd = launcher->control, .events = POLLIN },
                                { .fd = launcher->guard, .events = POLLIN } };

        while (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
                ;
        return fds[1].revents ? -ENOTCONN : wire_receive(launcher->control, in);
}

_Noreturn void launcher_main(struct launcher *launcher) {
        static struct wire_in in;
        const char *failed = NULL;
        int r;

        cgroups_init(&launcher->cgroups);
        if (pipe2(launcher->life, O_CLOEXEC) < 0 || receive_set_up(launcher, &in) < 0)
                _exit(1);
        r = set_up(launcher, &in, &failed);
        if (answer_set_up(launcher, r, failed))
                shut_down(launcher);
        serve(launcher);
}
