/* SPDX-License-Identifier: Apache-2.0 */
#include "init/place.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "http/peer.h"
#include "init/carrier.h"
#include "init/memory.h"
#include "init/process.h"

#define BACKLOG 128

struct local_place {
        struct place place;
        struct loop *loop;
        struct local_place_options options;
        struct family family;
        struct memory memory;
        struct source output;
        struct defer opened;
        int output_fd, diag_fd, api_fd;
        uint16_t port;
        uint64_t oom_kills;
        bool held;
        char chunk[LOOP_SCRATCH]; /* the scratch buffer may be in use around us */
};

static struct local_place *local_of(struct place *place) {
        return container_of(place, struct local_place, place);
}

/* ---- output ---- */

/* True: there may be more. */
static bool read_output(struct local_place *p) {
        ssize_t n = read(p->output_fd, p->chunk, sizeof(p->chunk));

        if (n > 0)
                p->place.events->on_output(&p->place, p->chunk, (size_t)n);
        return n == (ssize_t)sizeof(p->chunk) || (n < 0 && errno == EINTR);
}

static void on_output(struct source *source, uint32_t events) {
        struct local_place *p = container_of(source, struct local_place, output);

        if (!p->held && read_output(p))
                source_again(source, EPOLLIN);
}

/* What the pipe holds now, and no more: a function may write faster than we read. */
static void read_what_is_there(struct local_place *p) {
        int left = 0;

        if (p->output_fd < 0 || ioctl(p->output_fd, FIONREAD, &left) < 0)
                return;
        while (left > 0) {
                left -= (int)sizeof(p->chunk);
                read_output(p);
        }
        source_again(&p->output, EPOLLIN);
}

static void local_drain_output(struct place *place) {
        struct local_place *p = local_of(place);

        if (!p->held && loop_batch_was_whole(p->loop) && !p->output.ready)
                return;
        read_what_is_there(p);
}

void local_place_hold_output(struct place *place, bool hold) {
        struct local_place *p = local_of(place);

        p->held = hold;
        if (!hold)
                source_again(&p->output, EPOLLIN);
}

/* ---- processes ---- */

static void on_exit_status(struct family *family, unsigned number, int status) {
        struct local_place *p = container_of(family, struct local_place, family);
        uint64_t kills = memory_oom_kills(&p->memory);
        enum place_end end = PLACE_EXITED;
        int detail = WEXITSTATUS(status);

        if (WIFSIGNALED(status)) {
                detail = WTERMSIG(status);
                end = detail == SIGKILL && kills > p->oom_kills ? PLACE_OOM_KILLED : PLACE_SIGNALED;
        }
        p->oom_kills = kills;
        read_what_is_there(p);
        p->place.events->on_exit(&p->place, number, end, detail);
}

static void on_emptied(struct family *family) {
        struct local_place *p = container_of(family, struct local_place, family);

        p->oom_kills = memory_oom_kills(&p->memory);
        read_what_is_there(p);
        p->place.events->on_emptied(&p->place);
}

static const struct family_events family_events = { .on_exit = on_exit_status, .on_emptied = on_emptied };

static int local_spawn(struct place *place, const struct process_spec *spec) {
        return family_spawn(&local_of(place)->family, spec->process, spec);
}

static void local_signal(struct place *place, unsigned process, int signal_number) {
        family_signal(&local_of(place)->family, process, signal_number);
}

static void local_kill(struct place *place) {
        family_kill(&local_of(place)->family);
}

static int local_freeze(struct place *place) {
        family_stop(&local_of(place)->family, true);
        return 0;
}

static void local_thaw(struct place *place) {
        family_stop(&local_of(place)->family, false);
}

/* ---- opening ---- */

static int listen_for_api(struct local_place *p) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons(p->options.api_port) };
        socklen_t len = sizeof(address);

        p->api_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (p->api_fd < 0 || bind(p->api_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(p->api_fd, BACKLOG) < 0 || getsockname(p->api_fd, (struct sockaddr *)&address, &len) < 0)
                return -errno;
        p->port = ntohs(address.sin_port);
        if (p->options.shared_network)
                p->diag_fd = peer_open_diag();
        return p->options.shared_network && p->diag_fd < 0 ? p->diag_fd : 0;
}

/* Only our end must not block: the two ends of a pipe are separate open files. */
static int make_output(struct local_place *p) {
        int ends[2];

        if (p->options.output_fd >= 0) {
                p->family.output_fd = TAKE_FD(p->options.output_fd);
                return 0;
        }
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        p->output_fd = ends[0];
        p->family.output_fd = ends[1];
        if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        return source_add(p->loop, &p->output, p->output_fd, EPOLLIN | EPOLLET, RANK_OUTPUT, on_output);
}

static void on_opened(struct defer *defer) {
        struct local_place *p = container_of(defer, struct local_place, opened);
        char address[32];

        snprintf(address, sizeof(address), "127.0.0.1:%u", p->port);
        p->place.events->on_opened(&p->place, TAKE_FD(p->api_fd), address);
}

static int local_open(struct place *place) {
        struct local_place *p = local_of(place);
        int r = family_init(&p->family, p->loop, &family_events);

        p->family.uid = p->options.uid;
        p->family.gid = p->options.gid;
        p->family.change_ids = geteuid() == 0 && p->options.uid != UINT32_MAX;
        r = r ?: listen_for_api(p);
        r = r ?: make_output(p);
        if (!r)
                defer_call(p->loop, &p->opened, on_opened);
        return r;
}

/* ---- asking ---- */

static uint32_t uid_of_processes(const struct local_place *p) {
        return p->family.change_ids ? p->family.uid : geteuid();
}

static bool local_peer_is_ours(struct place *place, int fd) {
        struct local_place *p = local_of(place);
        struct peer peer;

        if (!p->options.shared_network)
                return true;
        return peer_find(p->diag_fd, fd, &peer) == 0 && peer.uid == uid_of_processes(p);
}

static uint64_t local_peak(struct place *place) {
        return memory_peak(&local_of(place)->memory);
}

static uint64_t local_current(struct place *place) {
        return memory_current(&local_of(place)->memory);
}

static pid_t local_pid(struct place *place) {
        return family_pid(&local_of(place)->family, PROCESS_RUNTIME);
}

static int lend_fd(int fd) {
        return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int local_place_lend(struct place *place, struct carrier_loan *ret_loan) {
        struct local_place *p = local_of(place);

        *ret_loan = (struct carrier_loan){
                .memory_fd = lend_fd(p->memory.current_fd),
                .peak_fd = lend_fd(p->memory.peak_fd),
                .diag_fd = p->options.shared_network ? MAX(peer_open_diag(), -1)
                                                     : -1, /* answers go to who reads first */
                .peer_uid = uid_of_processes(p),
        };
        return p->memory.current_fd < 0 ? -ENOENT : 0;
}

static void local_free(struct place *place) {
        struct local_place *p = local_of(place);

        defer_cancel(&p->opened);
        source_remove(&p->output);
        fd_close(p->output_fd);
        fd_close(p->options.output_fd);
        if (p->family.loop)
                fd_close(p->family.output_fd);
        fd_close(p->api_fd);
        if (p->diag_fd >= 0)
                fd_close(p->diag_fd);
        if (p->family.loop)
                family_deinit(&p->family);
        memory_deinit(&p->memory);
        free(p);
}

static const struct place_ops local_ops = {
        .open = local_open,
        .spawn = local_spawn,
        .signal = local_signal,
        .kill = local_kill,
        .drain_output = local_drain_output,
        .freeze = local_freeze,
        .thaw = local_thaw,
        .peer_is_ours = local_peer_is_ours,
        .peak_memory = local_peak,
        .current_memory = local_current,
        .pid = local_pid,
        .free = local_free,
};

/* A network namespace of a sandbox's own begins with its loopback down; engines set it up. */
static void loopback_up(void) {
        struct ifreq request = { .ifr_name = "lo" };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP)) {
                request.ifr_flags |= IFF_UP;
                ioctl(fd, SIOCSIFFLAGS, &request);
        }
        fd_close(fd);
}

struct place *local_place_new(const struct local_place_options *options) {
        struct local_place *p = xcalloc(1, sizeof(*p));

        p->place = (struct place){
                .ops = &local_ops, .task_root = "/var/task", .opt_root = "/opt", .runtime_dir = "/var/runtime"
        };
        p->loop = options->loop;
        p->options = *options;
        p->output_fd = p->diag_fd = p->api_fd = -1;
        loopback_up();
        memory_init(&p->memory);
        p->oom_kills = memory_oom_kills(&p->memory);
        return &p->place;
}
