/* SPDX-License-Identifier: Apache-2.0 */
#include "container.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PATIENCE (20 * SECOND)

bool container_can_run(void) {
        pid_t pid = fork();
        int status = 1;

        if (pid == 0)
                _exit(unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET) == 0 ? 0 : 1);
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 && geteuid() == 0;
}

/* ---- the owner ---- */

static void note(struct container *c, const char *kind, const char *text) {
        assert_int_equal(buf_append_strs(&c->events, kind, text, "\n", NULL), 0);
}

static void on_started(struct environment *e) {
        note(e->owner, "started", "");
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        note(e->owner, "ready", failed ? " failed" : "");
}

static void on_head(struct environment *e, const char *content_type) {
        note(e->owner, "head ", content_type ?: "-");
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        struct container *c = e->owner;

        assert_int_equal(buf_append(&c->chunks, data, len), 0);
        if (!c->hold_credit)
                e->ops->credit(e, len);
}

static void on_answered(struct environment *e, struct invocation_answer *a) {
        AUTO(str) char *size = xasprintf("(%zu bytes)", a->payload->len);
        AUTO(str) char *text =
                a->payload->len > 16384 ? TAKE(size) : xmemdup(buf_data(a->payload) ?: "", a->payload->len);
        AUTO(str) char *line =
                xasprintf("%s %s %s", invocation_outcome_name(a->outcome), a->error_type ?: "-", text);

        note(e->owner, "answered ", line);
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        note(e->owner, "idle ", invocation_outcome_name(report->outcome));
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        assert_int_equal(buf_append(&((struct container *)e->owner)->log, line, len), 0);
}

static void on_gone(struct environment *e, const char *why) {
        struct container *c = e->owner;

        c->gone = true;
        note(c, "gone ", why);
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

/* ---- the place's maker ---- */

/* Its /opt is its own, with the extension in it. */
#define SETUP \
        "mount -t tmpfs opt /opt && if [ -n \"$EXTENSION\" ]; then mkdir /opt/extensions && printf %s \"$EXTENSION\" >/opt/extensions/ext && " \
        "chmod 755 /opt/extensions/ext; fi && unset EXTENSION && exec \"$0\" \"$@\""

static _Noreturn void become_container(struct container *c, int in, int out) {
        const char *const arguments[] = { "unshare",
                                          "-p",
                                          "-f",
                                          "-n",
                                          "-i",
                                          "-u",
                                          "--mount-proc",
                                          "--kill-child",
                                          "sh",
                                          "-c",
                                          SETUP,
                                          getenv("LAMBENT_INIT"),
                                          c->transport == OVER_SOCKET ? "--socket" : "--stdio",
                                          c->transport == OVER_SOCKET ? c->socket : NULL,
                                          NULL };
        AUTO(str) char *extension = xstrcat("EXTENSION=", c->extension ?: "", NULL);
        char *const envp[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"IMAGE=yes",
                               (char *)"HOSTNAME=h", extension, NULL };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (c->transport == OVER_STDIO && (dup2(in, 0) < 0 || dup2(out, 1) < 0))
                _exit(126);
        execvpe("unshare", (char *const *)(uintptr_t)arguments, envp);
        _exit(127);
}

static void on_connection(struct source *source, uint32_t happened) {
        struct container *c = container_of(source, struct container, listener);
        int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
                return;
        unlink(c->socket);
        source_remove(&c->listener);
        c->listen_fd = fd_close(c->listen_fd);
        remote_connected(c->e, fd);
}

static void listen_for_init(struct container *c) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        str_fit(address.sun_path, sizeof(address.sun_path), c->socket);
        c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(c->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(c->listen_fd, 1), 0);
        assert_int_equal(source_add(c->loop, &c->listener, c->listen_fd, EPOLLIN | EPOLLET, RANK_NORMAL,
                                    on_connection),
                         0);
}

/* As an engine's attach: bytes out of one descriptor, into another. */
static ssize_t write_stdin(void *owner, const void *data, size_t len) {
        struct container *c = owner;
        ssize_t n = write(c->stdio[1], data, len);

        return n >= 0 ? n : errno == EAGAIN ? 0 : -errno;
}

static void close_stdio(void *owner) {
        struct container *c = owner;

        source_remove(&c->in);
        c->stdio[0] = fd_close(c->stdio[0]);
        c->stdio[1] = fd_close(c->stdio[1]);
}

static void on_stdout(struct source *source, uint32_t happened) {
        struct container *c = container_of(source, struct container, in);
        char data[8192];
        ssize_t n = 1;

        if (happened & EPOLLOUT)
                remote_writable(c->e);
        while (n > 0 && c->stdio[0] >= 0) {
                n = read(c->stdio[0], data, sizeof(data));
                if (n > 0)
                        remote_feed(c->e, data, (size_t)n);
        }
        /* ECONNRESET: it ended with words of ours unread. */
        if (c->stdio[0] >= 0 && (n == 0 || errno != EAGAIN))
                remote_ended(c->e);
}

static const struct line_transport stdio_transport = { .write = write_stdin, .close = close_stdio };

static int open_container(void *owner) {
        struct container *c = owner;
        int down[2] = { -1, -1 };

        if (c->transport == OVER_SOCKET)
                listen_for_init(c);
        else
                assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, down), 0);
        c->pid = fork();
        if (c->pid == 0)
                become_container(c, down[1], down[1]);
        assert_true(c->pid > 0);
        if (c->transport == OVER_STDIO) {
                close(down[1]);
                c->stdio[0] = down[0];
                c->stdio[1] = fcntl(down[0], F_DUPFD_CLOEXEC, 3);
                assert_int_equal(fcntl(down[0], F_SETFL, O_NONBLOCK), 0);
                assert_int_equal(source_add(c->loop, &c->in, c->stdio[0], 0, RANK_NORMAL, on_stdout), 0);
                remote_attach(c->e, &stdio_transport, c);
        }
        return 0;
}

static void serve(void *owner, int fd) {
        ++((struct container *)owner)->served;
        close(fd);
}

static void remove_container(void *owner) {
}

static const struct remote_ports ports = { .open = open_container,
                                           .serve = serve,
                                           .remove = remove_container };

/* ---- life ---- */

void container_set(struct container *c, enum transport transport) {
        *c = (struct container){
                .transport = transport,
                .word = "by-event",
                .listen_fd = -1,
                .stdio = { -1, -1 },
                .events = BUF_NULL(MIB),
                .log = BUF_NULL(64 * MIB),
                .chunks = BUF_NULL(256 * MIB),
                .event_text = BUF_NULL(PAYLOAD_MAX),
        };
        assert_int_equal(loop_new(&c->loop), 0);
        str_fit(c->dir, sizeof(c->dir), "/tmp/lambent-init-test-XXXXXX");
        assert_non_null(mkdtemp(c->dir));
        assert_int_equal(chmod(c->dir, 0755), 0);
        snprintf(c->socket, sizeof(c->socket), "%s/link", c->dir);
        snprintf(c->guest, sizeof(c->guest), "%s/bootstrap", c->dir);
}

static void copy_guest(struct container *c) {
        AUTO(fd) int from = open(getenv("LAMBENT_GUEST"), O_RDONLY | O_CLOEXEC);
        AUTO(fd) int to = open(c->guest, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        char data[65536];
        ssize_t n;

        assert_true(from >= 0 && to >= 0);
        while ((n = read(from, data, sizeof(data))) > 0)
                assert_int_equal(write(to, data, (size_t)n), n);
}

void container_begin(struct container *c) {
        const char *const argv[] = { c->guest, NULL };
        const struct env_var vars[] = { { "MINE", "1" } };
        struct environment_spec spec = { .account = "000000000000",
                                         .region = "us-east-1",
                                         .function = "f",
                                         .version = "$LATEST",
                                         .runtime = "provided.al2023",
                                         .handler = c->word,
                                         .vars = vars,
                                         .var_count = 1,
                                         .memory_mb = 128,
                                         .timeout = 3 * SECOND,
                                         .log_group = "/aws/lambda/f",
                                         .log_stream = "s" };
        struct runtime_command command = {
                .argv = argv, .cwd = c->dir, .version_name = "v", .version_arn = "arn"
        };
        struct remote_options options = { .loop = c->loop,
                                          .spec = &spec,
                                          .command = &command,
                                          .ports = &ports,
                                          .owner = c,
                                          .uid = c->uid,
                                          .localhost_ports = c->ports,
                                          .localhost_port_count = c->port_count };

        copy_guest(c);
        random_hex_id(spec.id);
        c->e = remote_new(&options);
        c->e->events = &events;
        c->e->owner = c;
        assert_int_equal(c->e->ops->start(c->e), 0);
}

void container_start(struct container *c) {
        container_begin(c);
        container_await(c, "ready");
}

/* Everything of it has died when the one who made its namespaces sees its PID 1 end. */
void container_end(struct container *c) {
        c->e->ops->free(c->e);
        if (c->pid > 0)
                assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
        source_remove(&c->listener);
        fd_close(c->listen_fd);
        loop_free(c->loop);
        buf_deinit(&c->events), buf_deinit(&c->log), buf_deinit(&c->chunks), buf_deinit(&c->event_text);
        unlink(c->guest), unlink(c->socket);
        assert_int_equal(rmdir(c->dir), 0);
}

void container_invoke(struct container *c, const char *event) {
        char id[UUID_LEN + 1];

        buf_clear(&c->event_text);
        assert_int_equal(buf_append_str(&c->event_text, event), 0);
        random_uuid(id);
        c->event = (struct iovec){ buf_data(&c->event_text), c->event_text.len };
        c->order.request_id = id;
        c->order.arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        c->order.event = &c->event;
        c->order.event_parts = 1;
        if (!c->order.timeout)
                c->order.timeout = 10 * SECOND;
        c->e->ops->invoke(c->e, &c->order);
}

/* Up to and with the line; NULL: it has not come. */
static char *take_line(struct container *c, const char *event) {
        const char *start = buf_data(&c->events), *end = start + c->events.len;

        for (const char *at = start; c->events.len && at < end;) {
                const char *stop = memchr(at, '\n', (size_t)(end - at));
                size_t len = (size_t)(stop - at);

                if (len >= strlen(event) && memcmp(at, event, strlen(event)) == 0) {
                        char *line = xmemdup(at, len);

                        buf_consume(&c->events, (size_t)(stop + 1 - start));
                        return line;
                }
                at = stop + 1;
        }
        return NULL;
}

const char *container_await(struct container *c, const char *event) {
        static char kept[20000];
        nsec_t until = loop_clock(c->loop) + PATIENCE;

        for (;;) {
                AUTO(str) char *line = take_line(c, event);

                if (line) {
                        str_fit(kept, sizeof(kept), line);
                        return kept;
                }
                if (loop_clock(c->loop) > until)
                        fail_msg("waited for '%s', have:\n%.*s\n%.*s", event, (int)c->events.len,
                                 buf_data(&c->events), (int)c->log.len, buf_data(&c->log));
                assert_int_equal(loop_turn(c->loop, 100 * MILLISECOND), 0);
        }
}

const char *container_ask(struct container *c, const char *event) {
        static char kept[20000];

        container_invoke(c, event);
        str_fit(kept, sizeof(kept), container_await(c, "answered "));
        container_await(c, "idle ");
        return kept + strlen("answered ");
}
