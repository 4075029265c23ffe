/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "runtime/line.h"

#define PATIENCE (10 * SECOND)

static void tell_number(int fd, uint64_t number) {
        if (fd >= 0)
                assert_true(dprintf(fd, "%" PRIu64 "\n", number) > 0 && lseek(fd, 0, SEEK_SET) == 0);
}

/* What the place says when it is asked stands in its descriptors before anybody asks. */
static void show_in_descriptors(struct stage *st) {
        if (st->output_fd >= 0 && st->late_output)
                stage_output(st, TAKE(st->late_output));
        tell_number(st->memory_fd, 5 * MIB);
        tell_number(st->peak_fd, st->peak);
}

static void turn(struct stage *st, nsec_t most) {
        show_in_descriptors(st);
        ++st->turning;
        assert_int_equal(loop_turn(st->loop, most), 0);
        --st->turning;
}

void stage_arrive(struct stage *st) {
        if (stage_is_linked && !st->turning)
                stage_settle(st);
}

/* ---- the place ---- */

static struct stage *stage_of(struct place *place) {
        return container_of(place, struct stage, place);
}

static int new_listener(struct stage *st) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 64), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        st->port = ntohs(address.sin_port);
        return fd;
}

/* A place that was freed, as it is when the far end of a link has said gone, is silent. */
static bool place_is_gone(const struct stage *st) {
        return st->frees > 0;
}

void stage_open_now(struct stage *st) {
        char address[32];
        int fd = -1;

        if (place_is_gone(st))
                return;
        if (st->bad_listener)
                fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        else if (!st->no_listener)
                fd = new_listener(st);

        snprintf(address, sizeof(address), "127.0.0.1:%d", st->port);
        st->place.events->on_opened(&st->place, fd, address);
        stage_arrive(st);
}

static void on_opened(struct defer *defer) {
        stage_open_now(container_of(defer, struct stage, opened));
}

static int place_open(struct place *place) {
        struct stage *st = stage_of(place);

        ++st->opens;
        if (st->open_error)
                return -st->open_error;
        if (!st->hold_open)
                defer_call(st->loop, &st->opened, on_opened);
        return 0;
}

static void forget_env(struct stage *st) {
        for (char **var = st->envp; var && *var; ++var)
                free(*var);
        free(TAKE(st->envp));
}

static void keep_env(struct stage *st, const char *const *envp) {
        size_t count = 0;

        forget_env(st);
        while (envp[count])
                ++count;
        st->envp = xcalloc(count + 1, sizeof(*st->envp));
        for (size_t i = 0; i < count; ++i)
                st->envp[i] = xstrdup(envp[i]);
}

static int place_spawn(struct place *place, const struct process_spec *spec) {
        struct stage *st = stage_of(place);

        if (spec->process == PROCESS_RUNTIME) {
                ++st->spawns;
                keep_env(st, spec->envp);
                return -st->spawn_error;
        }
        assert_int_equal(buf_printf(&st->asked, "spawn %u %s\n", spec->process, spec->argv[0]), 0);
        assert_null(spec->argv[1]);
        assert_string_equal(spec->cwd, "/");
        buf_clear(&st->extension_env);
        for (const char *const *var = spec->envp; *var; ++var)
                assert_int_equal(buf_printf(&st->extension_env, "%s\n", *var), 0);
        return spec->process == st->spawn_error_of ? -EAGAIN : 0;
}

static void place_signal(struct place *place, unsigned process, int signal_number) {
        struct stage *st = stage_of(place);

        assert_int_equal(
                buf_printf(&st->asked, "%s %u\n", signal_number == SIGTERM ? "SIGTERM" : "SIGKILL", process),
                0);
}

void stage_empty_now(struct stage *st) {
        if (place_is_gone(st))
                return;
        st->place.events->on_emptied(&st->place);
        stage_arrive(st);
}

static void on_emptied(struct defer *defer) {
        stage_empty_now(container_of(defer, struct stage, emptied));
}

static void place_kill(struct place *place) {
        struct stage *st = stage_of(place);

        ++st->kills;
        if (!st->hold_empty)
                defer_call(st->loop, &st->emptied, on_emptied);
}

static void place_drain(struct place *place) {
        struct stage *st = stage_of(place);
        const char *text = TAKE(st->late_output);

        ++st->drains;
        if (text)
                stage_output(st, text);
}

static int place_freeze(struct place *place) {
        struct stage *st = stage_of(place);

        ++st->freezes;
        return -st->freeze_error;
}

static void place_thaw(struct place *place) {
        ++stage_of(place)->thaws;
}

static bool place_peer_is_ours(struct place *place, int fd) {
        return !stage_of(place)->refuse_peers;
}

static uint64_t place_peak(struct place *place) {
        return stage_of(place)->peak;
}

static uint64_t place_current(struct place *place) {
        return 5 * MIB;
}

static pid_t place_pid(struct place *place) {
        return 77;
}

static void place_free(struct place *place) {
        struct stage *st = stage_of(place);

        ++st->frees;
        st->output_fd = fd_close(st->output_fd);
        defer_cancel(&st->opened);
        defer_cancel(&st->emptied);
}

static const struct place_ops place_ops = {
        .open = place_open,
        .spawn = place_spawn,
        .signal = place_signal,
        .kill = place_kill,
        .drain_output = place_drain,
        .freeze = place_freeze,
        .thaw = place_thaw,
        .peer_is_ours = place_peer_is_ours,
        .peak_memory = place_peak,
        .current_memory = place_current,
        .pid = place_pid,
        .free = place_free,
};

void stage_exit(struct stage *st, enum place_end end, int detail) {
        if (place_is_gone(st))
                return;
        st->place.events->on_exit(&st->place, PROCESS_RUNTIME, end, detail);
        stage_arrive(st);
}

void stage_exit_of(struct stage *st, unsigned process, enum place_end end, int detail) {
        if (place_is_gone(st))
                return;
        st->place.events->on_exit(&st->place, process, end, detail);
        stage_arrive(st);
}

void stage_output(struct stage *st, const char *text) {
        size_t len = strlen(text);

        if (place_is_gone(st))
                return;
        if (st->output_fd < 0) {
                st->place.events->on_output(&st->place, text, len);
                return;
        }
        while (len) {
                size_t part = MIN(len, 64 * KIB);

                assert_int_equal(write(st->output_fd, text, part), (ssize_t)part);
                stage_arrive(st);
                text += part;
                len -= part;
        }
}

void stage_lose(struct stage *st, const char *why) {
        if (place_is_gone(st))
                return;
        st->place.events->on_lost(&st->place, why);
        stage_arrive(st);
}

/* ---- the owner ---- */

static void on_started(struct environment *e) {
        struct stage *st = e->owner;

        assert_int_equal(buf_append_str(&st->events, "started\n"), 0);
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        struct stage *st = e->owner;

        assert_int_equal(buf_printf(&st->events, "ready%s\n", failed ? " failed" : ""), 0);
}

static void on_head(struct environment *e, const char *content_type) {
        struct stage *st = e->owner;

        assert_int_equal(buf_printf(&st->events, "head %s\n", content_type ? content_type : "-"), 0);
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        struct stage *st = e->owner;

        assert_int_equal(buf_append(&st->chunks, data, len), 0);
        if (st->auto_credit)
                e->ops->credit(e, len);
}

static void on_answered(struct environment *e, struct invocation_answer *a) {
        struct stage *st = e->owner;
        size_t len = a->payload->len;

        assert_int_equal(a->is_error, a->outcome != OUTCOME_OK);
        assert_int_equal(buf_printf(&st->events, "answered %s %s %s ", invocation_outcome_name(a->outcome),
                                    a->error_type ? a->error_type : "-",
                                    a->content_type ? a->content_type : "-"),
                         0);
        if (len > 4096)
                assert_int_equal(buf_printf(&st->events, "(%zu bytes)\n", len), 0);
        else
                assert_int_equal(buf_printf(&st->events, "%.*s\n", (int)len, len ? buf_data(a->payload) : ""),
                                 0);
        st->order = (struct invocation_order){}; /* its strings are the owner's again */
        st->event.iov_base = NULL;
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        struct stage *st = e->owner;

        st->report = *report;
        assert_int_equal(buf_printf(&st->events, "idle %s%s%s\n", invocation_outcome_name(report->outcome),
                                    report->error_type ? " " : "",
                                    report->error_type ? report->error_type : ""),
                         0);
        buf_clear(&st->tail);
        assert_int_equal(buf_append(&st->tail, report->log_tail, report->log_tail_len), 0);
        st->report.error_type = NULL;
        st->report.log_tail = NULL;
        if (st->in_idle)
                st->in_idle(st);
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        struct stage *st = e->owner;

        assert_true(len > 0 && line[len - 1] == '\n');
        assert_true(wall > 0);
        assert_int_equal(buf_append(&st->log, line, len), 0);
}

static void on_gone(struct environment *e, const char *why) {
        struct stage *st = e->owner;

        assert_false(st->gone);
        st->gone = true;
        assert_int_equal(buf_printf(&st->events, "gone %s\n", why), 0);
        if (!st->keep_on_gone)
                TAKE(st->e)->ops->free(e);
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

/* ---- life ---- */

void stage_set(struct stage *st) {
        static const char *const argv[] = { "/var/task/bootstrap", NULL };

        *st = (struct stage){
                .place = { .ops = &place_ops, .task_root = "/var/task", .opt_root = "/opt", .runtime_dir = "/var/runtime" },
                .spec = {
                        .account = "000000000000",
                        .region = "us-east-1",
                        .function = "f",
                        .version = "$LATEST",
                        .runtime = "provided.al2023",
                        .handler = "app.handler",
                        .memory_mb = 128,
                        .timeout = 3 * SECOND,
                        .log_group = "/aws/lambda/f",
                        .log_stream = "stream",
                        .access_key_id = "key",
                        .secret_access_key = "secret",
                        .session_token = "token",
                },
                .command = { .argv = argv, .cwd = "/var/task", .version_name = "provided:al2023.v1", .version_arn = "arn" },
                .events = BUF_NULL(MIB),
                .log = BUF_NULL(4 * MIB),
                .chunks = BUF_NULL(64 * MIB),
                .tail = BUF_NULL(MIB),
                .asked = BUF_NULL(MIB),
                .extension_env = BUF_NULL(MIB),
                .output_fd = -1,
                .memory_fd = -1,
                .peak_fd = -1,
                .peak = 36 * MIB,
                .auto_credit = true,
        };
        memset(st->spec.id, 'e', HEX_ID_LEN);
        assert_int_equal(loop_new(&st->loop), 0);
}

static void default_order(struct stage *st) {
        static char event[] = "{\"key\":1}";

        st->event = (struct iovec){ event, sizeof(event) - 1 };
        st->order = (struct invocation_order){
                .request_id = REQUEST_ID,
                .arn = ARN,
                .event = &st->event,
                .event_parts = 1,
                .timeout = 3 * SECOND,
        };
}

void stage_new(struct stage *st) {
        struct supervisor_options options = {
                .loop = st->loop,
                .place_consume = &st->place,
                .spec = &st->spec,
                .command = &st->command,
                .init_limit = st->init_limit,
                .extensions = st->extensions,
                .extensions_disabled = st->extensions_disabled,
                .on_foreign_request = st->foreign,
        };

        st->e = stage_make(st, &options);
        st->e->events = &events;
        st->e->owner = st;
        default_order(st);
}

void stage_end(struct stage *st) {
        if (st->e)
                st->e->ops->free(st->e);
        stage_unmake(st);
        assert_int_equal(st->frees, 1);
        assert_int_equal(loop_next_due(st->loop), NSEC_NEVER);
        loop_free(st->loop);
        forget_env(st);
        buf_deinit(&st->events);
        buf_deinit(&st->log);
        buf_deinit(&st->chunks);
        buf_deinit(&st->tail);
        buf_deinit(&st->asked);
        buf_deinit(&st->extension_env);
}

void stage_start(struct stage *st) {
        stage_new(st);
        assert_int_equal(st->e->ops->start(st->e), 0);
        stage_await(st, "started");
}

int stage_warm(struct stage *st) {
        int fd;

        stage_start(st);
        fd = runtime_connect(st);
        runtime_ask(st, fd);
        stage_await(st, "ready");
        stage_events(st);
        stage_log(st);
        return fd;
}

void stage_invoke(struct stage *st) {
        if (!st->order.request_id)
                default_order(st);
        st->e->ops->invoke(st->e, &st->order);
}

/* Turns with nothing to wait for do not end by themselves: descriptors may become ready by what the other end
 * did. */
void stage_settle(struct stage *st) {
        for (unsigned quiet = 0; quiet < 6; ++quiet) {
                turn(st, 0);
                if (st->loop && loop_next_due(st->loop) <= loop_now(st->loop))
                        quiet = 0;
                /* What lingers on its way has not arrived. */
                while (stage_is_linked && loop_next_due(st->loop) <= loop_clock(st->loop) + LINE_LINGER)
                        turn(st, LINE_LINGER);
        }
}

static bool last_line_starts(const struct buf *buf, const char *start) {
        const char *end = buf->len ? buf_data(buf) + buf->len - 1 : NULL, *line = end;

        if (!end)
                return false;
        while (line > buf_data(buf) && line[-1] != '\n')
                --line;
        return (size_t)(end - line) >= strlen(start) && memcmp(line, start, strlen(start)) == 0;
}

/* Over a link several events may come in one turn: there any line counts that was not waited for before. */
static bool has_come(struct stage *st, const char *event) {
        const char *at = buf_data(&st->events) + st->awaited, *end = buf_data(&st->events) + st->events.len;

        if (!stage_is_linked)
                return last_line_starts(&st->events, event);
        while (st->events.len && at < end) {
                const char *line = at;

                at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
                if ((size_t)(at - line) > strlen(event) && memcmp(line, event, strlen(event)) == 0) {
                        st->awaited = (size_t)(at - buf_data(&st->events));
                        return true;
                }
        }
        return false;
}

void stage_await(struct stage *st, const char *event) {
        nsec_t until = loop_clock(st->loop) + PATIENCE;

        while (!has_come(st, event)) {
                if (loop_clock(st->loop) > until) {
                        print_error("waited for '%s', have:\n%s", event, stage_events(st));
                        fail();
                }
                turn(st, 100 * MILLISECOND);
        }
}

static const char *text_of(struct buf *buf) {
        static char text[4][1 << 20];
        static unsigned which;
        char *at = text[++which % 4];

        assert_true(buf->len < sizeof(text[0]));
        memcpy(at, buf->len ? buf_data(buf) : "", buf->len);
        at[buf->len] = 0;
        buf_clear(buf);
        return at;
}

const char *stage_events(struct stage *st) {
        st->awaited = 0;
        return text_of(&st->events);
}

const char *stage_log(struct stage *st) {
        stage_arrive(st);
        return text_of(&st->log);
}

const char *stage_asked(struct stage *st) {
        return text_of(&st->asked);
}

/* ---- the runtime ---- */

int runtime_connect(struct stage *st) {
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                .sin_port = htons((uint16_t)st->port),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

void runtime_write(struct stage *st, int fd, const char *data, size_t len) {
        nsec_t until = loop_clock(st->loop) + PATIENCE;

        while (len) {
                ssize_t n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n > 0) {
                        data += n;
                        len -= (size_t)n;
                        continue;
                }
                if (errno == EPIPE || errno == ECONNRESET)
                        return; /* refused in the middle of it: the reply tells */
                assert_int_equal(errno, EAGAIN);
                assert_true(loop_clock(st->loop) < until);
                turn(st, 10 * MILLISECOND);
        }
}

void runtime_send(struct stage *st, int fd, const char *text) {
        runtime_write(st, fd, text, strlen(text));
}

void runtime_ask(struct stage *st, int fd) {
        runtime_send(st, fd,
                     "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n");
}

void runtime_post(struct stage *st, int fd, const char *rest, const char *fields, const char *body) {
        AUTO(str)
        char *text = xasprintf("POST /2018-06-01/runtime/%s HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"
                               "Content-Length: %zu\r\n%s\r\n%s",
                               rest, strlen(body), fields, body);

        runtime_send(st, fd, text);
}

static size_t body_len(const char *head) {
        const char *field = strcasestr(head, "\r\ncontent-length:");

        return field ? strtoul(field + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* One reply out of the front of what has come; more of it stays in the socket. */
const char *runtime_reply(struct stage *st, int fd) {
        static char reply[1 << 20];
        nsec_t until = loop_clock(st->loop) + PATIENCE;
        size_t have = 0, head = 0, want = sizeof(st->head);

        for (;;) {
                char *in = head ? reply + 4 + have : st->head + have;
                ssize_t n = recv(fd, in, head ? want - have : 1, MSG_DONTWAIT);

                if (n > 0) {
                        have += (size_t)n;
                        st->head[head ? head : have] = 0;
                        if (!head && have >= 4 && memcmp(st->head + have - 4, "\r\n\r\n", 4) == 0) {
                                head = have;
                                have = 0;
                                want = body_len(st->head);
                                assert_true(want < sizeof(reply) - 8);
                                memcpy(reply, st->head + strlen("HTTP/1.1 "), 4);
                        }
                } else {
                        assert_true(n < 0 && errno == EAGAIN);
                        assert_true(loop_clock(st->loop) < until);
                        turn(st, 10 * MILLISECOND);
                }
                if (head && have == want) {
                        reply[4 + have] = 0;
                        stage_arrive(st);
                        return reply;
                }
        }
}

bool runtime_has_reply(struct stage *st, int fd) {
        char byte;

        stage_settle(st);
        return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

bool runtime_is_closed(struct stage *st, int fd) {
        nsec_t until = loop_clock(st->loop) + PATIENCE;
        char byte;

        while (loop_clock(st->loop) < until) {
                ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

                if (n == 0 || (n < 0 && errno == ECONNRESET))
                        return true;
                if (n > 0)
                        return false;
                turn(st, 10 * MILLISECOND);
        }
        return false;
}

/* ---- an extension ---- */

static void extension_post(struct stage *st, int fd, const char *rest, const char *fields, const char *body) {
        AUTO(str)
        char *text = xasprintf("POST /2020-01-01/extension/%s HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"
                               "Content-Length: %zu\r\n%s\r\n%s",
                               rest, strlen(body), fields, body);

        runtime_send(st, fd, text);
}

const char *extension_register(struct stage *st, int fd, const char *name, const char *list) {
        AUTO(str) char *field = xasprintf("Lambda-Extension-Name: %s\r\n", name);
        AUTO(str) char *body = xasprintf("{\"events\":%s}", list);

        extension_post(st, fd, "register", field, body);
        return runtime_reply(st, fd);
}

char *extension_join(struct stage *st, int fd, const char *name, const char *list) {
        const char *reply = extension_register(st, fd, name, list);
        const char *id = strcasestr(st->head, "lambda-extension-identifier: ");

        assert_string_equal(
                reply,
                "200 {\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"handler\":\"app.handler\"}\n");
        assert_non_null(id);
        return xstrndup(id + strlen("lambda-extension-identifier: "), UUID_LEN);
}

void extension_ask(struct stage *st, int fd, const char *id) {
        AUTO(str)
        char *text = xasprintf("GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"
                               "Lambda-Extension-Identifier: %s\r\n\r\n",
                               id);

        runtime_send(st, fd, text);
}

const char *extension_fail(struct stage *st, int fd, const char *rest, const char *id, const char *type) {
        AUTO(str) char *first = id ? xasprintf("Lambda-Extension-Identifier: %s\r\n", id) : xstrdup("");
        AUTO(str)
        char *fields = type ? xasprintf("%sLambda-Extension-Function-Error-Type: %s\r\n", first, type)
                            : xstrdup(first);

        extension_post(st, fd, rest, fields, "{\"errorMessage\":\"no\"}");
        return runtime_reply(st, fd);
}
