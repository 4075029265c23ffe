/* SPDX-License-Identifier: Apache-2.0 */
#include "init/door.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define BACKLOG 64
#define ACCEPTS_PER_TURN 16

struct door {
        struct doors *doors;
        struct list link;
        struct source source;
        int fd;
        enum tunnel_kind kind;
        uint16_t port;
};

void doors_init(struct doors *d, struct loop *loop, struct tunnels *tunnels, struct place *place) {
        *d = (struct doors){ .loop = loop, .tunnels = tunnels, .place = place };
        list_init(&d->all);
}

static void door_free(struct door *door) {
        source_remove(&door->source);
        fd_close(door->fd);
        list_unlink(&door->link);
        free(door);
}

void doors_close(struct doors *d) {
        struct door *door;

        list_each(door, &d->all, link)
                door_free(door);
}

static void on_connection(struct source *source, uint32_t events) {
        struct door *door = container_of(source, struct door, source);
        struct doors *d = door->doors;
        int on = 1;

        for (unsigned i = 0; i < ACCEPTS_PER_TURN; ++i) {
                int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
                        continue; /* it had gone already */
                if (fd < 0)
                        return;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                if (d->place && !d->place->ops->peer_is_ours(d->place, fd))
                        fd_close(fd);
                else
                        tunnels_open(d->tunnels, fd, door->kind, door->port);
        }
        source_again(source, EPOLLIN);
}

static int add(struct doors *d, const struct sockaddr *address, socklen_t len, enum tunnel_kind kind,
               uint16_t port, struct door **ret_door) {
        int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, r;
        struct door *door;

        if (fd < 0)
                return -errno;
        if (address->sa_family == AF_INET6)
                setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        if (bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0) {
                r = -errno;
                fd_close(fd);
                return r;
        }
        door = xcalloc(1, sizeof(*door));
        *door = (struct door){ .doors = d, .fd = fd, .kind = kind, .port = port };
        list_push_back(&d->all, &door->link);
        r = source_add(d->loop, &door->source, fd, EPOLLIN | EPOLLET, RANK_NORMAL, on_connection);
        if (r)
                door_free(door);
        else if (ret_door)
                *ret_door = door;
        return r;
}

static struct sockaddr_in v4_loopback(uint16_t port) {
        return (struct sockaddr_in){ .sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                     .sin_port = htons(port) };
}

int doors_open_api(struct doors *d, uint16_t *ret_port) {
        struct sockaddr_in address = v4_loopback(0);
        socklen_t len = sizeof(address);
        struct door *door;
        int r = add(d, (struct sockaddr *)&address, len, TUNNEL_API, 0, &door);

        if (r)
                return r;
        if (getsockname(door->fd, (struct sockaddr *)&address, &len) < 0) {
                r = -errno;
                door_free(door);
                return r;
        }
        *ret_port = ntohs(address.sin_port);
        return 0;
}

void doors_open_port(struct doors *d, uint16_t port) {
        const struct sockaddr_in v4 = v4_loopback(port);
        const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                                         .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                         .sin6_port = htons(port) };

        add(d, (const struct sockaddr *)&v4, sizeof(v4), TUNNEL_PORT, port, NULL);
        add(d, (const struct sockaddr *)&v6, sizeof(v6), TUNNEL_PORT, port, NULL);
}
