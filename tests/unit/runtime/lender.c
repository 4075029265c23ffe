/* SPDX-License-Identifier: Apache-2.0 */
#include "lender.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "http/peer.h"

#define PATIENCE (10 * SECOND)

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

/* ---- who makes the place ---- */

static int ports_open(void *owner) {
        struct near *n = owner;
        int ends[2];

        if (n->connects_nothing)
                return 0;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        assert_int_equal(line_open(&n->init, ends[0], ends[0]), 0);
        line_expect_fds(&n->init, 1);
        remote_connected(n->witness.e, ends[1]);
        return 0;
}

static void ports_link_lost(void *owner) {
        struct near *n = owner;

        ++n->link_losses;
        if (n->why_lost)
                remote_lost(n->witness.e, n->how_lost, n->why_lost);
}

static void ports_remove(void *owner) {
        ++((struct near *)owner)->removes;
}

static const struct remote_ports ports = { .open = ports_open,
                                           .link_lost = ports_link_lost,
                                           .remove = ports_remove };
static const struct remote_ports silent_ports = { .open = ports_open, .remove = ports_remove };

/* ---- scenes ---- */

void lender_turn(struct near *n) {
        for (unsigned i = 0; i < 10; ++i)
                assert_int_equal(loop_turn(n->loop, 0), 0);
}

/* Turns until the owner has heard it. */
void lender_await(struct near *n, const char *event) {
        nsec_t until = loop_clock(n->loop) + PATIENCE;

        while (!strstr(witness_text_of(&n->witness.events), event)) {
                if (loop_clock(n->loop) > until)
                        fail_msg("waited for '%s', heard:\n%s", event, witness_text_of(&n->witness.events));
                assert_int_equal(loop_turn(n->loop, 100 * MILLISECOND), 0);
        }
}

void lender_await_said(struct near *n, enum link_type type) {
        nsec_t until = loop_clock(n->loop) + PATIENCE;

        while (!n->said[type]) {
                assert_true(loop_clock(n->loop) < until);
                assert_int_equal(loop_turn(n->loop, 100 * MILLISECOND), 0);
        }
}

int lender_new_socket(struct near *n, int family, int type, uint32_t address) {
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

int lender_new_listener(struct near *n, uint32_t address) {
        int fd = lender_new_socket(n, AF_INET, SOCK_STREAM, address);

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
void lender_begin(struct near *n) {
        struct remote_options options = { .ports = n->asks_why ? &ports : &silent_ports,
                                          .owner = n,
                                          .shared_network = n->shared_network };

        n->output = n->runtime_fd = -1;
        assert_int_equal(loop_new(&n->loop), 0);
        options.loop = n->loop;
        line_init(&n->init, n->loop, LINK_INIT, &init_ops, n);
        witness_make(&n->witness, &options, false);
        n->fds[HANDED_LISTENER] = lender_new_listener(n, INADDR_LOOPBACK);
        n->fds[HANDED_MEMORY] = new_memory("5242880\n");
        n->fds[HANDED_PEAK] = new_memory("10485760\n");
        n->fds[HANDED_DIAG] = n->shared_network ? peer_open_diag() : -1;
        n->peer_uid = geteuid();
        assert_int_equal(n->witness.e->ops->start(n->witness.e), 0);
        lender_turn(n);
        assert_int_equal(n->said[LINK_OPEN], !n->connects_nothing);
        assert_int_equal(n->output >= 0, !n->connects_nothing);
}

void lender_opened_saying(struct near *n, uint32_t handed) {
        const struct link_message m = { .type = LINK_OPENED,
                                        .opened = { .handed = handed, .peer_uid = n->peer_uid } };
        int fds[HANDED_MOST];
        size_t count = 0;

        for (size_t i = 0; i < HANDED_MOST; ++i)
                if (n->fds[i] >= 0)
                        fds[count++] = TAKE_FD(n->fds[i]);
        line_send_fds(&n->init, &m, fds, count);
        lender_turn(n);
}

void lender_opened(struct near *n) {
        uint32_t handed = 0;

        for (size_t i = 0; i < HANDED_MOST; ++i)
                handed |= n->fds[i] >= 0 ? 1u << i : 0;
        lender_opened_saying(n, handed);
}

void lender_replace(int *fd, int with) {
        fd_close(*fd);
        *fd = with;
}

void lender_end(struct near *n) {
        witness_end(&n->witness);
        assert_int_equal(n->removes, 1);
        line_deinit(&n->init);
        for (size_t i = 0; i < HANDED_MOST; ++i)
                fd_close(n->fds[i]);
        fd_close(n->output);
        fd_close(n->runtime_fd);
        assert_int_equal(loop_next_due(n->loop), NSEC_NEVER);
        loop_free(n->loop);
        free(n->init_why);
}

void lender_connect_runtime(struct near *n) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t)n->port) };

        n->runtime_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(n->runtime_fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void lender_runtime_says(struct near *n, const char *text) {
        assert_int_equal(send(n->runtime_fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
        lender_turn(n);
}

void lender_warm(struct near *n) {
        lender_begin(n);
        lender_opened(n);
        lender_await_said(n, LINK_SPAWN);
        lender_connect_runtime(n);
        lender_runtime_says(n, NEXT);
        lender_await(n, "started\nready\n");
}

void lender_invoke(struct near *n) {
        struct invocation_order order = {
                .request_id = ID, .arn = "arn", .event = &n->event, .event_parts = 1, .timeout = 3 * SECOND
        };

        n->event = (struct iovec){ (char *)(uintptr_t) "{}", 2 };
        n->witness.e->ops->invoke(n->witness.e, &order);
        lender_turn(n);
}

void lender_enter(struct near *n, enum scene scene) {
        if (scene == OPENING)
                lender_begin(n);
        if (scene == INIT) {
                lender_begin(n);
                lender_opened(n);
                lender_await_said(n, LINK_SPAWN);
        }
        if (scene >= IDLE)
                lender_warm(n);
        if (scene >= RUNNING)
                lender_invoke(n);
        if (scene == ANSWERED)
                lender_runtime_says(n, ANSWER);
}
