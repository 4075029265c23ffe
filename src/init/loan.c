/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place alone: the daemon has the supervisor, the Runtime API's listener and the processes' output, all of them by
 * descriptors that went over the link, so that an invocation meets nobody here. What is left to do is what only a
 * process in here can: start processes, signal them, say how they ended.
 *
 * Nothing is lent by halves: where something of it cannot be, KEPT is said, nothing has happened, and START follows.
 */
#include "init/carrier_private.h"
#include "init/image_vars.h"
#include "runtime/assembly.h"
#include "runtime/extensions.h"

void loan_end(struct carrier *c) {
        struct place *place = TAKE(c->lent);

        if (place)
                place->ops->free(place);
}

static void begin_anew(struct carrier *c) {
        doors_close(&c->doors);
        loan_end(c);
        c->state = CARRIER_NEW;
}

void loan_take_back(struct carrier *c) {
        if (c->state == CARRIER_LENT && !c->spawned)
                begin_anew(c);
}

static void keep(struct carrier *c, const char *why) {
        const struct link_message m = { .type = LINK_KEPT, .gone.why = why };

        begin_anew(c);
        line_send(&c->line, &m);
}

/* ---- opening ---- */

static int list_vars(const struct env_var *vars, size_t count, struct buf *list) {
        int r = 0;

        for (size_t i = 0; i < count && !r; ++i) {
                r = link_list_add(list, vars[i].name);
                r = r ?: link_list_add(list, vars[i].value);
        }
        return r;
}

static struct link_bytes bytes_of(const struct buf *buf) {
        return (struct link_bytes){ buf_data(buf), buf->len };
}

/* What the daemon cannot see from outside. 0 or what is too large. */
static int describe(struct carrier *c, struct link_message *m, struct buf *vars, struct buf *extensions) {
        char **names = c->ports->find_extensions
                               ? c->ports->find_extensions(c->owner, &m->opened.extensions_disabled)
                               : NULL;
        struct image_vars image;
        int r = 0;

        image_vars_read(&image, c->ports->environ, NULL, 0);
        r = list_vars(image.vars, image.count, vars);
        for (char **name = names; name && *name && !r; ++name)
                r = link_list_add(extensions, *name);
        image_vars_clear(&image);
        extension_files_free(names);
        m->opened.vars = bytes_of(vars);
        m->opened.extensions = bytes_of(extensions);
        m->opened.endpoint_port = c->endpoint_port;
        return r;
}

static void close_loan(const struct carrier_loan *loan, int listener) {
        const int fds[] = { listener, loan->memory_fd, loan->peak_fd, loan->diag_fd };

        for (size_t i = 0; i < ARRAY_SIZE(fds); ++i)
                fd_close(fds[i]);
}

static void hand_over(struct carrier *c, struct link_message *m, const struct carrier_loan *loan,
                      int listener) {
        const int all[HANDED_MOST] = { [HANDED_LISTENER] = listener,
                                       [HANDED_MEMORY] = loan->memory_fd,
                                       [HANDED_PEAK] = loan->peak_fd,
                                       [HANDED_DIAG] = loan->diag_fd };
        int fds[HANDED_MOST];
        size_t count = 0;

        for (unsigned i = 0; i < HANDED_MOST; ++i)
                if (all[i] >= 0) {
                        m->opened.handed |= 1u << i;
                        fds[count++] = all[i];
                }
        m->opened.peer_uid = loan->peer_uid;
        line_send_fds(&c->line, m, fds, count);
}

static void on_opened(struct place *place, int api_fd, const char *api_address) {
        struct carrier *c = place->owner;
        struct carrier_loan loan = { -1, -1, -1, 0 };
        struct link_message m = { .type = LINK_OPENED };
        AUTO(buf) struct buf vars = BUF_NULL(256 * KIB), extensions = BUF_NULL(64 * KIB);
        const char *why = NULL;

        if (c->state != CARRIER_OPENING) {
                fd_close(api_fd);
                return;
        }
        if (!c->ports->lend || c->ports->lend(c->owner, &loan) || loan.memory_fd < 0)
                why = "the container's memory cannot be read from outside";
        else if (c->shared_network && loan.diag_fd < 0)
                why = "whose a connection is can only be asked inside";
        else if (describe(c, &m, &vars, &extensions))
                why = "the image has more variables than the link carries";
        if (why) {
                close_loan(&loan, api_fd);
                keep(c, why);
                return;
        }
        c->state = CARRIER_LENT;
        hand_over(c, &m, &loan, api_fd);
}

static bool image_has_endpoint(const struct carrier *c) {
        struct image_vars image;
        bool has;

        image_vars_read(&image, c->ports->environ, NULL, 0);
        has = assembly_has_endpoint(image.vars, image.count);
        image_vars_clear(&image);
        return has;
}

/* ---- the processes ---- */

static void on_output(struct place *place, const char *data, size_t len) {
        must(!"a place that was given a pipe reads it itself");
}

static void on_exit_of(struct place *place, unsigned process, enum place_end end, int detail) {
        const struct link_message m = { .type = LINK_EXIT, .exit = { process, end, (uint32_t)detail } };

        line_send(&((struct carrier *)place->owner)->line, &m);
}

static void on_emptied(struct place *place) {
        const struct link_message m = { .type = LINK_EMPTIED };

        line_send(&((struct carrier *)place->owner)->line, &m);
}

static void on_lost(struct place *place, const char *why) {
        carrier_say_gone(place->owner, why);
}

static const struct place_events events = { .on_opened = on_opened,
                                            .on_output = on_output,
                                            .on_exit = on_exit_of,
                                            .on_emptied = on_emptied,
                                            .on_lost = on_lost };

static const char *on_open(struct carrier *c, const struct link_site *site) {
        int output = line_take_fd(&c->line), r;

        if (c->state != CARRIER_NEW) {
                fd_close(output);
                return carrier_out_of_turn;
        }
        line_expect_fds(&c->line, 0);
        if (output < 0) {
                keep(c, "no descriptor came over the link");
                return NULL;
        }
        c->state = CARRIER_OPENING;
        c->shared_network = site->shared_network;
        c->lent = c->ports->make_place(c->owner, site, output);
        c->lent->events = &events;
        c->lent->owner = c;
        carrier_open_doors(c, site, c->lent);
        c->endpoint_port = 0;
        if (site->serves_api && !image_has_endpoint(c))
                doors_open_api(&c->doors, &c->endpoint_port);
        r = c->lent->ops->open(c->lent);
        if (r)
                carrier_say_gone(c, strerror(-r));
        return NULL;
}

/* That it cannot be started is told as its end, as everywhere where nobody waits for an answer. */
static void on_spawn(struct carrier *c, const struct link_message *m) {
        const char **argv = link_list_strings(&m->spawn.argv), **envp = link_list_strings(&m->spawn.envp);
        const struct process_spec spec = {
                .process = m->spawn.process, .argv = argv, .envp = envp, .cwd = m->spawn.cwd
        };
        int r = c->lent->ops->spawn(c->lent, &spec);

        c->spawned = true;
        if (r)
                on_exit_of(c->lent, spec.process, PLACE_EXEC_FAILED, -r);
        free(argv);
        free(envp);
}

const char *loan_on_message(struct carrier *c, const struct link_message *m) {
        if (m->type == LINK_OPEN)
                return on_open(c, &m->open);
        if (c->state != CARRIER_LENT)
                return carrier_out_of_turn;
        switch ((int)m->type) {
        case LINK_SPAWN:
                on_spawn(c, m);
                return NULL;
        case LINK_SIGNAL:
                c->lent->ops->signal(c->lent, m->signal.process, (int)m->signal.number);
                return NULL;
        case LINK_KILL:
                c->lent->ops->kill(c->lent);
                return NULL;
        case LINK_FREEZE:
                c->frozen = c->lent->ops->freeze(c->lent) == 0;
                return NULL;
        case LINK_THAW:
                if (c->frozen)
                        c->lent->ops->thaw(c->lent);
                c->frozen = false;
                return NULL;
        default:
                return carrier_out_of_turn;
        }
}
