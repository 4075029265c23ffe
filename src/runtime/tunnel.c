/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/tunnel.h"

#include <sys/socket.h>

#define BACKLOG_HIGH (4 * MIB) /* of the line: more is not put into it */
#define OWED_MOST (TUNNEL_WINDOW / 4)

struct tunnel {
        struct tunnels *tunnels;
        struct list link;
        struct source source;
        uint32_t id;
        int fd;
        struct buf out; /* for the socket */
        size_t credit;  /* bytes that the other end still takes */
        size_t owed;    /* bytes that the socket took and the other end does not know of */
        bool sent_end;  /* the socket's own end was passed on */
        bool got_end;   /* the other end sends no more */
        bool shut;      /* and the socket was told */
};

void tunnels_init(struct tunnels *t, struct loop *loop, struct line *line) {
        *t = (struct tunnels){ .loop = loop, .line = line };
        list_init(&t->all);
}

/* Not an orderly end: whoever is connected shall not take half an answer for a whole one. */
static void reset(int fd) {
        const struct linger now = { .l_onoff = 1 };

        if (fd < 0)
                return;
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        fd_close(fd);
}

static void tunnel_free(struct tunnel *tunnel, bool orderly) {
        source_remove(&tunnel->source);
        if (orderly)
                fd_close(tunnel->fd);
        else
                reset(tunnel->fd);
        list_unlink(&tunnel->link);
        --tunnel->tunnels->count;
        buf_deinit(&tunnel->out);
        free(tunnel);
}

void tunnels_deinit(struct tunnels *t) {
        struct tunnel *tunnel;

        if (!t->loop)
                return;
        list_each(tunnel, &t->all, link)
                tunnel_free(tunnel, false);
}

static void say(const struct tunnels *t, enum link_type type, uint32_t id, size_t len) {
        const struct link_message m = { .type = type, .tunnel = { id, (uint32_t)len } };

        line_send(t->line, &m);
}

static void tunnel_break(struct tunnel *tunnel) {
        say(tunnel->tunnels, LINK_TUNNEL_CLOSE, tunnel->id, 0);
        tunnel_free(tunnel, false);
}

/* ---- from the socket ---- */

/* False: the tunnel has ended. */
static bool read_socket(struct tunnel *tunnel) {
        struct tunnels *t = tunnel->tunnels;
        size_t most = MIN(tunnel->credit, LINK_CHUNK_MAX);
        ssize_t n;

        if (tunnel->sent_end || !most || line_backlog(t->line) > BACKLOG_HIGH)
                return true;
        n = recv(tunnel->fd, loop_scratch(t->loop), most, 0);
        if (n > 0) {
                const struct link_message m = { .type = LINK_TUNNEL_DATA,
                                                .tunnel_data = { tunnel->id,
                                                                 { loop_scratch(t->loop), (size_t)n } } };

                line_send(t->line, &m);
                tunnel->credit -= (size_t)n;
                source_again(&tunnel->source, EPOLLIN);
        } else if (n == 0) {
                tunnel->sent_end = true;
                say(t, LINK_TUNNEL_END, tunnel->id, 0);
        } else if (errno != EAGAIN && errno != EINTR) {
                tunnel_break(tunnel);
                return false;
        }
        return true;
}

/* ---- to the socket ---- */

static void pay(struct tunnel *tunnel, size_t len) {
        tunnel->owed += len;
        if (tunnel->owed < OWED_MOST || tunnel->got_end)
                return;
        say(tunnel->tunnels, LINK_TUNNEL_CREDIT, tunnel->id, tunnel->owed);
        tunnel->owed = 0;
}

static bool write_socket(struct tunnel *tunnel) {
        ssize_t n = 1;

        while (n > 0 && !buf_is_empty(&tunnel->out)) {
                n = send(tunnel->fd, buf_data(&tunnel->out), tunnel->out.len, MSG_NOSIGNAL);
                if (n < 0 && errno != EAGAIN && errno != EINTR) {
                        tunnel_break(tunnel);
                        return false;
                }
                if (n > 0) {
                        buf_consume(&tunnel->out, (size_t)n);
                        pay(tunnel, (size_t)n);
                }
        }
        if (buf_is_empty(&tunnel->out)) {
                buf_deinit(&tunnel->out);
                if (tunnel->got_end && !tunnel->shut) {
                        tunnel->shut = true;
                        shutdown(tunnel->fd, SHUT_WR);
                }
        }
        return true;
}

static void settle(struct tunnel *tunnel) {
        if (tunnel->sent_end && tunnel->shut)
                tunnel_free(tunnel, true);
}

static void on_socket(struct source *source, uint32_t events) {
        struct tunnel *tunnel = container_of(source, struct tunnel, source);

        if (write_socket(tunnel) && read_socket(tunnel))
                settle(tunnel);
}

/* ---- life ---- */

static struct tunnel *tunnel_new(struct tunnels *t, uint32_t id, int fd) {
        struct tunnel *tunnel = xcalloc(1, sizeof(*tunnel));

        tunnel->tunnels = t;
        tunnel->id = id;
        tunnel->fd = fd;
        tunnel->credit = TUNNEL_WINDOW;
        tunnel->out = BUF_NULL(TUNNEL_WINDOW);
        list_push_back(&t->all, &tunnel->link);
        ++t->count;
        if (source_add(t->loop, &tunnel->source, fd, 0, RANK_NORMAL, on_socket) == 0)
                return tunnel;
        tunnel_free(tunnel, false);
        return NULL;
}

void tunnels_open(struct tunnels *t, int fd, enum tunnel_kind kind, uint16_t port) {
        const struct link_message m = { .type = LINK_TUNNEL_OPEN,
                                        .tunnel_open = { ++t->last_id, kind, port } };

        if (t->count >= TUNNELS_MAX)
                reset(fd);
        else if (tunnel_new(t, t->last_id, fd))
                line_send(t->line, &m);
}

static struct tunnel *find(const struct tunnels *t, uint32_t id) {
        struct tunnel *tunnel;

        list_each(tunnel, &t->all, link)
                if (tunnel->id == id)
                        return tunnel;
        return NULL;
}

void tunnels_accept(struct tunnels *t, uint32_t id, int fd) {
        bool room = t->count < TUNNELS_MAX && !find(t, id);

        if (!room)
                reset(fd);
        if (fd < 0 || !room || !tunnel_new(t, id, fd))
                say(t, LINK_TUNNEL_CLOSE, id, 0);
}

/* ---- the other end speaks ---- */

const char *tunnels_on_message(struct tunnels *t, const struct link_message *m) {
        struct tunnel *tunnel = find(t, m->tunnel.id); /* the id comes first in each of them */

        if (!tunnel)
                return NULL;
        if (m->type == LINK_TUNNEL_DATA) {
                const struct link_bytes *bytes = &m->tunnel_data.bytes;

                if (tunnel->got_end || buf_append(&tunnel->out, bytes->data, bytes->len))
                        return "a tunnel of the link carries more than it may";
                if (write_socket(tunnel))
                        settle(tunnel);
        } else if (m->type == LINK_TUNNEL_CREDIT) {
                if (m->tunnel.len > TUNNEL_WINDOW - tunnel->credit)
                        return "a tunnel of the link was credited with more than it carried";
                tunnel->credit += m->tunnel.len;
                source_again(&tunnel->source, EPOLLIN);
        } else if (m->type == LINK_TUNNEL_END) {
                tunnel->got_end = true;
                if (write_socket(tunnel))
                        settle(tunnel);
        } else {
                tunnel_free(tunnel, false);
        }
        return NULL;
}

void tunnels_on_drain(struct tunnels *t) {
        struct tunnel *tunnel;

        list_each(tunnel, &t->all, link)
                source_again(&tunnel->source, EPOLLIN);
}
