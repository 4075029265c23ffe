/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of a link whose place is lent to it: the test plays a lambent-init that hands over too little, too
 * much or the wrong things, that lies, says nothing or dies. What it does well is tested with a real far end
 * (stage_lent.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "http/peer.h"
#include "runtime/remote_private.h"

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
#define PATIENCE (10 * SECOND)

struct near {
        struct loop *loop;
        struct environment *e;
        struct line init; /* the other end */
        struct buf events, log;
        unsigned said[LINK_TYPES]; /* how often init was told each of them */
        char *cwd, *init_why;
        int output, port, runtime_fd;
        bool shared_network, connects_nothing, asks_why;
        unsigned link_losses, removes;
        const char *why_lost;
        enum remote_loss how_lost;
        struct iovec event;
        /* The listener and so on that OPENED is to hand over; -1: not. */
        int fds[HANDED_MOST];
        uint32_t peer_uid;
};

/* ---- init ---- */

static const char *on_message(struct line *line, const struct link_message *m) {
        struct near *n = container_of(line, struct near, init);

        ++n->said[m->type];
        if (m->type == LINK_OPEN)
                n->output = line_take_fd(line);
        return NULL;
}

static void on_init_end(struct line *line, const char *why) {
        container_of(line, struct near, init)->init_why = xstrdup(why);
}

static const struct line_ops init_ops = { .on_message = on_message, .on_end = on_init_end };

#define SAY(n, kind, ...) line_send(&(n)->init, &(const struct link_message){ .type = kind, ##__VA_ARGS__ })

/* ---- who makes the place ---- */

static int ports_open(void *owner) {
        struct near *n = owner;
        int ends[2];

        if (n->connects_nothing)
                return 0;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        assert_int_equal(line_open(&n->init, ends[0], ends[0]), 0);
        line_expect_fds(&n->init, 1);
        remote_connected(n->e, ends[1]);
        return 0;
}

static void ports_link_lost(void *owner) {
        struct near *n = owner;

        ++n->link_losses;
        if (n->why_lost)
                remote_lost(n->e, n->how_lost, n->why_lost);
}

static void ports_remove(void *owner) {
        ++((struct near *)owner)->removes;
}

static const struct remote_ports ports = { .open = ports_open,
                                           .link_lost = ports_link_lost,
                                           .remove = ports_remove };
static const struct remote_ports silent_ports = { .open = ports_open, .remove = ports_remove };

/* ---- the owner ---- */

static void note(struct environment *e, const char *text, const char *more) {
        struct near *n = e->owner;

        assert_int_equal(buf_append_strs(&n->events, text, more, "\n", NULL), 0);
}

static void on_started(struct environment *e) {
        note(e, "started", "");
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        note(e, "ready", failed ? " failed" : "");
}

static void on_answered(struct environment *e, struct invocation_answer *a) {
        AUTO(str)
        char *text = xasprintf("%s %s %.*s", invocation_outcome_name(a->outcome), a->error_type ?: "-",
                               (int)a->payload->len, a->payload->len ? buf_data(a->payload) : "");

        note(e, "answered ", text);
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        note(e, "idle ", invocation_outcome_name(report->outcome));
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        assert_int_equal(buf_append(&((struct near *)e->owner)->log, line, len), 0);
}

static void on_gone(struct environment *e, const char *why) {
        note(e, "gone ", why);
        TAKE(((struct near *)e->owner)->e)->ops->free(e);
}

static const struct environment_events events = {
        .started = on_started,
        .ready = on_ready,
        .answered = on_answered,
        .idle = on_idle,
        .log = on_log,
        .gone = on_gone,
};

static const char *text_of(struct buf *buf) {
        assert_int_equal(buf_append(buf, "", 1), 0);
        buf->len -= 1;
        return buf_data(buf);
}

/* ---- scenes ---- */

static void turn(struct near *n) {
        for (unsigned i = 0; i < 10; ++i)
                assert_int_equal(loop_turn(n->loop, 0), 0);
}

/* Turns until the owner has heard it. */
static void await(struct near *n, const char *event) {
        nsec_t until = loop_clock(n->loop) + PATIENCE;

        while (!strstr(text_of(&n->events), event)) {
                if (loop_clock(n->loop) > until)
                        fail_msg("waited for '%s', heard:\n%s", event, text_of(&n->events));
                assert_int_equal(loop_turn(n->loop, 100 * MILLISECOND), 0);
        }
}

static void await_said(struct near *n, enum link_type type) {
        nsec_t until = loop_clock(n->loop) + PATIENCE;

        while (!n->said[type]) {
                assert_true(loop_clock(n->loop) < until);
                assert_int_equal(loop_turn(n->loop, 100 * MILLISECOND), 0);
        }
}

static int new_socket(struct near *n, int family, int type, uint32_t address) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
        socklen_t len = sizeof(in);
        int fd = socket(family, type | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        if (family == AF_INET) {
                assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
                assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
                n->port = ntohs(in.sin_port);
        }
        return fd;
}

static int new_listener(struct near *n, uint32_t address) {
        int fd = new_socket(n, AF_INET, SOCK_STREAM, address);

        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

static int new_memory(const char *text) {
        int fd = memfd_create("memory", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        return fd;
}

/* Up to OPEN; what OPENED would hand over well is in n->fds. */
static void begin(struct near *n) {
        static const char *const argv[] = { "/bootstrap", NULL };
        const struct environment_spec spec = { .account = "000000000000",
                                               .region = "us-east-1",
                                               .function = "f",
                                               .version = "$LATEST",
                                               .runtime = "provided.al2023",
                                               .log_group = "g",
                                               .log_stream = "s",
                                               .memory_mb = 128,
                                               .timeout = 3 * SECOND,
                                               .id = "00112233445566778899aabbccddeeff" };
        const struct runtime_command command = {
                .argv = argv, .cwd = "/", .version_name = "v", .version_arn = "a"
        };
        struct remote_options options = { .spec = &spec,
                                          .command = &command,
                                          .ports = n->asks_why ? &ports : &silent_ports,
                                          .owner = n,
                                          .shared_network = n->shared_network };

        n->events = n->log = BUF_NULL(MIB);
        n->output = n->runtime_fd = -1;
        assert_int_equal(loop_new(&n->loop), 0);
        options.loop = n->loop;
        line_init(&n->init, n->loop, LINK_INIT, &init_ops, n);
        n->e = remote_new(&options);
        n->e->events = &events;
        n->e->owner = n;
        n->fds[HANDED_LISTENER] = new_listener(n, INADDR_LOOPBACK);
        n->fds[HANDED_MEMORY] = new_memory("5242880\n");
        n->fds[HANDED_PEAK] = new_memory("10485760\n");
        n->fds[HANDED_DIAG] = n->shared_network ? peer_open_diag() : -1;
        n->peer_uid = geteuid();
        assert_int_equal(n->e->ops->start(n->e), 0);
        turn(n);
        assert_int_equal(n->said[LINK_OPEN], !n->connects_nothing);
        assert_int_equal(n->output >= 0, !n->connects_nothing);
}

static void opened_saying(struct near *n, uint32_t handed) {
        const struct link_message m = { .type = LINK_OPENED,
                                        .opened = { .handed = handed, .peer_uid = n->peer_uid } };
        int fds[HANDED_MOST];
        size_t count = 0;

        for (size_t i = 0; i < HANDED_MOST; ++i)
                if (n->fds[i] >= 0)
                        fds[count++] = TAKE_FD(n->fds[i]);
        line_send_fds(&n->init, &m, fds, count);
        turn(n);
}

static void opened(struct near *n) {
        uint32_t handed = 0;

        for (size_t i = 0; i < HANDED_MOST; ++i)
                handed |= n->fds[i] >= 0 ? 1u << i : 0;
        opened_saying(n, handed);
}

static void replace(int *fd, int with) {
        fd_close(*fd);
        *fd = with;
}

static void end(struct near *n) {
        if (n->e)
                n->e->ops->free(n->e);
        assert_int_equal(n->removes, 1);
        line_deinit(&n->init);
        for (size_t i = 0; i < HANDED_MOST; ++i)
                fd_close(n->fds[i]);
        fd_close(n->output);
        fd_close(n->runtime_fd);
        assert_int_equal(loop_next_due(n->loop), NSEC_NEVER);
        loop_free(n->loop);
        buf_deinit(&n->events), buf_deinit(&n->log);
        free(n->init_why);
}

static void connect_runtime(struct near *n) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t)n->port) };

        n->runtime_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(n->runtime_fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void runtime_says(struct near *n, const char *text) {
        assert_int_equal(send(n->runtime_fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
        turn(n);
}

static const char next[] = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n";
static const char answer[] = "POST /2018-06-01/runtime/invocation/" ID "/response HTTP/1.1\r\n"
                             "Host: 127.0.0.1:9001\r\nContent-Length: 2\r\n\r\n{}";

static void warm(struct near *n) {
        begin(n);
        opened(n);
        await_said(n, LINK_SPAWN);
        connect_runtime(n);
        runtime_says(n, next);
        await(n, "started\nready\n");
}

static void invoke(struct near *n) {
        struct invocation_order order = {
                .request_id = ID, .arn = "arn", .event = &n->event, .event_parts = 1, .timeout = 3 * SECOND
        };

        n->event = (struct iovec){ (char *)(uintptr_t) "{}", 2 };
        n->e->ops->invoke(n->e, &order);
        turn(n);
}

enum scene { OPENING, INIT, IDLE, RUNNING, ANSWERED, SCENES };

static void enter(struct near *n, enum scene scene) {
        if (scene == OPENING)
                begin(n);
        if (scene == INIT) {
                begin(n);
                opened(n);
                await_said(n, LINK_SPAWN);
        }
        if (scene >= IDLE)
                warm(n);
        if (scene >= RUNNING)
                invoke(n);
        if (scene == ANSWERED)
                runtime_says(n, answer);
}

/* ---- what is handed over ---- */

static void it_is_taken_and_used(void **state) {
        struct environment_stats stats;
        struct near n = {};
        struct stat st;

        begin(&n);
        assert_int_equal(fstat(n.output, &st), 0);
        assert_true(S_ISFIFO(st.st_mode) && (st.st_mode & 0666) == 0666); /* also by its name in /proc */
        opened(&n);
        await_said(&n, LINK_SPAWN);
        connect_runtime(&n);
        runtime_says(&n, next);
        await(&n, "started\nready\n");
        n.e->ops->stats(n.e, &stats);
        assert_int_equal(stats.memory, 5 * MIB);
        assert_int_equal(stats.memory_peak, 10 * MIB);
        assert_int_equal(stats.pid, getpid());
        assert_int_equal(write(n.output, "a line\n", 7), 7);
        turn(&n);
        assert_non_null(strstr(text_of(&n.log), "a line\n"));
        invoke(&n);
        runtime_says(&n, answer);
        runtime_says(&n, next);
        await(&n, "answered success - {}\nidle success\n");
        assert_non_null(strstr(text_of(&n.log), "Max Memory Used: 10 MB"));
        end(&n);
}

/* Where the kernel keeps no peak, it is the most that was seen. */
static void without_a_peak(void **state) {
        struct environment_stats stats;
        struct near n = {};
        int memory;

        begin(&n);
        replace(&n.fds[HANDED_PEAK], -1);
        memory = fcntl(n.fds[HANDED_MEMORY], F_DUPFD_CLOEXEC, 0);
        opened(&n);
        await_said(&n, LINK_SPAWN);
        n.e->ops->stats(n.e, &stats);
        assert_int_equal(stats.memory_peak, 5 * MIB);
        assert_int_equal(pwrite(memory, "1048576\n", 8, 0), 8);
        n.e->ops->stats(n.e, &stats);
        assert_int_equal(stats.memory, MIB);
        assert_int_equal(stats.memory_peak, 5 * MIB);
        fd_close(memory);
        end(&n);
}

#define NO_LISTENER "its Runtime API listener could not be registered"
#define NO_MEMORY "lambent-init handed over what does not tell the memory"
#define NO_DIAG "lambent-init handed over what does not tell whose a connection is"

static int wrong_null(struct near *n) {
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int wrong_pipe(struct near *n) {
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        fd_close(ends[1]);
        return ends[0];
}

static int wrong_disk_file(struct near *n) {
        return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int wrong_datagrams(struct near *n) {
        return new_socket(n, AF_INET, SOCK_DGRAM, INADDR_LOOPBACK);
}

static int wrong_unix(struct near *n) {
        const struct sockaddr_un any = { .sun_family = AF_UNIX };
        int fd = new_socket(n, AF_UNIX, SOCK_STREAM, 0);

        assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(sa_family_t)), 0);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

static int wrong_deaf(struct near *n) {
        return new_socket(n, AF_INET, SOCK_STREAM, INADDR_LOOPBACK);
}

static int wrong_everywhere(struct near *n) {
        return new_listener(n, INADDR_ANY);
}

static const struct wrong {
        enum link_handed which;
        int (*make)(struct near *n);
        const char *why;
} wrongs[] = {
        { HANDED_LISTENER, wrong_null, NO_LISTENER },
        { HANDED_LISTENER, wrong_pipe, NO_LISTENER },
        { HANDED_LISTENER, wrong_datagrams, NO_LISTENER },
        { HANDED_LISTENER, wrong_unix, NO_LISTENER },
        { HANDED_LISTENER, wrong_deaf, NO_LISTENER },
        { HANDED_LISTENER, wrong_everywhere, NO_LISTENER },
        { HANDED_MEMORY, wrong_null, NO_MEMORY },
        { HANDED_MEMORY, wrong_pipe, NO_MEMORY },
        { HANDED_MEMORY, wrong_deaf, NO_MEMORY },
        { HANDED_PEAK, wrong_null, NO_MEMORY },
        { HANDED_PEAK, wrong_pipe, NO_MEMORY },
        { HANDED_DIAG, wrong_null, NO_DIAG },
        { HANDED_DIAG, wrong_pipe, NO_DIAG },
        { HANDED_DIAG, wrong_deaf, NO_DIAG },
};

static void what_it_is_not(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(wrongs); ++i) {
                struct near n = {};
                AUTO(str) char *gone = xasprintf("gone %s\n", wrongs[i].why);

                begin(&n);
                replace(&n.fds[wrongs[i].which], wrongs[i].make(&n));
                opened(&n);
                await(&n, "gone ");
                assert_string_equal(text_of(&n.events), gone);
                assert_int_equal(n.said[LINK_START], 0);
                end(&n);
        }
}

/* A file of a disk may lie anywhere, also on a server that does not answer. */
static void a_file_that_may_wait(void **state) {
        struct near n = {};

        begin(&n);
        replace(&n.fds[HANDED_MEMORY], wrong_disk_file(&n));
        opened(&n);
        await(&n, "gone " NO_MEMORY "\n");
        end(&n);
}

/* Nothing came, or not all: the supervisor shall be over there, as over any other stream. */
static void too_little(void **state) {
        for (size_t missing = 0; missing <= HANDED_PEAK + 1; ++missing) {
                struct near n = {};

                begin(&n);
                for (size_t i = 0; i <= HANDED_PEAK; ++i)
                        if (missing == i || missing > HANDED_PEAK)
                                replace(&n.fds[i], -1);
                opened_saying(&n, 7);
                await_said(&n, LINK_START);
                SAY(&n, LINK_STARTED);
                SAY(&n, LINK_READY, .ready = { 1, MILLISECOND, false });
                await(&n, "started\nready\n");
                invoke(&n);
                assert_int_equal(n.said[LINK_INVOKE], 1);
                end(&n);
        }
}

static void too_much(void **state) {
        struct near n = {};
        int surplus[2];

        begin(&n);
        for (size_t i = 0; i < ARRAY_SIZE(surplus); ++i)
                surplus[i] = wrong_null(&n);
        line_send_fds(&n.init, &(const struct link_message){ .type = LINK_TUNNEL_CLOSE }, surplus,
                      ARRAY_SIZE(surplus));
        turn(&n);
        opened(&n);
        await(&n, "gone the other end of the link sent descriptors that nobody asked for\n");
        end(&n);
}

static void it_is_kept(void **state) {
        struct near n = {};

        begin(&n);
        SAY(&n, LINK_KEPT, .gone = { "no memory file" });
        await_said(&n, LINK_START);
        SAY(&n, LINK_STARTED);
        await(&n, "started\n");
        end(&n);
}

/* ---- whose a connection is ---- */

static void connections_of_others(void **state) {
        for (unsigned ours = 0; ours < 2; ++ours) {
                struct near n = { .shared_network = true };
                char byte;

                begin(&n);
                n.peer_uid += !ours;
                opened(&n);
                await_said(&n, LINK_SPAWN);
                connect_runtime(&n);
                runtime_says(&n, next);
                if (ours)
                        await(&n, "ready\n");
                else
                        assert_true(recv(n.runtime_fd, &byte, 1, 0) <= 0); /* closed without a word */
                end(&n);
        }
}

static void nobody_can_tell_whose(void **state) {
        struct near n = { .shared_network = true };

        begin(&n);
        replace(&n.fds[HANDED_DIAG], -1);
        opened(&n);
        await(&n, "gone lambent-init cannot tell whose a connection is\n");
        end(&n);
}

/* ---- lies ---- */

#define TURN "gone lambent-init said something out of its turn\n"

static const struct lie {
        enum scene scene;
        struct link_message m;
} lies[] = {
        { OPENING, { .type = LINK_EXIT } },
        { OPENING, { .type = LINK_EMPTIED } },
        { OPENING, { .type = LINK_STOP } },
        { OPENING, { .type = LINK_STARTED } },
        { OPENING, { .type = LINK_READY } },
        { INIT, { .type = LINK_KEPT } },
        { INIT, { .type = LINK_OPENED, .opened.handed = 3 } },
        { INIT, { .type = LINK_STARTED } },
        { INIT, { .type = LINK_READY } },
        { INIT, { .type = LINK_LOG, .log = { 1, { "line\n", 5 } } } },
        { INIT, { .type = LINK_STATS } },
        { INIT, { .type = LINK_EMPTIED } },
        { IDLE, { .type = LINK_EMPTIED } },
        { IDLE, { .type = LINK_EXIT, .exit = { PROCESS_EXTENSION, PLACE_EXITED, 0 } } },
        { RUNNING, { .type = LINK_EXIT, .exit = { PROCESS_EXTENSION + 9, PLACE_EXITED, 0 } } },
        { RUNNING, { .type = LINK_ANSWERED, .answered = { 1, OUTCOME_OK } } },
        { RUNNING, { .type = LINK_PAYLOAD, .part = { 1, { "x", 1 } } } },
        { ANSWERED, { .type = LINK_IDLE, .idle.number = 1 } },
};

static void lies_end_it(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(lies); ++i) {
                struct near n = {};

                enter(&n, lies[i].scene);
                line_send(&n.init, &lies[i].m);
                await(&n, TURN);
                end(&n);
        }
}

/* The same process ends once. */
static void an_end_that_is_told_twice(void **state) {
        struct near n = {};

        warm(&n);
        SAY(&n, LINK_EXIT, .exit = { PROCESS_RUNTIME, PLACE_EXITED, 1 });
        SAY(&n, LINK_EXIT, .exit = { PROCESS_RUNTIME, PLACE_EXITED, 1 });
        await(&n, TURN);
        end(&n);
}

/* ---- ends ---- */

static const struct loss_case {
        enum remote_loss loss;
        const char *why, *answered, *idle, *log;
} losses[] = {
        { REMOTE_BROKEN, "somebody removed the container",
          "answered sandbox-failure Sandbox.Failure {\"errorType\":\"Sandbox.Failure\",\"errorMessage\":\"RequestId: " ID
          " Error: somebody removed the container\"}\n",
          "idle sandbox-failure\n", "Status: failure\tError Type: Sandbox.Failure\n" },
        { REMOTE_EXITED, "the container was killed",
          "answered exit Runtime.ExitError {\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " ID
          " Error: the container was killed\"}\n",
          "idle exit\n", "Error: the container was killed\nRuntime.ExitError\nEND " },
        { REMOTE_OUT_OF_MEMORY, "the container ran out of memory",
          "answered out-of-memory Runtime.OutOfMemory {\"errorType\":\"Runtime.OutOfMemory\",\"errorMessage\":\"RequestId: " ID
          " Error: Runtime exited with error: signal: killed\"}\n",
          "idle out-of-memory\n", "Status: error\tError Type: Runtime.OutOfMemory\n" },
};

/* In any state, whoever tells it, and whether the link's end is seen first: one answer, one idle, gone. */
static void it_is_lost(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(losses); ++i)
                for (enum scene scene = OPENING; scene < SCENES; ++scene)
                        for (unsigned link_first = 0; link_first < 2; ++link_first) {
                                struct near n = { .asks_why = true,
                                                  .why_lost = losses[i].why,
                                                  .how_lost = losses[i].loss };
                                const char *heard;

                                enter(&n, scene);
                                assert_true(n.output < 0 || write(n.output, "last words", 10) == 10);
                                if (link_first)
                                        line_deinit(&n.init);
                                else
                                        remote_lost(n.e, losses[i].loss, losses[i].why);
                                await(&n, "gone ");
                                heard = text_of(&n.events);
                                assert_int_equal(strstr(heard, losses[i].answered) != NULL, scene == RUNNING);
                                if (scene == RUNNING)
                                        assert_non_null(strstr(heard, losses[i].idle));
                                if (scene == RUNNING) {
                                        assert_non_null(strstr(text_of(&n.log), "last words"));
                                        assert_non_null(strstr(text_of(&n.log), losses[i].log));
                                }
                                if (scene == ANSWERED)
                                        assert_non_null(strstr(heard, "answered success - {}\nidle "));
                                /* What nobody waits for needs no reason. */
                                assert_int_equal(n.link_losses,
                                                 link_first && scene != IDLE && scene != ANSWERED);
                                end(&n);
                        }
}

/* Nobody says why: after a while it is the sandbox's failure. */
static void nobody_knows_why(void **state) {
        struct near n = { .asks_why = true };

        enter(&n, RUNNING);
        line_deinit(&n.init);
        await(&n, "gone the link has ended\n");
        assert_non_null(strstr(text_of(&n.events), "answered sandbox-failure Sandbox.Failure "));
        end(&n);
}

/* The link is gone, and before anybody says why the owner wants the end. */
static void stopped_while_the_reason_is_awaited(void **state) {
        struct near n = { .asks_why = true };

        enter(&n, RUNNING);
        line_deinit(&n.init);
        turn(&n);
        assert_int_equal(n.link_losses, 1);
        n.e->ops->stop(n.e);
        await(&n, "gone the link has ended\n");
        assert_non_null(strstr(text_of(&n.events), "the execution environment was stopped"));
        end(&n);
}

static void stopped(void **state) {
        for (enum scene scene = OPENING; scene < SCENES; ++scene) {
                struct near n = {};

                enter(&n, scene);
                n.e->ops->stop(n.e);
                await_said(&n, scene == OPENING ? LINK_STOP : LINK_KILL);
                if (scene == OPENING) {
                        opened(&n); /* it had not heard of that yet */
                        SAY(&n, LINK_GONE, .gone = { "stopped" });
                } else {
                        SAY(&n, LINK_EXIT, .exit = { PROCESS_RUNTIME, PLACE_SIGNALED, SIGKILL });
                        SAY(&n, LINK_EMPTIED);
                }
                await(&n, "gone stopped\n");
                turn(&n);
                assert_string_equal(n.init_why, "the link has ended"); /* and so init goes */
                end(&n);
        }
}

static void stopped_before_there_is_a_link(void **state) {
        struct near n = { .connects_nothing = true };

        begin(&n);
        n.e->ops->stop(n.e);
        await(&n, "gone stopped\n");
        end(&n);
}

/* Somebody has asked the container to end, as `docker stop` does. */
static void asked_to_stop_by_init(void **state) {
        struct near n = {};

        enter(&n, RUNNING);
        SAY(&n, LINK_STOP);
        await_said(&n, LINK_KILL);
        SAY(&n, LINK_EMPTIED);
        await(&n, "gone stopped\n");
        assert_non_null(strstr(text_of(&n.events), "the execution environment was stopped"));
        end(&n);
}

/* It cannot open: nothing is lent, and nothing else is tried. */
static void it_cannot_open(void **state) {
        struct near n = {};

        begin(&n);
        SAY(&n, LINK_GONE, .gone = { "Address already in use" });
        await(&n, "gone Address already in use\n");
        end(&n);
}

/* An init that kills nobody is given up. */
static void a_kill_without_an_answer(void **state) {
        struct near n = {};

        enter(&n, RUNNING);
        SAY(&n, LINK_EXIT, .exit = { PROCESS_RUNTIME, PLACE_EXITED, 3 });
        await_said(&n, LINK_KILL);
        await(&n, "gone lambent-init did not answer in time\n");
        assert_non_null(strstr(text_of(&n.events), "answered exit Runtime.ExitError "));
        end(&n);
}

static void it_is_freed(void **state) {
        for (enum scene scene = OPENING; scene < SCENES; ++scene) {
                struct near n = {};
                struct environment *e;

                enter(&n, scene);
                e = TAKE(n.e);
                e->ops->free(e);
                turn(&n);
                assert_string_equal(n.init_why, "the link has ended");
                end(&n);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_taken_and_used),
                cmocka_unit_test(without_a_peak),
                cmocka_unit_test(what_it_is_not),
                cmocka_unit_test(a_file_that_may_wait),
                cmocka_unit_test(too_little),
                cmocka_unit_test(too_much),
                cmocka_unit_test(it_is_kept),
                cmocka_unit_test(connections_of_others),
                cmocka_unit_test(nobody_can_tell_whose),
                cmocka_unit_test(lies_end_it),
                cmocka_unit_test(an_end_that_is_told_twice),
                cmocka_unit_test(it_is_lost),
                cmocka_unit_test(nobody_knows_why),
                cmocka_unit_test(stopped_while_the_reason_is_awaited),
                cmocka_unit_test(stopped),
                cmocka_unit_test(stopped_before_there_is_a_link),
                cmocka_unit_test(asked_to_stop_by_init),
                cmocka_unit_test(it_cannot_open),
                cmocka_unit_test(a_kill_without_an_answer),
                cmocka_unit_test(it_is_freed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
