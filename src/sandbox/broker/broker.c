/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/broker/broker.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/log.h"
#include "sandbox/broker/protocol.h"

#define PROCESS_FD 3
#define END_PATIENCE_MS 1000
#define IS_LOST "root's helper, which is to open it, has ended: start lambent again"

struct broker {
        struct loop *loop;
        int fd;    /* -1: the process has ended */
        pid_t pid; /* 0: and was reaped */
        struct source source;
        struct dialer dialer;
        struct broker_place places[BROKER_PLACES_MAX];
        size_t count;
        uint32_t last_id;
        struct list unsent, asked; /* of struct opening */
};

/* A connection, from the question for it on. */
struct opening {
        struct transport transport; /* must be first */
        struct broker *broker;
        const struct transport_user *user;
        void *owner;
        struct list link; /* until it is answered */
        struct broker_question question;
        struct defer defer; /* tells the user how it ended */
        int failure;
        int fd;
        struct source source;
};

/* ---- questions and answers ---- */

static void on_concluded(struct defer *defer);

static void conclude(struct opening *o, int r, int fd) {
        list_unlink(&o->link);
        o->failure = r;
        o->fd = fd;
        defer_call(o->broker->loop, &o->defer, on_concluded);
}

static void reap(struct broker *b, int options) {
        if (b->pid && waitpid(b->pid, NULL, options) == b->pid)
                b->pid = 0;
}

static void on_lost(struct broker *b, int r) {
        struct opening *o;

        log_error("broker=%d has ended (%s); engines whose socket only root may open are out of reach until "
                  "lambent is started again",
                  (int)b->pid, strerror(-r));
        source_remove(&b->source);
        b->fd = fd_close(b->fd);
        while ((o = list_first(&b->asked, struct opening, link)) ||
               (o = list_first(&b->unsent, struct opening, link)))
                conclude(o, -EPIPE, -1);
}

/* As many as the socket takes; it says when it takes more. */
static void ask(struct broker *b) {
        struct opening *o;

        while (b->fd >= 0 && (o = list_first(&b->unsent, struct opening, link))) {
                if (send(b->fd, &o->question, sizeof(o->question), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                        if (errno == EINTR)
                                continue;
                        if (errno != EAGAIN)
                                on_lost(b, -errno);
                        return;
                }
                list_unlink(&o->link);
                list_push_back(&b->asked, &o->link);
        }
}

/* 0; -EAGAIN; -ENOTCONN: it has gone; -EPROTO; -errno. */
static int receive(const struct broker *b, struct broker_answer *ret_answer, int *ret_fd) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        struct iovec iov = { .iov_base = ret_answer, .iov_len = sizeof(*ret_answer) };
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(b->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        const struct cmsghdr *cmsg = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

        *ret_fd = -1;
        if (n <= 0)
                return n ? -errno : -ENOTCONN;
        if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
                memcpy(ret_fd, CMSG_DATA(cmsg), sizeof(int));
        if (n == sizeof(*ret_answer) && !(msg.msg_flags & MSG_TRUNC))
                return 0;
        *ret_fd = fd_close(*ret_fd);
        return -EPROTO;
}

static void take(struct broker *b, const struct broker_answer *answer, int fd) {
        struct opening *o;

        list_each(o, &b->asked, link) {
                if (o->question.id != answer->id)
                        continue;
                /* What came without its descriptor found no room for that here. */
                if (answer->error || fd < 0)
                        conclude(o, answer->error ?: -EMFILE, fd_close(fd));
                else
                        conclude(o, 0, fd);
                return;
        }
        fd_close(fd); /* nobody wants it any more */
}

static void on_event(struct source *source, uint32_t events) {
        struct broker *b = container_of(source, struct broker, source);
        struct broker_answer answer;
        int fd, r;

        while ((r = receive(b, &answer, &fd)) == 0 || r == -EINTR)
                if (!r)
                        take(b, &answer, fd);
        if (r != -EAGAIN)
                on_lost(b, r);
        ask(b);
}

/* ---- the connection ---- */

static ssize_t opening_read(struct transport *t, void *room, size_t len) {
        ssize_t n = read(((struct opening *)t)->fd, room, len);

        return n < 0 ? -errno : n;
}

static ssize_t opening_write(struct transport *t, const void *data, size_t len) {
        ssize_t n = send(((struct opening *)t)->fd, data, len, MSG_NOSIGNAL);

        return n < 0 ? -errno : n;
}

static void opening_again(struct transport *t) {
        source_again(&((struct opening *)t)->source, EPOLLIN);
}

static void opening_shutdown(struct transport *t) {
        shutdown(((struct opening *)t)->fd, SHUT_WR);
}

static const char *opening_problem(const struct transport *t) {
        return "";
}

static void opening_free(struct transport *t) {
        struct opening *o = (struct opening *)t;

        list_unlink(&o->link);
        defer_cancel(&o->defer);
        source_remove(&o->source);
        fd_close(o->fd);
        free(o);
}

static const struct transport_ops opening_ops = {
        .read = opening_read,
        .write = opening_write,
        .again = opening_again,
        .shutdown = opening_shutdown,
        .problem = opening_problem,
        .free = opening_free,
};

static void on_ready(struct source *source, uint32_t events) {
        struct opening *o = container_of(source, struct opening, source);

        o->user->on_ready(o->owner);
}

static const char *sentence(int r) {
        switch (r) {
        case -EPIPE:
                return IS_LOST;
        case -EPERM:
                return "others than root have a say in what is there, so root's helper does not open it: --user "
                       "names somebody who may, or stays root";
        case -EAGAIN:
                return "nobody takes connections there";
        default:
                return strerror(-r);
        }
}

static void on_concluded(struct defer *defer) {
        struct opening *o = container_of(defer, struct opening, defer);
        int r = o->failure;

        if (!r)
                r = source_add(o->broker->loop, &o->source, o->fd, 0, RANK_NORMAL, on_ready);
        o->user->on_connected(o->owner, r, r ? sentence(r) : "");
}

static bool find(const struct broker *b, const char *address, uint32_t *ret_place) {
        for (uint32_t i = 0; b && i < b->count; ++i)
                if (streq(b->places[i].address, address)) {
                        *ret_place = i;
                        return true;
                }
        return false;
}

static struct transport *dial(struct dialer *dialer, const char *address, const struct transport_user *user,
                              void *owner) {
        struct broker *b = container_of(dialer, struct broker, dialer);
        struct opening *o = xcalloc(1, sizeof(*o));

        must(find(b, address, &o->question.place));
        *o = (struct opening){ .transport.ops = &opening_ops,
                               .broker = b,
                               .user = user,
                               .owner = owner,
                               .question = { ++b->last_id, o->question.place },
                               .fd = -1 };
        list_push_back(&b->unsent, &o->link);
        if (b->fd >= 0) {
                ask(b);
        } else {
                reap(b, WNOHANG); /* its socket had ended before it */
                conclude(o, -EPIPE, -1);
        }
        return &o->transport;
}

struct http_client *broker_client_new(struct broker *b, const char *address) {
        uint32_t place;

        must(find(b, address, &place));
        return http_client_new_over(b->loop, address, &b->dialer);
}

/* ---- life ---- */

static int spawn(struct broker *b, const char *program, int end) {
        static char *const environment[] = { NULL };
        const char *argv[BROKER_PLACES_MAX + 2] = { "lambent-broker" };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t all;
        int r;

        for (size_t i = 0; i < b->count; ++i)
                argv[i + 1] = b->places[i].address + strlen("unix:");
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
        posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
        posix_spawn_file_actions_adddup2(&actions, end, PROCESS_FD);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        r = -posix_spawn(&b->pid, program, &actions, &attributes, (char *const *)argv, environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

static int begin(struct broker *b, const char *program) {
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        b->fd = ends[0];
        r = spawn(b, program, ends[1]);
        fd_close(ends[1]);
        return r ?: source_add(b->loop, &b->source, b->fd, 0, RANK_NORMAL, on_event);
}

int broker_start(struct loop *loop, const char *program, const struct broker_place *places, size_t count,
                 struct broker **ret_broker) {
        struct broker *b = xcalloc(1, sizeof(*b));
        int r;

        must(count <= BROKER_PLACES_MAX);
        b->loop = loop;
        b->fd = -1;
        b->dialer.dial = dial;
        list_init(&b->unsent);
        list_init(&b->asked);
        for (; b->count < count; ++b->count) {
                const struct broker_place *place = &places[b->count];

                must(str_starts(place->address, "unix:"));
                b->places[b->count] =
                        (struct broker_place){ xstrdup(place->address), xstrdup(place->found_by), place->kind,
                                               place->guessed };
        }
        r = begin(b, program);
        if (r)
                broker_free(b);
        else
                *ret_broker = b;
        return r;
}

/* It ends with its socket. Only root could do more about it. */
static void await_end(struct broker *b) {
        struct pollfd ended = { .events = POLLIN };

        reap(b, WNOHANG);
        if (!b->pid)
                return;
        ended.fd = (int)syscall(SYS_pidfd_open, b->pid, 0);
        if (ended.fd >= 0 && poll(&ended, 1, END_PATIENCE_MS) == 0)
                log_warn("broker=%d does not end", (int)b->pid);
        fd_close(ended.fd);
        reap(b, WNOHANG);
}

void broker_free(struct broker *b) {
        if (!b)
                return;
        must(list_is_empty(&b->unsent) && list_is_empty(&b->asked));
        source_remove(&b->source);
        b->fd = fd_close(b->fd);
        await_end(b);
        for (size_t i = 0; i < b->count; ++i) {
                free(b->places[i].address);
                free(b->places[i].found_by);
        }
        free(b);
}

const struct broker_place *broker_places(const struct broker *b, size_t *ret_count) {
        *ret_count = b ? b->count : 0;
        return b ? b->places : NULL;
}

const char *broker_problem(const struct broker *b) {
        return b && b->fd < 0 ? IS_LOST : NULL;
}

bool broker_has(const struct broker *b, const char *address) {
        uint32_t place;

        return find(b, address, &place);
}
