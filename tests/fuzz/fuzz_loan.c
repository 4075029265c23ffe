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

#include "far_end.h"
#include "owner.h"
#include "runtime/remote.h"

struct world {
        struct words words;
        struct owner owner;
        struct loop *loop;
        int fd, near_fd, runtime_fd; /* init's end of the link */
        struct sockaddr_in address;
        int listener, memory;
};

/* ---- who makes the place ---- */

static int ports_open(void *owner) {
        struct world *w = owner;

        remote_connected(w->owner.e, TAKE_FD(w->near_fd));
        return 0;
}

static void ports_serve(void *owner, int fd) {
        fd_close(fd);
}

static void ports_remove(void *owner) {
}

static const struct remote_ports ports = { .open = ports_open, .serve = ports_serve, .remove = ports_remove };

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
static size_t choose_fds(struct world *w, const struct link_message *m, int fds[static FDS_MOST]) {
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
        int fds[FDS_MOST];
        size_t count = choose_fds(w, m, fds);

        send_message(w->fd, m, fds, count);
        for (size_t i = 0; i < count; ++i)
                fd_close(fds[i]);
}

static void turn(struct world *w) {
        for (unsigned i = 0; i < 3; ++i)
                must(loop_turn(w->loop, 0) == 0);
        drain(w->fd);
}

static void one_event(struct world *w) {
        struct environment_stats stats;
        struct link_message m;

        switch (next_byte(&w->words) % 16) {
        case 0:
        case 1:
        case 2:
                runtime_says(&w->words, &w->runtime_fd, &w->address, sizeof(w->address));
                break;
        case 3:
        case 4:
                owner_invoke(&w->owner);
                break;
        case 5:
                owner_freeze_or_thaw(&w->owner);
                break;
        case 6:
                if (next_byte(&w->words) % 4 == 0)
                        owner_stop(&w->owner);
                break;
        case 7:
                if (next_byte(&w->words) % 8 == 0)
                        remote_lost(w->owner.e, (enum remote_loss)(next_byte(&w->words) % 3), "lost");
                break;
        case 8:
                w->owner.e->ops->stats(w->owner.e, &stats);
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
        struct remote_options options = {
                .spec = &some_spec, .command = &some_command, .ports = &ports, .owner = w
        };
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
        owner_begin(&w->owner, &w->words, remote_new(&options));
        send_hello(w->fd);
}

/* However it stands, the end of the link ends it. */
static void end_world(struct world *w) {
        w->fd = fd_close(w->fd);
        turn(w);
        must(w->owner.gone);
        owner_end(&w->owner);
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
        for (unsigned steps = 0; w.words.left && !w.owner.gone && w.owner.e && steps < 200; ++steps) {
                one_event(&w);
                turn(&w);
        }
        end_world(&w);
        must(open_fds() == before);
        return 0;
}
