/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The far end of a link under a daemon that says anything, with a place in which anything happens: nothing that is
 * said can make it break a rule of the supervisor's, its place is freed once, and on_end is the last word.
 */
#include <sys/un.h>

#include "far_end.h"
#include "init/carrier.h"

struct world {
        struct words words;
        struct loop *loop;
        struct carrier *carrier;
        struct place place;
        struct sockaddr_un address;
        socklen_t address_len;
        int fd, api_fd, runtime_fd;
        unsigned places, frees;
        int output_fd; /* a daemon has the supervisor */
        bool opening, opened, alive, killing, ended;
};

static struct world *world_of(struct place *place) {
        return container_of(place, struct world, place);
}

static int place_open(struct place *place) {
        world_of(place)->opening = true;
        return next_byte(&world_of(place)->words) % 16 == 15 ? -EMFILE : 0;
}

static int place_spawn(struct place *place, const struct process_spec *spec) {
        struct world *w = world_of(place);

        /* A supervisor of ours keeps to this. */
        must(w->opened && (w->output_fd >= 0 || (!w->alive && !w->killing)));
        if (next_byte(&w->words) % 8 == 7)
                return -EAGAIN;
        w->alive = true;
        return 0;
}

static void place_signal(struct place *place, unsigned process, int signal_number) {
}

static void place_kill(struct place *place) {
        world_of(place)->killing = true;
}

static void place_nothing(struct place *place) {
}

static int place_freeze(struct place *place) {
        return 0;
}

static bool place_peer_is_ours(struct place *place, int fd) {
        return true;
}

static uint64_t place_memory(struct place *place) {
        return MIB;
}

static pid_t place_pid(struct place *place) {
        return 0;
}

static void place_free(struct place *place) {
        struct world *w = world_of(place);

        w->output_fd = fd_close(w->output_fd);
        ++w->frees;
}

static const struct place_ops place_ops = {
        .open = place_open,
        .spawn = place_spawn,
        .signal = place_signal,
        .kill = place_kill,
        .drain_output = place_nothing,
        .freeze = place_freeze,
        .thaw = place_nothing,
        .peer_is_ours = place_peer_is_ours,
        .peak_memory = place_memory,
        .current_memory = place_memory,
        .pid = place_pid,
        .free = place_free,
};

static struct place *make_place(void *owner, const struct link_site *site, int output_fd) {
        struct world *w = owner;

        must(w->places++ == w->frees);
        w->output_fd = output_fd;
        w->opening = w->opened = w->alive = w->killing = false;
        w->place = (struct place){
                .ops = &place_ops, .task_root = "/t", .opt_root = "/opt", .runtime_dir = "/r"
        };
        return &w->place;
}

static int lend(void *owner, struct carrier_loan *ret_loan) {
        struct world *w = owner;
        uint8_t how = next_byte(&w->words);

        *ret_loan = (struct carrier_loan){ -1, -1, -1, 0 };
        if (how & 1)
                ret_loan->memory_fd = dup(w->fd);
        if (how & 2)
                ret_loan->peak_fd = dup(w->fd);
        if (how & 4)
                ret_loan->diag_fd = dup(w->fd);
        return how % 16 == 15 ? -EMFILE : 0;
}

static void on_end(void *owner, const char *why) {
        struct world *w = owner;

        must(!w->ended && why);
        w->ended = true;
}

static const struct carrier_ports ports = { .make_place = make_place, .lend = lend, .on_end = on_end };

/* ---- what happens ---- */

static bool has_place(const struct world *w) {
        return w->places > w->frees;
}

static void place_speaks(struct world *w) {
        uint8_t how = next_byte(&w->words);
        struct link_bytes output;

        if (!has_place(w))
                return;
        if (w->opening && !w->opened) {
                w->opened = true;
                w->place.events->on_opened(&w->place, dup(w->api_fd), "127.0.0.1:9001");
        } else if (w->killing) {
                w->killing = w->alive = false;
                w->place.events->on_emptied(&w->place);
        } else if (w->alive && how % 4 == 0) {
                w->alive = false;
                w->place.events->on_exit(&w->place, PROCESS_RUNTIME, (enum place_end)(how / 4 % 4), how / 16);
        } else if (w->opened && w->output_fd < 0) {
                output = next_bytes(&w->words);
                w->place.events->on_output(&w->place, output.data, output.len);
        }
}

static void runtime_speaks(struct world *w) {
        if (w->runtime_fd >= 0 || w->opened)
                runtime_says(&w->words, &w->runtime_fd, &w->address, w->address_len);
}

/* One descriptor belongs to an OPEN. */
static void say(struct world *w, const struct link_message *m) {
        const int fds[] = { w->api_fd, w->api_fd, w->api_fd };

        send_message(w->fd, m, fds, m->type == LINK_OPEN ? next_byte(&w->words) % 4 : 0);
}

static void turn(struct world *w) {
        for (unsigned i = 0; i < 2 && !w->ended; ++i)
                must(loop_turn(w->loop, 0) == 0);
        drain(w->fd);
}

static void one_event(struct world *w) {
        const struct link_message start = {
                .type = LINK_INVOKE,
                .invoke = { 1, { .request_id = REQUEST_ID, .arn = "a", .timeout = SECOND }, 0 },
        };
        struct link_message m;
        uint8_t how = next_byte(&w->words);

        if (how % 8 < 2) {
                place_speaks(w);
        } else if (how % 8 < 4) {
                runtime_speaks(w);
        } else if (how % 8 == 4) {
                say(w, &start);
        } else {
                m = say_daemon(&w->words);
                say(w, &m);
        }
}

static void open_world(struct world *w) {
        int ends[2];

        must(loop_new(&w->loop) == 0);
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        w->api_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        w->address.sun_family = AF_UNIX;
        must(w->api_fd >= 0 && bind(w->api_fd, (struct sockaddr *)&w->address, sizeof(sa_family_t)) == 0);
        must(listen(w->api_fd, 16) == 0);
        w->address_len = sizeof(w->address);
        must(getsockname(w->api_fd, (struct sockaddr *)&w->address, &w->address_len) == 0);
        w->fd = ends[1];
        w->runtime_fd = w->output_fd = -1;
        w->carrier = carrier_new(w->loop, &ports, w);
        must(carrier_open(w->carrier, ends[0], ends[0]) == 0);
        send_hello(w->fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct world w = { .words = { data, size } };

        open_world(&w);
        for (unsigned steps = 0; w.words.left && !w.ended && steps < 200; ++steps) {
                one_event(&w);
                turn(&w);
        }
        carrier_free(w.carrier);
        must(w.frees == w.places);
        must(loop_next_due(w.loop) == NSEC_NEVER);
        loop_free(w.loop);
        fd_close(w.fd);
        if (w.api_fd >= 0)
                fd_close(w.api_fd);
        if (w.runtime_fd >= 0)
                fd_close(w.runtime_fd);
        return 0;
}
