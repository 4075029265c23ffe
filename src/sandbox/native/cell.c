/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell: PID 1 of one environment, from the clone to its end. Prepares what is the same for every function,
 * says PREPARED, and then does what the daemon asks until the daemon, or the launcher, is gone.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/rights.h"
#include "sandbox/native/kernel.h"
#include "sandbox/native/launcher.h"

#define PRIVATE_PORT 9001 /* as the address in AWS's AWS_LAMBDA_RUNTIME_API */
#define BACKLOG 128
#define WATCH_EVERY_MS 100

int cell_step(struct cell *cell, const char *what, int r) {
        if (!r && ++cell->steps == cell->launcher->fail_step)
                r = -EIO;
        if (r && !cell->failed_step) /* the innermost tells most */
                cell->failed_step = what;
        return r;
}

static bool has(const struct cell *cell, uint32_t flag) {
        return cell->launcher->flags & flag;
}

/* ---- prepare ---- */

static int loopback_up(void) {
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;

        if (fd < 0)
                return -errno;
        if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                r = -errno;
        fd_close(fd);
        return r;
}

static int listen_for_api(struct cell *cell) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);
        int r;

        if (has(cell, WIRE_PRIVATE_NETWORK)) {
                address.sin_port = htons(PRIVATE_PORT);
                r = loopback_up();
                if (r)
                        return r;
        }
        cell->api_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (cell->api_fd < 0 || bind(cell->api_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(cell->api_fd, BACKLOG) < 0 ||
            getsockname(cell->api_fd, (struct sockaddr *)&address, &len) < 0)
                return -errno;
        cell->port = ntohs(address.sin_port);
        return 0;
}

/* Only the daemon's end must not block: the two ends of a pipe are separate open files. */
static int make_output(struct cell *cell) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        cell->output_read = ends[0];
        cell->output_write = ends[1];
        return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int make_tmp_dir(struct cell *cell) {
        snprintf(cell->tmp_dir, sizeof(cell->tmp_dir), "%s/tmp-%zu", cell->launcher->state_dir, cell->slot);
        return mkdir(cell->tmp_dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int prepare(struct cell *cell) {
        int r = cell_step(cell, "make the root", root_prepare(cell));

        r = r ?: cell_step(cell, "listen for the Runtime API", listen_for_api(cell));
        r = r ?: cell_step(cell, "make the output pipe", make_output(cell));
        if (!r && cell->launcher->tier == 3) {
                r = cell_step(cell, "make the temporary directory", make_tmp_dir(cell));
                prctl(PR_SET_CHILD_SUBREAPER, 1);
        }
        /* Before Linux 5.5 joining waits for the kernel, so it comes after all else that takes time. */
        r = r ?: cell_step(cell, "join the cgroup", cgroup_leaf_join(&cell->leaf));
        r = r ?: cell_step(cell, "set limits", confine_limits(cell));
        /* Nobody but root has any to drop in T3. */
        if (!r && (cell->launcher->tier != 3 || geteuid() == 0))
                r = cell_step(cell, "drop capabilities", rights_never_more());
        if (!r && cell->launcher->tier != 3 && has(cell, WIRE_LANDLOCK))
                r = cell_step(cell, "scope signals and sockets", confine_landlock_scope());
        cell->oom_kills = cgroup_leaf_oom_kills(&cell->leaf);
        /* In T2 the function has our uid: nobody may look into us or trace us. */
        prctl(PR_SET_DUMPABLE, 0);
        return r;
}

static int say_prepared(struct cell *cell) {
        struct wire head = {
                .type = WIRE_PREPARED,
                .strings = 1,
                .prepared = { .fds = WIRE_FD_API | WIRE_FD_OUTPUT, .port = cell->port, .uid = cell->uid }
        };
        const char *const strings[] = { cell->leaf.memory_path };
        int fds[WIRE_FDS_MAX] = { cell->api_fd, cell->output_read };
        size_t count = 2;
        int r;

        if (cell->leaf.peak >= 0) {
                head.prepared.fds |= WIRE_FD_PEAK;
                fds[count++] = cell->leaf.peak;
        }
        if (cell->leaf.freeze >= 0) {
                head.prepared.fds |= WIRE_FD_FREEZE;
                fds[count++] = cell->leaf.freeze;
        }
        r = wire_send(cell->daemon, &head, strings, fds, count);
        cell->api_fd = fd_close(cell->api_fd);
        cell->output_read = fd_close(cell->output_read);
        cell->leaf.peak = fd_close(cell->leaf.peak);
        cell->leaf.freeze = fd_close(cell->leaf.freeze);
        return r;
}

/* ---- serve ---- */

/* Without a cgroup: a limit on private data with room for what a runtime reserves and never touches, and the
 * watchdog. */
static int limit_memory(struct cell *cell, uint64_t memory) {
        struct rlimit data = { 2 * memory + 512 * MIB, 2 * memory + 512 * MIB };
        uint64_t cpu = has(cell, WIRE_CPU_SHARE) ? memory / MIB * 1000 / 1769 : 0; /* 1769 MB is one CPU */
        int r;

        if (!has(cell, WIRE_LIMIT_MEMORY))
                memory = 0;
        r = cgroup_leaf_limit(&cell->leaf, memory, cpu);
        if (r || !memory || cell->leaf.memory_limit >= 0)
                return r;
        cell->memory = memory;
        cell->watchdog = true;
        return setrlimit(RLIMIT_DATA, &data) < 0 ? -errno : 0;
}

static int open_cell(struct cell *cell, const struct wire_in *in) {
        int r = cell_step(cell, "open the root", root_open(cell, in));

        r = r ?: cell_step(cell, "limit memory", limit_memory(cell, in->head.open.memory));
        if (cell->launcher->tier == 3)
                r = r ?: cell_step(cell, "restrict paths", confine_landlock_paths(cell, in));
        if (cell->launcher->tier != 3)
                r = r ?: cell_step(cell, "drop capabilities", confine_keep_few());
        return r;
}

static void spawn(struct cell *cell, const struct wire_in *in) {
        int r = process_spawn(cell, in);
        struct wire head = { .type = WIRE_EXIT,
                             .exit = { in->head.spawn.process, PLACE_EXEC_FAILED, (uint32_t)-r } };

        if (r)
                wire_send(cell->daemon, &head, NULL, NULL, 0);
}

static void empty(struct cell *cell) {
        struct wire head = { .type = WIRE_EMPTIED };

        process_kill_all(cell);
        wire_send(cell->daemon, &head, NULL, NULL, 0);
}

static _Noreturn void end(struct cell *cell) {
        if (cell->launcher->tier == 3)
                process_kill_all(cell);
        _exit(0);
}

static _Noreturn void fail(struct cell *cell, int r) {
        char sentence[256];

        snprintf(sentence, sizeof(sentence), "cannot %s: %s", cell->failed_step ?: "go on", strerror(-r));
        wire_send_failed(cell->daemon, r, sentence);
        end(cell);
}

static void obey(struct cell *cell, struct wire_in *in) {
        int r = 0;

        if (in->head.type == WIRE_OPEN)
                r = open_cell(cell, in);
        else if (in->head.type == WIRE_SPAWN)
                spawn(cell, in);
        else if (in->head.type == WIRE_SIGNAL)
                process_signal(cell, in->head.signal.process, (int)in->head.signal.number);
        else if (in->head.type == WIRE_KILL)
                empty(cell);
        else if (in->head.type == WIRE_STOP || in->head.type == WIRE_CONTINUE)
                process_stop_all(cell, in->head.type == WIRE_STOP);
        else
                r = cell_step(cell, "understand the daemon", -EPROTO);
        wire_clear(in);
        if (r)
                fail(cell, r);
}

static void read_daemon(struct cell *cell) {
        static struct wire_in in;
        int r;

        while ((r = wire_receive(cell->daemon, &in)) == 0) {
                process_reap(cell); /* what ended before the request is told before its answer */
                obey(cell, &in);
        }
        if (r != -EAGAIN && r != -EINTR)
                end(cell);
}

static void on_child(int signal_number) {
}

static bool anyone_runs(const struct cell *cell) {
        for (size_t i = 0; i < PROCESS_NUMBERS; ++i)
                if (cell->processes[i].pid)
                        return true;
        return false;
}

static _Noreturn void serve(struct cell *cell) {
        const struct sigaction action = { .sa_handler = on_child };
        struct pollfd fds[] = { { .fd = cell->daemon, .events = POLLIN },
                                { .fd = cell->life, .events = POLLIN } };
        const struct timespec watch_every = { .tv_nsec = WATCH_EVERY_MS * 1000000L };
        sigset_t while_waiting;

        /* SIGCHLD is blocked but for the wait, so an end between look and wait is not missed. */
        sigaction(SIGCHLD, &action, NULL);
        sigprocmask(SIG_BLOCK, NULL, &while_waiting);
        sigdelset(&while_waiting, SIGCHLD);
        for (;;) {
                bool watch = cell->watchdog && !cell->stopped && anyone_runs(cell);

                ppoll(fds, ARRAY_SIZE(fds), watch ? &watch_every : NULL, &while_waiting);
                process_reap(cell);
                if (watch)
                        process_watch(cell);
                if (fds[1].revents)
                        end(cell);
                if (fds[0].revents)
                        read_daemon(cell);
        }
}

/* Keeps the descriptors of ours, closes everything that the launcher had open. */
static void keep_own_descriptors(struct cell *cell) {
        int *const keep[] = { &cell->daemon,
                              &cell->life,
                              &cell->leaf.join[0],
                              &cell->leaf.join[1],
                              &cell->leaf.join[2],
                              &cell->leaf.join[3],
                              &cell->leaf.memory_limit,
                              &cell->leaf.swap_limit,
                              &cell->leaf.cpu_quota,
                              &cell->leaf.oom_events,
                              &cell->leaf.peak,
                              &cell->leaf.freeze };
        const int above = 512; /* the launcher has fewer */

        for (size_t i = 0; i < ARRAY_SIZE(keep); ++i)
                if (*keep[i] >= 0)
                        *keep[i] = fcntl(*keep[i], F_DUPFD_CLOEXEC, above);
        k_close_range(3, (unsigned int)above - 1);
        cell->leaf.into = -1;
}

_Noreturn void cell_main(struct cell *cell) {
        struct pollfd life = { .fd = cell->life, .events = POLLIN };
        int r;

        /* Without a pid namespace somebody must live to kill the tree: there the life-line alone tells us. */
        if (cell->launcher->tier != 3)
                prctl(PR_SET_PDEATHSIG, SIGKILL);
        keep_own_descriptors(cell);
        life.fd = cell->life;
        if (poll(&life, 1, 0) != 0) /* the launcher died before the line above could help */
                _exit(0);
        cell->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (cell->launcher->tier == 3)
                setsid();
        r = prepare(cell);
        r = r ?: cell_step(cell, "answer the daemon", say_prepared(cell));
        if (r)
                fail(cell, r);
        serve(cell);
}
