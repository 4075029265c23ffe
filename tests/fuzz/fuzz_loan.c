/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of a link whose place is lent: under an init that says anything at any time, and hands over any
 * descriptors, the environment keeps to runtime/environment.h, and no descriptor is left. The clock is the machine's, so
 * nothing here waits: what would is ended from this side.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "link_words.h"
#include "runtime/remote.h"

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

struct world {
        struct words words;
        struct loop *loop;
        struct environment *e;
        struct iovec event;
        int fd, near_fd, runtime_fd; /* init's end of the link */
        struct sockaddr_in address;
        int listener, memory;
        bool idle, busy, answered, stopping, gone;
};

/* ---- who makes the place ---- */

static int ports_open(void *owner) {
        struct world *w = owner;

        remote_connected(w->e, TAKE_FD(w->near_fd));
        return 0;
}

static void ports_serve(void *owner, int fd) {
        fd_close(fd);
}

static void ports_remove(void *owner) {
}

static const struct remote_ports ports = { .open = ports_open, .serve = ports_serve, .remove = ports_remove };

/* ---- the owner ---- */

static void on_started(struct environment *e) {
        must(!((struct world *)e->owner)->gone);
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        struct world *w = e->owner;

        must(!w->gone && !w->idle && !w->busy);
        w->idle = !w->stopping;
}

static void on_head(struct environment *e, const char *content_type) {
        must(((struct world *)e->owner)->busy);
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        must(((struct world *)e->owner)->busy);
}

static void on_answered(struct environment *e, struct invocation_answer *answer) {
        struct world *w = e->owner;

        must(w->busy && !w->answered);
        w->answered = true;
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        struct world *w = e->owner;

        must(w->busy && w->answered);
        w->busy = w->answered = false;
        w->idle = !w->stopping && !e->ending;
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        must(len && line[len - 1] == '\n');
}

static void on_gone(struct environment *e, const char *why) {
        struct world *w = e->owner;

        must(!w->gone && !w->busy && why);
        w->gone = true;
        TAKE(w->e)->ops->free(e);
}

static const struct environment_events events = {
        .started = on_started,
        .ready = on_ready,
        .head = on_head,
        .chunk = on_chunk,
        .answered = on_answered,
        .idle = on_idle,
        .log = on_log,
        .gone = on_gone,
};

/* ---- what happens ---- */

static int some_fd(struct world *w) {
        int ends[2];

        switch (next_byte(&w->words) % 8) {
        case 0:
        case 1:
        case 2:
                return dup(w->listener);
        case 3:
        case 4:
                return dup(w->memory);
        case 5:
                return open("/dev/null", O_RDWR | O_CLOEXEC);
        case 6:
                must(pipe2(ends, O_CLOEXEC) == 0);
                fd_close(ends[1]);
                return ends[0];
        default:
                return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        }
}

/* Mostly what there should be, in its order. */
static size_t choose_fds(struct world *w, const struct link_message *m, int fds[static 8]) {
        uint8_t how = next_byte(&w->words);
        size_t count = 0;

        if (m->type == LINK_OPENED && how % 4) {
                fds[count++] = dup(w->listener);
                fds[count++] = dup(w->memory);
                if (m->opened.handed & 1u << HANDED_PEAK)
                        fds[count++] = dup(w->memory);
                if (m->opened.handed & 1u << HANDED_DIAG)
                        fds[count++] = some_fd(w);
        } else if (m->type == LINK_OPENED || how % 32 == 0) {
                for (size_t i = how / 32 % 8; i; --i)
                        fds[count++] = some_fd(w);
        }
        return count;
}

static void say(struct world *w, const struct link_message *m) {
        struct buf frame = BUF_NULL(2 * LINK_FRAME_MAX);
        union {
                char bytes[CMSG_SPACE(8 * sizeof(int))];
                struct cmsghdr align;
        } control = {};
        struct iovec part;
        struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };
        int fds[8];
        size_t count = choose_fds(w, m, fds);

        must(link_encode(&frame, m) == 0);
        part = (struct iovec){ buf_data(&frame), frame.len };
        if (count) {
                head.msg_control = &control;
                head.msg_controllen = CMSG_SPACE(count * sizeof(int));
                control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
                                                  .cmsg_level = SOL_SOCKET,
                                                  .cmsg_type = SCM_RIGHTS };
                memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
        }
        if (sendmsg(w->fd, &head, MSG_NOSIGNAL) < 0)
                must(errno == EPIPE || errno == EAGAIN || errno == ECONNRESET);
        for (size_t i = 0; i < count; ++i)
                fd_close(fds[i]);
        buf_deinit(&frame);
}

static void runtime_speaks(struct world *w) {
        static const char *const texts[] = {
                "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                "POST /2018-06-01/runtime/invocation/" ID "/response HTTP/1.1\r\n"
                "Host: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}",
                "POST /2018-06-01/runtime/invocation/" ID "/response HTTP/1.1\r\n"
                "Host: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{}",
        };
        const char *text = texts[next_byte(&w->words) % ARRAY_SIZE(texts)];
        char sink[4096];

        if (w->runtime_fd < 0) {
                w->runtime_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (connect(w->runtime_fd, (struct sockaddr *)&w->address, sizeof(w->address)) < 0 &&
                    errno != EINPROGRESS)
                        w->runtime_fd = fd_close(w->runtime_fd);
        }
        if (w->runtime_fd < 0)
                return;
        while (recv(w->runtime_fd, sink, sizeof(sink), 0) > 0)
                ;
        if (send(w->runtime_fd, text, strlen(text), MSG_NOSIGNAL) < 0)
                w->runtime_fd = fd_close(w->runtime_fd);
}

static void invoke(struct world *w) {
        struct invocation_order order = { .request_id = ID,
                                          .arn = "a",
                                          .event = &w->event,
                                          .event_parts = 1,
                                          .stream = next_byte(&w->words) & 1,
                                          .timeout = 10 * SECOND };

        if (!w->idle || w->stopping)
                return;
        w->event = (struct iovec){ (char *)(uintptr_t) "{}", 2 };
        w->idle = false;
        w->busy = true;
        w->e->ops->invoke(w->e, &order);
}

static void turn(struct world *w) {
        char sink[4096];

        for (unsigned i = 0; i < 3; ++i)
                must(loop_turn(w->loop, 0) == 0);
        while (w->fd >= 0 && recv(w->fd, sink, sizeof(sink), 0) > 0)
                ; /* descriptors that come along are dropped */
}

static void one_event(struct world *w) {
        struct environment_stats stats;
        struct link_message m;

        switch (next_byte(&w->words) % 16) {
        case 0:
        case 1:
        case 2:
                runtime_speaks(w);
                break;
        case 3:
        case 4:
                invoke(w);
                break;
        case 5:
                if (w->idle)
                        w->e->ops->freeze(w->e);
                w->e->ops->thaw(w->e);
                break;
        case 6:
                if (next_byte(&w->words) % 4 == 0) {
                        w->stopping = true;
                        w->e->ops->stop(w->e);
                }
                break;
        case 7:
                if (next_byte(&w->words) % 8 == 0)
                        remote_lost(w->e, (enum remote_loss)(next_byte(&w->words) % 3), "lost");
                break;
        case 8:
                w->e->ops->stats(w->e, &stats);
                break;
        case 9:
                m = (struct link_message){ .type = LINK_OPENED, .opened.handed = 3 };
                say(w, &m);
                break;
        default:
                m = say_init(&w->words);
                say(w, &m);
        }
}

static void open_world(struct world *w) {
        static const char *const argv[] = { "/bootstrap", NULL };
        const struct link_message hello = { .type = LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION } };
        const struct environment_spec spec = { .id = "00112233445566778899aabbccddeeff",
                                               .account = "a",
                                               .region = "r",
                                               .function = "f",
                                               .version = "1",
                                               .runtime = "provided.al2023",
                                               .memory_mb = 128,
                                               .log_group = "g",
                                               .log_stream = "s" };
        const struct runtime_command command = {
                .argv = argv, .cwd = "/", .version_name = "v", .version_arn = "a"
        };
        struct remote_options options = { .spec = &spec, .command = &command, .ports = &ports, .owner = w };
        socklen_t len = sizeof(w->address);
        int ends[2];

        must(loop_new(&w->loop) == 0);
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        w->fd = ends[0];
        w->near_fd = ends[1];
        w->runtime_fd = -1;
        w->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        must(bind(w->listener, (struct sockaddr *)&w->address, len) == 0 && listen(w->listener, 8) == 0);
        must(getsockname(w->listener, (struct sockaddr *)&w->address, &len) == 0);
        w->memory = memfd_create("memory", MFD_CLOEXEC);
        must(write(w->memory, "1048576\n", 8) == 8);
        options.loop = w->loop;
        options.shared_network = next_byte(&w->words) % 8 == 0;
        w->e = remote_new(&options);
        w->e->events = &events;
        w->e->owner = w;
        must(w->e->ops->start(w->e) == 0);
        say(w, &hello);
}

/* However it stands, the end of the link ends it. */
static void end_world(struct world *w) {
        w->fd = fd_close(w->fd);
        turn(w);
        must(w->gone);
        must(loop_next_due(w->loop) == NSEC_NEVER);
        loop_free(w->loop);
        fd_close(w->listener);
        fd_close(w->memory);
        fd_close(w->runtime_fd);
}

static size_t open_fds(void) {
        DIR *dir = opendir("/proc/self/fd");
        size_t count = 0;

        must(dir);
        while (readdir(dir))
                ++count;
        closedir(dir);
        return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct world w = { .words = { data, size } };
        size_t before = open_fds();

        open_world(&w);
        for (unsigned steps = 0; w.words.left && !w.gone && steps < 200; ++steps) {
                one_event(&w);
                turn(&w);
        }
        end_world(&w);
        must(open_fds() == before);
        return 0;
}
