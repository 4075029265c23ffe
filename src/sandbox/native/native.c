/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard and launcher as the daemon keeps them: starting them, finding out by one whole start which tier holds,
 * keeping spare cells.
 *
 * Only native_new, and a restart after the launcher was killed, wait for anything; all else is events.
 */
#include "sandbox/native/native.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.h"
#include "http/peer.h"
#include "sandbox/native/native_private.h"

extern char **environ;

#define PATIENCE_MS 10000               /* for the launcher and the probe */
#define REFILL_AFTER (50 * MILLISECOND) /* of quiet: a burst of starts has the processors for itself */
#define REFILL_EVERY (2 * MILLISECOND)
#define FDS_PER_ENVIRONMENT 9
#define FDS_FOR_THE_REST 128
#define GUARD_IS_LOST \
        "the sandbox was killed, and only root can start it again: restart lambent to run functions again"

const char *native_tier_name(enum native_tier tier) {
        switch (tier) {
        case NATIVE_T1:
                return "T1 (namespaces, as root)";
        case NATIVE_T2:
                return "T2 (namespaces, rootless)";
        case NATIVE_T3:
                return "T3 (plain processes, no isolation)";
        }
        return "unknown";
}

/* ---- remote cells ---- */

int remote_cell_take_prepared(struct remote_cell *cell, struct wire_in *in) {
        const struct {
                uint32_t bit;
                int *fd;
        } order[] = {
                { WIRE_FD_API, &cell->api_fd },
                { WIRE_FD_OUTPUT, &cell->output_fd },
                { WIRE_FD_PEAK, &cell->peak_fd },
                { WIRE_FD_FREEZE, &cell->freeze_fd },
        };

        if (cell->prepared || in->head.strings != 1 || !in->head.prepared.port ||
            in->head.prepared.port > UINT16_MAX)
                return -EPROTO;
        for (size_t i = 0; i < ARRAY_SIZE(order); ++i)
                if (in->head.prepared.fds & order[i].bit)
                        *order[i].fd = wire_take_fd(in);
        if (cell->api_fd < 0 || cell->output_fd < 0)
                return -EPROTO;
        cell->port = (uint16_t)in->head.prepared.port;
        cell->uid = in->head.prepared.uid;
        cell->pid = in->sender;
        cell->memory_path = *in->strings[0] ? xstrdup(in->strings[0]) : NULL;
        cell->prepared = true;
        return 0;
}

static struct remote_cell *remote_cell_alloc(struct native *native) {
        struct remote_cell *cell = xcalloc(1, sizeof(*cell));

        cell->native = native;
        cell->socket_fd = cell->output_fd = cell->api_fd = cell->peak_fd = cell->freeze_fd = -1;
        list_init(&cell->link);
        return cell;
}

/* The socket is not on the loop yet. */
static int request_cell(struct native *native, struct remote_cell **ret_cell) {
        AUTO(remote_cell) struct remote_cell *cell = remote_cell_alloc(native);
        const struct wire head = { .type = WIRE_PREPARE };
        int ends[2], r, on = 1;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return fault(-errno);
        cell->socket_fd = ends[0];
        /* The kernel then says which process speaks, in our own numbering: the launcher need not tell. */
        /* Our end never blocks: a PID 1 that does not read is lost, it must not hold up the loop. */
        if (setsockopt(cell->socket_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
            fcntl(cell->socket_fd, F_SETFL, O_NONBLOCK) < 0)
                r = -errno;
        else
                r = wire_send(native->control, &head, NULL, &ends[1], 1);
        fd_close(ends[1]);
        if (r)
                return fault(r);
        *ret_cell = TAKE(cell);
        return 0;
}

static int start_launcher_again(struct native *native);

int remote_cell_new(struct native *native, struct remote_cell **ret_cell) {
        AUTO(remote_cell) struct remote_cell *cell = NULL;
        int r = native->control < 0 ? start_launcher_again(native) : 0;

        r = r ?: request_cell(native, &cell);
        r = r
                    ?: source_add(native->loop, &cell->socket, cell->socket_fd,
                                  EPOLLIN | EPOLLRDHUP | EPOLLET, RANK_EXIT, remote_cell_on_socket);
        if (!r)
                *ret_cell = TAKE(cell);
        return r;
}

/* PID 1 ends when it sees its socket end, and everything in its namespace with it. */
void remote_cell_free(struct remote_cell *cell) {
        if (!cell)
                return;
        if (cell->gone)
                *cell->gone = true;
        if (list_is_linked(&cell->link)) {
                list_unlink(&cell->link);
                --cell->native->spare_count;
        }
        source_remove(&cell->socket);
        source_remove(&cell->output);
        fd_hang_up(cell->socket_fd);
        fd_close(cell->output_fd);
        fd_close(cell->api_fd);
        fd_close(cell->peak_fd);
        fd_close(cell->freeze_fd);
        free(cell->memory_path);
        free(cell);
}

/* ---- spares ---- */

static void free_spares(struct native *native) {
        struct remote_cell *cell;

        while ((cell = list_first(&native->spares, struct remote_cell, link)))
                remote_cell_free(cell);
}

static void refill(struct timer *timer) {
        struct native *native = container_of(timer, struct native, refill);
        struct remote_cell *cell;

        if (native->spare_count >= native->options.spare_cells || native->control < 0)
                return;
        if (remote_cell_new(native, &cell))
                return;
        list_push_back(&native->spares, &cell->link);
        ++native->spare_count;
        timer_arm(timer, loop_now(native->loop) + REFILL_EVERY);
}

int native_take_cell(struct native *native, struct remote_cell **ret_cell) {
        struct remote_cell *cell = list_first(&native->spares, struct remote_cell, link);

        if (native->options.spare_cells)
                timer_arm(&native->refill, loop_now(native->loop) + REFILL_AFTER);
        if (!cell)
                return remote_cell_new(native, ret_cell);
        list_unlink(&cell->link);
        --native->spare_count;
        *ret_cell = cell;
        return 0;
}

/* ---- the launcher ---- */

static int await(int fd) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        int n;

        do
                n = poll(&poll_fd, 1, PATIENCE_MS);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int await_message(int fd, struct wire_in *in) {
        int r = await(fd);

        return r ?: wire_receive(fd, in);
}

/* The state directory of a tier. Another user may own what is around it, and may rename it, but never what is
 * in it: whoever keeps privileges works there. */
static int open_state_dir(const struct native *native, enum native_tier tier) {
        AUTO(str) char *path = xasprintf("%s/t%d", native->options.state_dir, tier);
        struct stat st;
        AUTO(fd) int fd = -1;

        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return -errno;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if ((st.st_uid != geteuid() && fchown(fd, geteuid(), getegid()) < 0) || fchmod(fd, 0755) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int spawn_guard(struct native *native, enum native_tier tier) {
        char *argv[] = { (char *)"lambent-launcher", (char[]){ (char)('0' + (int)tier), '\0' }, NULL };
        AUTO(fd) int state = open_state_dir(native, tier);
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int ends[2], r;

        if (state < 0)
                return state;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        sigemptyset(&none);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addfchdir_np(&actions, state);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
        posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        r = -posix_spawn(&native->guard_pid, native->options.launcher_path, &actions, &attributes, argv,
                         environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        fd_close(ends[1]);
        if (r)
                fd_close(ends[0]);
        else
                native->guard = ends[0];
        return r;
}

static int launch(struct native *native) {
        const struct wire head = { .type = WIRE_LAUNCH };
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        r = wire_send(native->guard, &head, NULL, &ends[1], 1);
        fd_close(ends[1]);
        if (r)
                fd_close(ends[0]);
        else
                native->control = ends[0];
        return r;
}

/* The guard waits for it before it starts another one. */
static void end_launcher(struct native *native) {
        source_remove(&native->control_source);
        native->control = fd_hang_up(native->control);
}

/* Waits for both: they take everything away before they end. */
static void end_guard(struct native *native) {
        end_launcher(native);
        source_remove(&native->guard_source);
        native->guard = fd_hang_up(native->guard);
        while (native->guard_pid && waitpid(native->guard_pid, NULL, 0) < 0 && errno == EINTR)
                ;
        native->guard_pid = 0;
}

static int begin_launcher(struct native *native, enum native_tier tier, char **ret_problem) {
        struct wire head = { .type = WIRE_SETUP };
        int r = 0;

        if (native->guard < 0 && tier == NATIVE_T1 && geteuid() != 0) {
                *ret_problem = xstrdup(!native->was_root ? "T1 needs root" : native->problem ?: GUARD_IS_LOST);
                return -EPERM;
        }
        if (native->guard < 0)
                r = spawn_guard(native, tier);
        r = r ?: launch(native);
        if (r) {
                *ret_problem = xasprintf("cannot start %s: %s", native->options.launcher_path, strerror(-r));
                end_guard(native);
                return r;
        }
        head.setup.flags = (native->options.private_network ? WIRE_PRIVATE_NETWORK : 0) |
                           (native->options.cpu_share ? WIRE_CPU_SHARE : 0) |
                           (native->options.limit_memory ? WIRE_LIMIT_MEMORY : 0);
        head.setup.fail_step = native->options.fail_step;
        r = wire_send(native->control, &head, NULL, NULL, 0);
        if (r) {
                *ret_problem = xasprintf("the launcher does not listen: %s", strerror(-r));
                end_guard(native);
        }
        return r;
}

/* Continues with the launcher of this tier that native_begin has started, if it is there. */
static int set_up_launcher(struct native *native, enum native_tier tier, char **ret_problem) {
        struct wire_in *in = &native->in;
        int r = native->control < 0 ? begin_launcher(native, tier, ret_problem) : 0;

        if (r)
                return r;
        r = await_message(native->control, in);
        if (!r && in->head.type == WIRE_SETUP_DONE && in->head.strings == 1) {
                native->tier = tier;
                native->flags = in->head.setup_done.flags;
                native->report.environments_max = in->head.setup_done.environments_max;
                return 0;
        }
        if (!r && in->head.type == WIRE_FAILED && in->head.strings == 1) {
                *ret_problem = xstrdup(in->strings[0]);
                r = MIN(in->head.failed.error, -1);
        } else {
                *ret_problem = xasprintf("the launcher does not answer: %s", strerror(r ? -r : EPROTO));
                r = r ?: -EPROTO;
        }
        end_guard(native);
        return r;
}

/* All cells die with the launcher, also those whose end we have not heard of yet. */
static void lose_cells(struct native *native, const char *why, bool accident) {
        free_spares(native);
        place_lose_all(native, why, accident);
}

static void on_control(struct source *source, uint32_t events) {
        struct native *native = container_of(source, struct native, control_source);
        int r;

        /* The launcher never speaks after its first answer. */
        while ((r = wire_receive(native->control, &native->in)) == 0)
                wire_clear(&native->in);
        if (r == -EAGAIN || r == -EINTR)
                return;
        log_error("sandbox=native the launcher has ended; the next start brings a new one");
        end_launcher(native);
        lose_cells(native, "the sandbox launcher was killed", true);
}

/* The launcher goes with it. Only who has the privileges of the tier can start both again: root for T1, which
 * we may not be any more. */
static void on_guard(struct source *source, uint32_t events) {
        struct native *native = container_of(source, struct native, guard_source);
        bool again = native->tier != NATIVE_T1 || geteuid() == 0;

        log_error("sandbox=native guard=%d was killed; %s", native->guard_pid,
                  again ? "the next start brings a new one" : GUARD_IS_LOST);
        end_guard(native);
        lose_cells(native, again ? "the sandbox guard was killed" : GUARD_IS_LOST, again);
        if (!again)
                native->report.why_not_better = GUARD_IS_LOST;
}

static int watch_launcher(struct native *native) {
        int r = source_add(native->loop, &native->control_source, native->control,
                           EPOLLIN | EPOLLRDHUP | EPOLLET, RANK_EXIT, on_control);

        if (!r && !native->guard_source.loop)
                r = source_add(native->loop, &native->guard_source, native->guard,
                               EPOLLIN | EPOLLRDHUP | EPOLLET, RANK_EXIT, on_guard);
        return r;
}

static int start_launcher_again(struct native *native) {
        int r;

        free(TAKE(native->problem));
        r = set_up_launcher(native, native->tier, &native->problem);
        if (r) {
                log_error("sandbox=native %s", native->problem);
                return r;
        }
        return watch_launcher(native);
}

/* ---- the probe ---- */

/* One environment, from nothing to the output and end of a program in it. */
static int probe(struct native *native, char **ret_problem) {
        AUTO(str) char *folder = xstrdup(native->options.launcher_path);
        AUTO(remote_cell) struct remote_cell *cell = NULL;
        AUTO(str) char *program = NULL;
        struct native_place_spec spec = { .task_dir = folder, .memory_mb = 128, .tmp_mb = 16 };
        const char *const envp[] = { NULL };
        struct process_spec process = { .process = PROCESS_RUNTIME, .envp = envp, .cwd = "/" };
        char *slash = strrchr(folder, '/');
        int r;

        must(slash);
        program = native->tier == NATIVE_T3 ? xstrdup(folder) : xasprintf("/var/task/%s", slash + 1);
        *slash = '\0';
        process.argv = (const char *const[]){ program, "--probe", NULL };
        r = request_cell(native, &cell);
        r = r ?: place_send_open(cell, &spec);
        r = r ?: place_send_spawn(cell, &process);
        while (!r) {
                struct wire_in *in = &native->in;

                r = await_message(cell->socket_fd, in);
                if (r)
                        break;
                if (in->head.type == WIRE_PREPARED) {
                        r = remote_cell_take_prepared(cell, in);
                } else if (in->head.type == WIRE_FAILED && in->head.strings == 1) {
                        *ret_problem = xstrdup(in->strings[0]);
                        return MIN(in->head.failed.error, -1);
                } else if (in->head.type == WIRE_EXIT) {
                        /* EACCES: where this program lies others may not look; all before that has worked. */
                        if ((in->head.exit.end == PLACE_EXITED && in->head.exit.detail == 0) ||
                            (in->head.exit.end == PLACE_EXEC_FAILED && in->head.exit.detail == EACCES))
                                return 0;
                        r = in->head.exit.end == PLACE_EXEC_FAILED ? -(int)in->head.exit.detail : -ECHILD;
                }
                wire_clear(in);
        }
        *ret_problem = xasprintf("a trial environment did not work: %s", strerror(-r));
        return r;
}

static bool sysctl_is(const char *path, const char *value) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char text[16] = "";

        if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
                text[0] = '\0';
        fd_close(fd);
        text[strcspn(text, "\n")] = '\0';
        return streq(text, value);
}

static const char *remedy(enum native_tier tier, int r) {
        if (tier == NATIVE_T2 && sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", "0"))
                return "; remedy: sysctl -w kernel.unprivileged_userns_clone=1";
        if (tier == NATIVE_T2 && sysctl_is("/proc/sys/user/max_user_namespaces", "0"))
                return "; remedy: sysctl -w user.max_user_namespaces=15000";
        if (tier == NATIVE_T2 && sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
                return "; remedy: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor "
                       "profile for lambent-launcher "
                       "that says \"userns,\"";
        if (r == -EPERM || r == -EACCES)
                return "; inside a container: start that with --cap-add SYS_ADMIN --security-opt "
                       "seccomp=unconfined --security-opt "
                       "apparmor=unconfined";
        return "";
}

static int try_tier(struct native *native, enum native_tier tier) {
        AUTO(str) char *problem = NULL;
        char *whole;
        int r;

        r = set_up_launcher(native, tier, &problem);
        if (!r) {
                r = probe(native, &problem);
                if (r)
                        end_guard(native);
        }
        if (!r)
                return 0;
        whole = xasprintf("%s%sT%d: %s%s", native->why_not_better ?: "", native->why_not_better ? ". " : "",
                          tier, problem, tier == NATIVE_T1 && !native->was_root ? "" : remedy(tier, r));
        free(native->why_not_better);
        native->why_not_better = whole;
        return r;
}

static void fill_report(struct native *native) {
        struct native_report *report = &native->report;
        struct rlimit files;

        report->tier = native->tier;
        report->why_not_better = native->why_not_better ?: "";
        report->memory_limit = !native->options.limit_memory    ? "none"
                               : native->flags & WIRE_MEMORY_V2 ? "cgroup v2"
                               : native->flags & WIRE_MEMORY_V1 ? "cgroup v1"
                                                                : "RLIMIT_DATA and watchdog";
        report->process_limit = native->flags & WIRE_PIDS_CGROUP   ? "pids cgroup"
                                : native->flags & WIRE_NPROC       ? "RLIMIT_NPROC"
                                : native->flags & WIRE_NPROC_ABOVE ? "RLIMIT_NPROC, above what the user runs"
                                                                   : "none";
        report->freezer = native->flags & WIRE_FREEZER ? "cgroup v2" : "SIGSTOP";
        report->network = native->options.private_network && native->tier != NATIVE_T3 ? "private" : "host";
        report->seccomp = native->flags & WIRE_SECCOMP;
        report->landlock = native->flags & WIRE_LANDLOCK;
        if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY &&
            files.rlim_max > FDS_FOR_THE_REST)
                report->environments_max =
                        MIN(report->environments_max,
                            (size_t)(files.rlim_max - FDS_FOR_THE_REST) / FDS_PER_ENVIRONMENT);
}

/* ---- life ---- */

static void copy_options(struct native *native, const struct native_options *options) {
        native->options = *options;
        /* Absolute, because a cell's working directory is another one. */
        native->options.launcher_path =
                realpath(options->launcher_path, NULL) ?: xstrdup(options->launcher_path);
        native->options.state_dir = realpath(options->state_dir, NULL) ?: xstrdup(options->state_dir);
        native->options.hidden_dir =
                options->hidden_dir ? realpath(options->hidden_dir, NULL) ?: xstrdup(options->hidden_dir)
                                    : NULL;
}

int native_begin(struct loop *loop, const struct native_options *options, struct native **ret_native,
                 char **ret_problem) {
        AUTO(native) struct native *native = xcalloc(1, sizeof(*native));

        native->loop = loop;
        native->was_root = geteuid() == 0;
        native->control = native->guard = -1;
        list_init(&native->spares);
        list_init(&native->places);
        timer_init(&native->refill, loop, refill);
        native->diag_fd = peer_open_diag();
        copy_options(native, options);
        if (!strchr(native->options.launcher_path, '/')) {
                *ret_problem = xasprintf("there is no launcher at %s", options->launcher_path);
                return -ENOENT;
        }
        /* What fails here is tried again, and told, by native_finish. */
        begin_launcher(native, options->best_tier ?: NATIVE_T1, &native->problem);
        *ret_native = TAKE(native);
        return 0;
}

int native_finish(struct native *native, char **ret_problem) {
        int tier = native->options.best_tier ?: NATIVE_T1, r = -EINVAL;

        for (; tier <= NATIVE_T3; ++tier) {
                r = try_tier(native, (enum native_tier)tier);
                if (!r)
                        break;
        }
        free(TAKE(native->problem));
        if (r) {
                *ret_problem = xstrdup(native->why_not_better);
                return r;
        }
        r = watch_launcher(native);
        if (r)
                return r;
        fill_report(native);
        timer_arm(&native->refill, loop_now(native->loop));
        return 0;
}

int native_new(struct loop *loop, const struct native_options *options, struct native **ret_native,
               char **ret_problem) {
        AUTO(native) struct native *native = NULL;
        int r = native_begin(loop, options, &native, ret_problem);

        r = r ?: native_finish(native, ret_problem);
        if (!r)
                *ret_native = TAKE(native);
        return r;
}

void native_free(struct native *native) {
        if (!native)
                return;
        timer_disarm(&native->refill);
        place_lose_all(native, NULL, false);
        free_spares(native);
        end_guard(native);
        fd_close(native->diag_fd);
        free((char *)native->options.launcher_path);
        free((char *)native->options.state_dir);
        free((char *)native->options.hidden_dir);
        free(native->why_not_better);
        free(native->problem);
        free(native);
}

const struct native_report *native_report(const struct native *native) {
        return &native->report;
}
