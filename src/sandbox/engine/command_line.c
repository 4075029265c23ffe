/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/command_line.h"

#include "base/json.h"
#include "sandbox/engine/command_private.h"

#define ANSWER_CAP (8 * MIB)
#define LINE_CAP (256 * KIB) /* of an event */
#define WORDS_KEPT (4 * KIB) /* of what it says when it fails */
#define KILLED 128           /* and above: the end by a signal */

/* ---- the engine ---- */

static const struct {
        const char *scheme;
        enum dialect dialect;
} schemes[] = {
        { "docker-command:", DIALECT_DOCKER },
        { "podman-command:", DIALECT_PODMAN },
        { "nerdctl-command:", DIALECT_NERDCTL },
};

bool command_line_is(const char *address) {
        for (size_t i = 0; i < ARRAY_SIZE(schemes); ++i)
                if (str_starts(address, schemes[i].scheme))
                        return true;
        return false;
}

struct command_line *command_line_new(struct loop *loop, const char *address) {
        struct command_line *cl = xcalloc(1, sizeof(*cl));

        cl->loop = loop;
        cl->address = xstrdup(address);
        for (size_t i = 0; i < ARRAY_SIZE(schemes); ++i)
                if (str_starts(address, schemes[i].scheme)) {
                        cl->dialect = schemes[i].dialect;
                        cl->program = cl->address + strlen(schemes[i].scheme);
                }
        must(cl->program);
        list_init(&cl->attaches);
        return cl;
}

void command_line_free(struct command_line *cl) {
        if (!cl)
                return;
        must(list_is_empty(&cl->attaches));
        free(cl->address);
        free(cl);
}

/* ---- telling the owner; false: the request is freed ---- */

static bool say_head(struct command_request *r, int status) {
        bool freed = false, *outer = r->freed;

        r->freed = &freed;
        r->ops->on_head(r->owner, status, NULL, 0);
        if (!freed)
                r->freed = outer;
        else if (outer)
                *outer = true;
        return !freed;
}

static bool say_body(struct command_request *r, const void *data, size_t len) {
        bool freed = false, *outer = r->freed;

        r->freed = &freed;
        if (len)
                r->ops->on_body(r->owner, data, len);
        if (!freed)
                r->freed = outer;
        else if (outer)
                *outer = true;
        return !freed;
}

static void say_whole(struct command_request *r, int status, const struct buf *body) {
        if (say_head(r, status) && say_body(r, buf_data(body), body->len))
                r->ops->on_end(r->owner, 0);
}

static void say_refusal(struct command_request *r, int status, const char *problem) {
        AUTO(buf) struct buf json = BUF_NULL(64 * KIB);
        struct json_writer w = JSON_WRITER(&json);

        json_open_object(&w, NULL);
        json_str(&w, "message", problem);
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
        say_whole(r, status, &json);
}

/* What is known at once is told from the loop, as everything else. */
static void on_later(struct defer *defer) {
        struct command_request *r = container_of(defer, struct command_request, later);

        if (r->problem) {
                AUTO(str) char *problem = TAKE(r->problem);

                say_refusal(r, r->status, problem);
        } else if (r->route->mode == COMMAND_START) {
                say_whole(r, r->status, &BUF_NULL(0));
        } else {
                say_head(r, r->status); /* a stream is open */
        }
}

static void answer_later(struct command_request *r, int status, char *problem_consume) {
        free(r->problem);
        r->status = status;
        r->problem = problem_consume;
        defer_call(r->line->loop, &r->later, on_later);
}

/* ---- what a command says ---- */

static char *why_it_failed(const struct command_request *r, int status) {
        AUTO(str) char *words = command_why(&r->error);

        return *words ? xstrdup(words) : xasprintf("%s ended with status %d", r->line->program, status);
}

static void keep_error(struct command_request *r, const char *data, size_t len) {
        if (len > WORDS_KEPT) {
                data += len - WORDS_KEPT;
                len = WORDS_KEPT;
        }
        if (len > WORDS_KEPT - r->error.len)
                buf_consume(&r->error, len - (WORDS_KEPT - r->error.len));
        must(buf_append(&r->error, data, len) == 0);
}

/* ---- a command that answers ---- */

static void answer_on_output(void *owner, bool is_error, const char *data, size_t len) {
        struct command_request *r = owner;

        if (is_error)
                keep_error(r, data, len);
        else if (!r->cut && buf_append(&r->output, data, len))
                r->cut = true;
}

/* nerdctl's "rm --force" succeeds whatever came of it. */
static bool has_failed(const struct command_request *r, int status) {
        return status || (r->line->dialect == DIALECT_NERDCTL && r->route->method == HTTP_DELETE_ &&
                          command_has_logged_an_error(&r->error));
}

static void answer_on_end(void *owner, int status) {
        struct command_request *r = owner;
        AUTO(buf) struct buf json = BUF_NULL(ANSWER_CAP);

        if (status >= KILLED) {
                r->ops->on_end(r->owner, -ECONNRESET); /* what it has done by then nobody knows */
        } else if (has_failed(r, status)) {
                AUTO(str) char *problem = why_it_failed(r, status);

                say_refusal(r, command_judge(problem), problem);
        } else if (r->cut) {
                r->ops->on_end(r->owner, -EMSGSIZE);
        } else if (r->route->answer && !r->route->answer(r, &json)) {
                say_refusal(r, 502, "what the command said makes no sense");
        } else {
                say_whole(r, 200, &json);
        }
}

static const struct program_ops answer_ops = { answer_on_output, answer_on_end };

/* ---- a container's start, and its streams ---- */

static struct command_request *find_attach(const struct command_line *cl, const char *name) {
        struct command_request *r;

        list_each(r, &cl->attaches, link)
                if (streq(r->name, name))
                        return r;
        return NULL;
}

static void part(struct command_request *r) {
        if (r->peer)
                r->peer->peer = NULL;
        r->peer = NULL;
}

/* Whoever waits for the start of this container need wait no more. */
static void has_started(struct command_request *attach) {
        struct command_request *start = attach->peer;

        part(attach);
        if (start)
                answer_later(start, 204, NULL);
}

/* As the API frames the streams of a container without a terminal. */
static void attach_on_output(void *owner, bool is_error, const char *data, size_t len) {
        struct command_request *r = owner;
        const unsigned char head[] = { is_error ? 2 : 1,
                                       0,
                                       0,
                                       0,
                                       (unsigned char)(len >> 24),
                                       (unsigned char)(len >> 16),
                                       (unsigned char)(len >> 8),
                                       (unsigned char)len };

        if (is_error)
                keep_error(r, data, len); /* of the container or of the command: nobody can tell */
        else
                has_started(r);
        if (say_body(r, head, sizeof(head)))
                say_body(r, data, len);
}

static void attach_on_end(void *owner, int status) {
        struct command_request *r = owner, *start = r->peer;

        part(r);
        if (start && status) {
                char *problem = why_it_failed(r, status);

                answer_later(start, command_judge(problem), problem);
        } else if (start) {
                answer_later(start, 204, NULL);
        }
        r->ops->on_end(r->owner, 0);
}

static const struct program_ops attach_ops = { attach_on_output, attach_on_end };

/* ---- events ---- */

static bool take_event(struct command_request *r) {
        AUTO(buf) struct buf json = BUF_NULL(LINE_CAP);
        AUTO(str) char *id = NULL;
        struct command_request *attach;
        bool started;

        command_translate_event(r->line->dialect, buf_data(&r->output), r->output.len, &json, &id, &started);
        buf_clear(&r->output);
        attach = id ? find_attach(r->line, id) : NULL;
        if (attach && attach->peer && !started && r->line->dialect == DIALECT_NERDCTL)
                buf_clear(&json); /* containerd has made it in vain: why, nerdctl is about to say */
        else if (attach)
                has_started(attach);
        return say_body(r, buf_data(&json), json.len);
}

static void events_on_output(void *owner, bool is_error, const char *data, size_t len) {
        struct command_request *r = owner;

        while (!is_error && len) {
                const char *end = memchr(data, '\n', len);
                size_t some = end ? (size_t)(end - data) : len;

                if (buf_append(&r->output, data, some))
                        buf_clear(&r->output); /* none of those that matter is so long */
                if (end && !take_event(r))
                        return;
                some += end != NULL;
                data += some;
                len -= some;
        }
}

static void events_on_end(void *owner, int status) {
        struct command_request *r = owner;

        r->ops->on_end(r->owner, -ECONNRESET);
}

static const struct program_ops events_ops = { events_on_output, events_on_end };

/* ---- beginning and giving up ---- */

static const struct program_ops *ops_of(enum command_mode mode) {
        return mode == COMMAND_EVENTS ? &events_ops : mode == COMMAND_ATTACH ? &attach_ops : &answer_ops;
}

/* Runs the command of a request. False: it is refused, later. */
static bool run(struct command_request *r) {
        struct words words = {};
        char *problem = NULL;
        int status, e = 0;

        words_add(&words, r->line->program);
        status = r->route->plan(r, &words, &problem);
        if (!status) {
                struct program_plan plan = {
                        .argv = (const char *const *)words.list,
                        .input = r->route->method == HTTP_PUT_ ? r->body : NULL,
                        .input_len = r->len,
                        .talks = r->route->mode == COMMAND_ATTACH,
                        .secret_fd = MAX(r->secret_fd, 0),
                };

                e = program_start(r->line->loop, &plan, ops_of(r->route->mode), r, &r->program);
        }
        words_clear(&words);
        r->secret_fd = fd_close(r->secret_fd);
        if (e) {
                status = 500;
                problem = xasprintf("%s cannot be run: %s", r->line->program, strerror(-e));
        }
        if (status)
                answer_later(r, status, problem);
        return !status;
}

static void begin_start(struct command_request *r) {
        struct command_request *attach = find_attach(r->line, r->name);

        if (!attach || attach->program) {
                run(r);
        } else if (run(attach)) {
                attach->peer = r;
                r->peer = attach;
        } else {
                defer_cancel(&attach->later);
                answer_later(r, attach->status, TAKE(attach->problem));
        }
}

static void begin(struct command_request *r) {
        switch (r->route->mode) {
        case COMMAND_ATTACH:
                list_push_back(&r->line->attaches, &r->link);
                answer_later(r, 101, NULL);
                return;
        case COMMAND_START:
                begin_start(r);
                return;
        case COMMAND_EVENTS:
                if (run(r))
                        answer_later(r, 200, NULL);
                return;
        case COMMAND_ANSWERS:
                run(r);
                return;
        }
}

struct command_request *command_request_new(struct command_line *cl, enum http_method method,
                                            const char *target, const void *body, size_t len,
                                            const struct http_client_ops *ops, void *owner) {
        static const struct command_route unknown = {};
        struct command_request *r = xcalloc(1, sizeof(*r));
        const char *query = "";

        r->line = cl;
        r->ops = ops;
        r->owner = owner;
        r->body = body;
        r->len = len;
        r->secret_fd = -1;
        r->error = BUF_NULL(WORDS_KEPT);
        r->route = command_route_find(method, target, &r->name, &query);
        r->query = xstrdup(query);
        r->output = BUF_NULL(r->route && r->route->mode == COMMAND_EVENTS ? LINE_CAP : ANSWER_CAP);
        if (r->route) {
                begin(r);
        } else {
                r->route = &unknown;
                answer_later(r, 501, xasprintf("%s has no command for this", cl->program));
        }
        return r;
}

void command_request_free(struct command_request *r) {
        struct command_request *start;

        if (!r)
                return;
        start = r->route->mode == COMMAND_ATTACH ? r->peer : NULL;
        part(r);
        if (start)
                answer_later(start, 500, xstrdup("its streams were given up"));
        list_unlink(&r->link);
        defer_cancel(&r->later);
        program_free(r->program);
        fd_close(r->secret_fd);
        buf_deinit(&r->output);
        buf_deinit(&r->error);
        free(r->problem);
        free(r->name);
        free(r->query);
        if (r->freed)
                *r->freed = true;
        free(r);
}

int command_request_send(struct command_request *r, const void *data, size_t len) {
        return r->route->mode == COMMAND_ATTACH && r->program ? program_send(r->program, data, len)
                                                              : -ENOTCONN;
}

void command_request_has_happened(struct command_request *r) {
        if (r->route->mode == COMMAND_START && r->peer)
                has_started(r->peer);
}

nsec_t command_line_patience(enum http_method method, const char *target) {
        AUTO(str) char *name = NULL;
        const char *query;
        const struct command_route *route = command_route_find(method, target, &name, &query);

        return route ? route->patience : 0;
}

/* ---- words ---- */

void words_take(struct words *w, char *word_consume) {
        w->list = xrealloc(w->list, (w->count + 2) * sizeof(*w->list));
        w->list[w->count++] = word_consume;
        w->list[w->count] = NULL;
}

void words_add(struct words *w, const char *word) {
        words_take(w, xstrdup(word));
}

void words_add_list(struct words *w, const char *const *list) {
        for (; *list; ++list)
                words_add(w, *list);
}

void words_clear(struct words *w) {
        for (size_t i = 0; i < w->count; ++i)
                free(w->list[i]);
        free(w->list);
        *w = (struct words){};
}
