/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A remote environment whose supervisor is here, because only its place is elsewhere (remote_place.c): what happens
 * and what is asked goes through, and the end of the link is the end of the place.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "runtime/assembly.h"
#include "runtime/remote_private.h"

static const char out_of_turn[] = "lambent-init said something out of its turn";

static struct remote *remote_of_near(struct environment *near) {
        return near->owner;
}

/* ---- what the supervisor tells ---- */

static void show(struct remote *r) {
        r->base.generation = r->near->generation;
        r->base.has_extensions = r->near->has_extensions;
        r->base.ending = r->near->ending;
        r->base.accident = r->near->accident;
}

static void on_started(struct environment *near) {
        struct remote *r = remote_of_near(near);

        r->start_time = loop_clock(r->loop) - r->started;
        r->base.events->started(&r->base);
}

/* The start is longer than the supervisor knows: there was a place to be made first. */
static void on_ready(struct environment *near, nsec_t start, nsec_t init, bool failed) {
        struct remote *r = remote_of_near(near);

        show(r);
        r->base.events->ready(&r->base, r->start_time, init, failed);
}

static void on_head(struct environment *near, const char *content_type) {
        struct environment *e = &remote_of_near(near)->base;

        e->events->head(e, content_type);
}

static void on_chunk(struct environment *near, const char *data, size_t len) {
        struct environment *e = &remote_of_near(near)->base;

        e->events->chunk(e, data, len);
}

static void on_answered(struct environment *near, struct invocation_answer *answer) {
        struct environment *e = &remote_of_near(near)->base;

        e->events->answered(e, answer);
}

static void on_idle(struct environment *near, const struct invocation_report *report) {
        struct remote *r = remote_of_near(near);

        show(r);
        r->base.events->idle(&r->base, report);
}

static void on_log(struct environment *near, nsec_t wall, const char *line, size_t len) {
        struct environment *e = &remote_of_near(near)->base;

        e->events->log(e, wall, line, len);
}

static void on_gone(struct environment *near, const char *why) {
        struct remote *r = remote_of_near(near);
        AUTO(str) char *sentence = xstrdup(why);

        show(r);
        r->near = NULL;
        r->place = NULL;
        near->ops->free(near);
        remote_gone(r, sentence);
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

/* ---- how it begins ---- */

/* The function may open its standard output by name, whoever it is. */
static int make_output(int ret_ends[static 2]) {
        int r;

        if (pipe2(ret_ends, O_CLOEXEC) < 0)
                return -errno;
        if (fcntl(ret_ends[0], F_SETFL, O_NONBLOCK) == 0 && fchmod(ret_ends[1], 0666) == 0)
                return 0;
        r = -errno;
        fd_close(ret_ends[0]);
        fd_close(ret_ends[1]);
        return r;
}

static bool function_has_endpoint(const struct link_start *start) {
        size_t count;
        struct env_var *vars = link_list_vars(&start->vars, &count);
        bool has = assembly_has_endpoint(vars, count);

        free(vars);
        return has;
}

bool near_begin(struct remote *r) {
        struct link_message m = { .type = LINK_OPEN, .open = r->start.start.site };
        int ends[2];

        if (make_output(ends))
                return false;
        m.open.serves_api = m.open.serves_api && !function_has_endpoint(&r->start.start);
        r->output_fd = ends[0];
        r->open_said = true;
        line_expect_fds(&r->line, HANDED_MOST);
        line_send_fds(&r->line, &m, &ends[1], 1);
        return true;
}

static void fall_back(struct remote *r, const char *why) {
        log_debug("environment=%s supervisor=there %s", r->base.id, why);
        r->open_said = false;
        r->output_fd = fd_close(r->output_fd);
        line_expect_fds(&r->line, 0);
        remote_say_start(r);
}

/* True: all that were said to come. */
static bool take_fds(struct remote *r, uint32_t handed, int ret_fds[static HANDED_MOST]) {
        bool all = true;

        for (unsigned i = 0; i < HANDED_MOST; ++i) {
                ret_fds[i] = handed & 1u << i ? line_take_fd(&r->line) : -1;
                all = all && (ret_fds[i] >= 0 || !(handed & 1u << i));
        }
        return all;
}

static void begin_supervisor(struct remote *r, const struct link_message *m) {
        struct assembly assembly = {
                .loop = r->loop,
                .place_consume = &r->place->place,
                .start = &r->start.start,
                .endpoint_port = (uint16_t)m->opened.endpoint_port,
                .extensions_disabled = m->opened.extensions_disabled,
        };
        struct env_var *vars = link_list_vars(&m->opened.vars, &assembly.image_var_count);
        const char **extensions = link_list_strings(&m->opened.extensions);
        int error;

        assembly.image_vars = vars;
        assembly.extensions = extensions;
        r->near = assembly_supervisor(&assembly);
        free(vars);
        free(extensions);
        r->near->events = &events;
        r->near->owner = r;
        timer_disarm(&r->timer);
        error = r->near->ops->start(r->near);
        if (error)
                remote_end(r, REMOTE_BROKEN, strerror(-error));
}

static void close_fds(const int fds[static HANDED_MOST]) {
        for (size_t i = 0; i < HANDED_MOST; ++i)
                fd_close(fds[i]);
}

static const char *on_opened(struct remote *r, const struct link_message *m) {
        int fds[HANDED_MOST];
        bool all = take_fds(r, m->opened.handed, fds);
        const char *wrong = NULL;

        line_expect_fds(&r->line, 0);
        if (!all) {
                close_fds(fds);
                fall_back(r, "the link carries no descriptors");
                return NULL;
        }
        wrong = remote_place_check(fds);
        if (!wrong && r->start.start.site.shared_network && fds[HANDED_DIAG] < 0)
                wrong = "lambent-init cannot tell whose a connection is";
        if (wrong) {
                close_fds(fds);
                return wrong;
        }
        r->place = remote_place_new(r, fds, TAKE_FD(r->output_fd), m->opened.peer_uid);
        begin_supervisor(r, m);
        return NULL;
}

/* ---- what init says ---- */

const char *near_on_message(struct remote *r, const struct link_message *m) {
        if (m->type == LINK_OPENED || m->type == LINK_KEPT) {
                if (!r->open_said || r->near)
                        return out_of_turn;
                if (r->state == ENV_STOPPING)
                        return NULL; /* it had not heard of that yet */
                if (m->type == LINK_OPENED)
                        return on_opened(r, m);
                fall_back(r, m->gone.why ?: "");
                return NULL;
        }
        if (!r->near)
                return out_of_turn;
        if (m->type == LINK_STOP) {
                r->near->ops->stop(r->near); /* somebody asked the container to end */
                return NULL;
        }
        if (m->type == LINK_EMPTIED)
                return remote_place_on_emptied(r->place) ? NULL : out_of_turn;
        return remote_place_on_exit(r->place, m) ? NULL : out_of_turn;
}

/* ---- how it ends ---- */

bool near_is_starting(const struct remote *r) {
        return supervisor_of(r->near)->state == ENV_STARTING;
}

bool near_is_asked(const struct remote *r) {
        const struct supervisor *s = supervisor_of(r->near);

        return s->now.active && !s->now.answered;
}

void near_lose(struct remote *r, enum invocation_outcome outcome, const char *error_type, const char *text,
               const char *why) {
        tunnels_deinit(&r->tunnels);
        line_deinit(&r->line);
        remote_place_read_rest(r->place);
        supervisor_lose(supervisor_of(r->near), outcome, error_type, text, why);
}
