/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server on foreign bytes: the same conversation whole and cut into pieces must be understood and
 * answered alike, every exchange ends exactly once, and nothing is left open. What the handler does is chosen
 * by the path's first letter.
 */
#include <sys/socket.h>

#include "http/http.h"

struct run {
        struct http_listener *listener;
        struct buf transcript, output, body, sink;
        struct http_exchange *paused;
        unsigned requests, done;
};

static struct loop *loop;

static void tell(struct run *run, const char *word) {
        must(buf_printf(&run->transcript, "%s\n", word) == 0);
}

static void on_body(struct http_exchange *x, const char *data, size_t len) {
        struct run *run = x->listener_owner;

        must(len && !x->request_done);
        must(buf_append(&run->body, data, len) == 0);
        if (x->path[1] == 'p') {
                http_pause(x);
                run->paused = x;
        }
}

static void on_end(struct http_exchange *x) {
        struct run *run = x->listener_owner;
        const char *trailer = http_trailer(x, "t");

        must(x->request_done && !x->truncated);
        must(buf_append(&run->transcript, run->sink.base ? buf_data(&run->sink) : "", run->sink.len) == 0);
        must(buf_append(&run->transcript, run->body.base ? buf_data(&run->body) : "", run->body.len) == 0);
        tell(run, trailer ? trailer : "end");
        if (x->content_length >= 0)
                must(run->body.len + run->sink.len == (uint64_t)x->content_length);
        if (x->path[1] == 'a')
                http_abort(x);
        else if (x->path[1] == 'f')
                http_listener_free(TAKE(run->listener));
        else if (x->path[1] == 's')
                http_respond_buf_consume(x, 200, NULL, &run->sink);
        else
                http_respond(x, 200, "X: y\r\n", run->body.base ? buf_data(&run->body) : NULL, run->body.len);
}

static void on_done(struct http_exchange *x, bool complete) {
        struct run *run = x->listener_owner;

        must(++run->done == run->requests);
        must(!(x->truncated && complete));
        tell(run, complete ? "done" : x->truncated ? "truncated" : "incomplete");
        buf_clear(&run->body);
        buf_clear(&run->sink);
        run->paused = NULL;
}

static const struct http_ops ops = { .on_body = on_body, .on_end = on_end, .on_done = on_done };

static void stream(struct http_exchange *x) {
        struct iovec parts[] = { { (void *)"one", 3 }, { (void *)"two", 3 } };

        http_respond_begin(x, 200, NULL, x->path[2] == 'k' ? 6 : -1);
        http_respond_some(x, parts, 2);
        http_respond_end(x);
}

static void on_request(struct http_exchange *x) {
        struct run *run = x->listener_owner;

        must(++run->requests == run->done + 1);
        x->ops = &ops;
        must(buf_printf(&run->transcript, "%s %s ?%s\n", x->method_name, x->path, x->query) == 0);
        must(*x->path == '/' || *x->path == '*');
        for (size_t i = 0; i < x->field_count; ++i) {
                const struct http_field *field = &x->fields[i];

                must(strlen(field->name) == field->name_len && strlen(field->value) == field->value_len);
                must(buf_printf(&run->transcript, "%s=%s\n", field->name, field->value) == 0);
                must(!strpbrk(field->value, "\r\n") && field->name_len);
        }
        if (*x->path == '*' || x->path[1] == 'n')
                http_respond(x, 200, NULL, "now", 3);
        else if (x->path[1] == 'r')
                http_respond(x, 413, NULL, NULL, 0);
        else if (x->path[1] == 't')
                stream(x);
        else if (x->path[1] == 's')
                x->sink = &run->sink;
}

static const struct http_handler handler = { .on_request = on_request };

static void receive(struct run *run, int fd) {
        char *tail;
        ssize_t n;

        do {
                must(buf_reserve(&run->output, 64 * KIB, &tail) == 0);
                n = read(fd, tail, 64 * KIB);
                if (n > 0)
                        buf_commit(&run->output, (size_t)n);
        } while (n > 0);
}

static void turn(struct run *run, int fd) {
        for (int i = 0; i < 3; ++i) {
                must(loop_turn(loop, 0) == 0);
                if (run->paused)
                        http_resume(TAKE(run->paused));
                receive(run, fd);
        }
}

/* cut: a seed for the lengths of the pieces; 0 sends all at once. */
static void converse(struct run *run, const char *data, size_t size, uint32_t cut) {
        static struct http_limits limits;
        int pair[2];

        limits = http_limits_api;
        limits.head = 512;
        *run = (struct run){};
        buf_init(&run->transcript, 16 * MIB);
        buf_init(&run->output, 16 * MIB);
        buf_init(&run->body, 16 * MIB);
        buf_init(&run->sink, 16);
        must(http_listen(loop, -1, &handler, &limits, run, &run->listener) == 0);
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
        must(http_listener_adopt(run->listener, pair[1]) == 0);
        while (size) {
                size_t piece =
                        cut ? MIN((size_t)1 + (cut = cut * 1664525 + 1013904223) / 65536 % 40, size) : size;

                if (send(pair[0], data, piece, MSG_NOSIGNAL) < 0)
                        break;
                data += piece;
                size -= piece;
                if (cut)
                        turn(run, pair[0]);
        }
        shutdown(pair[0], SHUT_WR);
        for (int i = 0; i < 200 && run->listener && http_listener_connections(run->listener); ++i)
                turn(run, pair[0]);
        turn(run, pair[0]);
        if (run->listener)
                must(http_listener_connections(run->listener) == 0 &&
                     http_listener_exchanges(run->listener) == 0);
        http_listener_free(run->listener);
        close(pair[0]);
        must(run->done == run->requests);
}

static void forget_dates(struct buf *buf) {
        size_t from = 0;
        char *at;

        while (buf->len && (at = memmem(buf_data(buf) + from, buf->len - from, "\nDate: ", 7))) {
                from = (size_t)(at - buf_data(buf));
                memset(at, '-', MIN((size_t)38, buf->len - from));
        }
}

static bool same(struct buf *a, struct buf *b) {
        return a->len == b->len && (!a->len || memcmp(buf_data(a), buf_data(b), a->len) == 0);
}

static void run_free(struct run *run) {
        buf_deinit(&run->transcript);
        buf_deinit(&run->output);
        buf_deinit(&run->body);
        buf_deinit(&run->sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct run whole, cut;

        if (!loop)
                must(loop_new(&loop) == 0);
        converse(&whole, (const char *)data, size, 0);
        converse(&cut, (const char *)data, size, (uint32_t)size * 2 + 1);
        forget_dates(&whole.output);
        forget_dates(&cut.output);
        must(same(&whole.transcript, &cut.transcript));
        must(same(&whole.output, &cut.output));
        run_free(&whole);
        run_free(&cut);
        return 0;
}
