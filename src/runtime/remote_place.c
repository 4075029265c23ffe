/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place at the other end of a link. Its Runtime API's listener, its memory and its output are descriptors here, so
 * that on the way of an invocation there is nobody; what else is asked of it is a frame.
 *
 * The descriptors come from where the function will be, and each is taken only for what it shows itself to be: nothing
 * that is done with it here may wait. Whoever else held the listener could make it wait later: init closes it as it sends
 * it, and then no process of the function has run yet. The pipe's end to read never leaves us.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "http/peer.h"
#include "runtime/remote_private.h"

static struct remote_place *remote_place_of(struct place *place) {
        return container_of(place, struct remote_place, place);
}

/* ---- what the descriptors are ---- */

static int socket_number(int fd, int name) {
        int value = -1;
        socklen_t len = sizeof(value);

        return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 && len == sizeof(value) ? value : -1;
}

static bool address_of(int fd, struct sockaddr_in *ret_address) {
        socklen_t len = sizeof(*ret_address);

        return getsockname(fd, (struct sockaddr *)ret_address, &len) == 0 && len == sizeof(*ret_address);
}

/* Its connections inherit what is set here. */
static bool make_listener(int fd) {
        const struct linger none = {};
        struct sockaddr_in address;

        return socket_number(fd, SO_DOMAIN) == AF_INET && socket_number(fd, SO_TYPE) == SOCK_STREAM &&
               socket_number(fd, SO_PROTOCOL) == IPPROTO_TCP && socket_number(fd, SO_ACCEPTCONN) == 1 &&
               address_of(fd, &address) && address.sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
               setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) == 0 &&
               fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0;
}

/* Files of the kernel's own: a read never waits for anybody. */
static bool is_kernel_file(int fd) {
        struct statfs fs;
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fstatfs(fd, &fs) == 0 &&
               (fs.f_type == CGROUP2_SUPER_MAGIC || fs.f_type == CGROUP_SUPER_MAGIC ||
                fs.f_type == TMPFS_MAGIC);
}

static bool is_diag(int fd) {
        return socket_number(fd, SO_DOMAIN) == AF_NETLINK &&
               socket_number(fd, SO_PROTOCOL) == NETLINK_SOCK_DIAG;
}

const char *remote_place_check(const int fds[static HANDED_MOST]) {
        if (!make_listener(fds[HANDED_LISTENER]))
                return "its Runtime API listener could not be registered";
        if (!is_kernel_file(fds[HANDED_MEMORY]) ||
            (fds[HANDED_PEAK] >= 0 && !is_kernel_file(fds[HANDED_PEAK])))
                return "lambent-init handed over what does not tell the memory";
        if (fds[HANDED_DIAG] >= 0 && !is_diag(fds[HANDED_DIAG]))
                return "lambent-init handed over what does not tell whose a connection is";
        return NULL;
}

/* ---- output ---- */

/* Reads what the pipe holds now, or with `some` a turn's share of it: a function may write faster than we
 * read, and the loop is everybody's. False: the place was freed by what it told. */
static bool read_output(struct remote_place *p, bool some) {
        bool gone = false, *outer = p->gone;
        const ssize_t full = sizeof(p->chunk);
        int left = 0;
        ssize_t n = full;

        p->gone = &gone;
        if (!some && ioctl(p->output_fd, FIONREAD, &left) < 0)
                left = 0;
        do {
                n = read(p->output_fd, p->chunk, sizeof(p->chunk));
                left -= (int)MAX(n, (ssize_t)0);
                if (n > 0)
                        p->place.events->on_output(&p->place, p->chunk, (size_t)n);
        } while (!gone && ((n == full && left > 0) || (n < 0 && errno == EINTR)));
        if (gone) {
                if (outer)
                        *outer = true;
                return false;
        }
        p->gone = outer;
        if (n == full) /* a short read has emptied it */
                source_again(&p->output, EPOLLIN);
        return true;
}

static void on_output(struct source *source, uint32_t events) {
        read_output(container_of(source, struct remote_place, output), true);
}

/* All output that was written before the events of this turn were fetched has come, and been read, with them. */
static void place_drain_output(struct place *place) {
        struct remote_place *p = remote_place_of(place);

        if (!p->output.loop)
                return;
        if (!loop_batch_was_whole(p->remote->loop) || p->output.ready)
                read_output(p, false);
}

/* ---- frames ---- */

void remote_place_read_rest(struct remote_place *p) {
        if (p->output.loop)
                read_output(p, false);
}

bool remote_place_on_exit(struct remote_place *p, const struct link_message *m) {
        uint32_t bit = 1u << m->exit.process;

        if (!(p->alive & bit))
                return false;
        p->alive &= ~bit;
        if (read_output(p, false)) /* what was said before it ended counts */
                p->place.events->on_exit(&p->place, m->exit.process, (enum place_end)m->exit.end,
                                         (int)m->exit.detail);
        return true;
}

bool remote_place_on_emptied(struct remote_place *p) {
        if (!p->killing)
                return false;
        p->killing = false;
        p->alive = 0;
        timer_disarm(&p->remote->timer);
        if (read_output(p, false))
                p->place.events->on_emptied(&p->place);
        return true;
}

static int fill_list(struct buf *list, const char *const *strings) {
        int r = 0;

        for (; *strings && !r; ++strings)
                r = link_list_add(list, *strings);
        return r;
}

static int place_spawn(struct place *place, const struct process_spec *spec) {
        struct remote_place *p = remote_place_of(place);
        AUTO(buf) struct buf argv = BUF_NULL(256 * KIB), envp = BUF_NULL(640 * KIB);
        struct link_message m = { .type = LINK_SPAWN,
                                  .spawn = { .process = spec->process, .cwd = spec->cwd } };

        if (fill_list(&argv, spec->argv) || fill_list(&envp, spec->envp) ||
            strlen(spec->cwd) >= LINK_TEXT_MAX)
                return -E2BIG;
        m.spawn.argv = (struct link_bytes){ buf_data(&argv), argv.len };
        m.spawn.envp = (struct link_bytes){ buf_data(&envp), envp.len };
        p->alive |= 1u << spec->process;
        line_send(&p->remote->line, &m);
        return 0;
}

static void place_signal(struct place *place, unsigned process, int signal_number) {
        const struct link_message m = { .type = LINK_SIGNAL, .signal = { process, (uint32_t)signal_number } };

        line_send(&remote_place_of(place)->remote->line, &m);
}

/* Where the link has ended, whoever knows why will tell. */
static void place_kill(struct place *place) {
        const struct link_message m = { .type = LINK_KILL };
        struct remote_place *p = remote_place_of(place);
        struct remote *r = p->remote;

        if (!line_is_open(&r->line))
                return;
        p->killing = true;
        line_send(&r->line, &m);
        timer_arm(&r->timer, loop_now(r->loop) + REMOTE_GRACE);
}

static int place_freeze(struct place *place) {
        const struct link_message m = { .type = LINK_FREEZE };

        line_send(&remote_place_of(place)->remote->line, &m);
        return 0;
}

static void place_thaw(struct place *place) {
        const struct link_message m = { .type = LINK_THAW };

        line_send(&remote_place_of(place)->remote->line, &m);
}

/* ---- opening ---- */

static void on_opened(struct defer *defer) {
        struct remote_place *p = container_of(defer, struct remote_place, opened);
        struct sockaddr_in address = {};
        char text[32];

        address_of(p->api_fd, &address);
        snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(address.sin_port));
        p->place.events->on_opened(&p->place, TAKE_FD(p->api_fd), text);
}

static int place_open(struct place *place) {
        struct remote_place *p = remote_place_of(place);
        int r = source_add(p->remote->loop, &p->output, p->output_fd, EPOLLIN | EPOLLET, RANK_OUTPUT,
                           on_output);

        if (!r)
                defer_call(p->remote->loop, &p->opened, on_opened);
        return r;
}

/* ---- asking ---- */

static bool place_peer_is_ours(struct place *place, int fd) {
        struct remote_place *p = remote_place_of(place);
        struct peer peer;

        return p->diag_fd < 0 || (peer_find(p->diag_fd, fd, &peer) == 0 && peer.uid == p->peer_uid);
}

static uint64_t place_current_memory(struct place *place) {
        return fd_read_number(remote_place_of(place)->memory_fd);
}

static uint64_t place_peak_memory(struct place *place) {
        struct remote_place *p = remote_place_of(place);

        p->highest = MAX(p->highest, fd_read_number(p->peak_fd >= 0 ? p->peak_fd : p->memory_fd));
        return p->highest;
}

static pid_t place_pid(struct place *place) {
        return remote_place_of(place)->remote->stats.pid;
}

/* ---- life ---- */

static void place_free(struct place *place) {
        struct remote_place *p = remote_place_of(place);
        const int fds[] = { p->api_fd, p->output_fd, p->memory_fd, p->peak_fd, p->diag_fd };

        if (p->gone)
                *p->gone = true;
        defer_cancel(&p->opened);
        source_remove(&p->output);
        for (size_t i = 0; i < ARRAY_SIZE(fds); ++i)
                fd_close(fds[i]);
        free(p);
}

static const struct place_ops remote_place_ops = {
        .open = place_open,
        .spawn = place_spawn,
        .signal = place_signal,
        .kill = place_kill,
        .drain_output = place_drain_output,
        .freeze = place_freeze,
        .thaw = place_thaw,
        .peer_is_ours = place_peer_is_ours,
        .peak_memory = place_peak_memory,
        .current_memory = place_current_memory,
        .pid = place_pid,
        .free = place_free,
};

struct remote_place *remote_place_new(struct remote *r, const int fds[static HANDED_MOST], int output_fd,
                                      uint32_t peer_uid) {
        struct remote_place *p = xcalloc(1, sizeof(*p));

        *p = (struct remote_place){
                .place = { .ops = &remote_place_ops,
                           .task_root = "/var/task",
                           .opt_root = "/opt",
                           .runtime_dir = "/var/runtime" },
                .remote = r,
                .api_fd = fds[HANDED_LISTENER],
                .memory_fd = fds[HANDED_MEMORY],
                .peak_fd = fds[HANDED_PEAK],
                .diag_fd = fds[HANDED_DIAG],
                .output_fd = output_fd,
                .peer_uid = peer_uid,
        };
        list_init(&p->opened.link);
        return p;
}
