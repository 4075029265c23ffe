/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a stage over a link: remote here, a carrier with the place there, a socketpair between them; the
 * supervisor is there, or here with the place lent to it. Calls from outside of events return when what they said has
 * arrived.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "init/carrier.h"
#include "runtime/remote.h"
#include "stage.h"

const bool stage_is_linked = true;

/* ---- the far end ---- */

static struct place *make_place(void *owner, const struct link_site *site, int output_fd) {
        struct stage *st = owner;

        assert_int_equal(output_fd >= 0, stage_is_lent);
        st->output_fd = output_fd;
        return &st->place;
}

static int new_file(int *ret_copy) {
        int fd = memfd_create("memory", MFD_CLOEXEC);

        assert_true(fd >= 0);
        *ret_copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        assert_true(*ret_copy >= 0);
        return fd;
}

static int lend(void *owner, struct carrier_loan *ret_loan) {
        struct stage *st = owner;

        *ret_loan = (struct carrier_loan){ .diag_fd = -1 };
        ret_loan->memory_fd = new_file(&st->memory_fd);
        ret_loan->peak_fd = new_file(&st->peak_fd);
        return 0;
}

static void on_end(void *owner, const char *why) {
        carrier_free(TAKE(((struct stage *)owner)->carrier));
}

static char **find_extensions(void *owner, bool *ret_disabled) {
        const struct stage *st = owner;
        size_t count = 0;
        char **names;

        *ret_disabled = st->extensions_disabled;
        while (st->extensions && st->extensions[count])
                ++count;
        names = xcalloc(count + 1, sizeof(*names));
        for (size_t i = 0; i < count; ++i)
                names[i] = xstrdup(st->extensions[i]);
        return names;
}

static const struct carrier_ports carrier_ports = {
        .make_place = make_place, .lend = lend, .find_extensions = find_extensions, .on_end = on_end
};

/* ---- the near end ---- */

static int open_link(void *owner) {
        struct stage *st = owner;
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        st->carrier = carrier_new(st->loop, &carrier_ports, st);
        assert_int_equal(carrier_open(st->carrier, ends[0], ends[0]), 0);
        remote_connected(st->e, ends[1]);
        return 0;
}

static void remove_link(void *owner) {
}

static const struct remote_ports remote_ports = { .open = open_link, .remove = remove_link };

static struct stage *stage_of(struct environment *e) {
        return e->owner;
}

static int start(struct environment *e) {
        struct stage *st = stage_of(e);
        int r = st->near_ops->start(e);

        stage_arrive(st);
        return r;
}

static void invoke(struct environment *e, const struct invocation_order *order) {
        struct stage *st = stage_of(e);

        st->near_ops->invoke(e, order);
        stage_arrive(st);
}

static void credit(struct environment *e, size_t len) {
        struct stage *st = stage_of(e);

        st->near_ops->credit(e, len);
        stage_arrive(st);
}

static void freeze(struct environment *e) {
        struct stage *st = stage_of(e);

        st->near_ops->freeze(e);
        stage_arrive(st);
}

static void thaw(struct environment *e) {
        struct stage *st = stage_of(e);

        st->near_ops->thaw(e);
        stage_arrive(st);
}

static void stop(struct environment *e) {
        stage_of(e)->near_ops->stop(e);
}

static void stats(struct environment *e, struct environment_stats *ret_stats) {
        stage_of(e)->near_ops->stats(e, ret_stats);
}

static void free_near(struct environment *e) {
        stage_of(e)->near_ops->free(e);
}

static const struct environment_ops linked_ops = {
        .start = start,
        .invoke = invoke,
        .credit = credit,
        .freeze = freeze,
        .thaw = thaw,
        .stop = stop,
        .stats = stats,
        .free = free_near,
};

struct environment *stage_make(struct stage *st, const struct supervisor_options *options) {
        const struct remote_options remote = {
                .loop = options->loop,
                .spec = options->spec,
                .command = options->command,
                .ports = &remote_ports,
                .owner = st,
                .init_limit = options->init_limit,
                .supervise_there = !stage_is_lent,
        };
        struct environment *e = remote_new(&remote);

        st->near_ops = e->ops;
        e->ops = &linked_ops;
        return e;
}

/* The far end ends when the near end is gone, also when it was never opened. */
void stage_unmake(struct stage *st) {
        stage_settle(st);
        carrier_free(TAKE(st->carrier));
        if (stage_is_lent) {
                fd_close(st->memory_fd);
                fd_close(st->peak_fd);
        }
        if (!st->opens)
                ++st->frees; /* no place was made */
}
