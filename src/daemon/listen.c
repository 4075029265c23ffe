/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define BACKLOG 4096

/* "host:port", "[v6]:port", ":port" or "port". */
static int split(const char *address, char **ret_host, uint64_t *ret_port, char **ret_problem) {
        const char *colon = strrchr(address, ':'), *port = colon ? colon + 1 : address;
        size_t host_len = colon ? (size_t)(colon - address) : 0;

        if (str_to_u64(port, 65535, ret_port) || (memchr(address, ':', host_len) && *address != '[')) {
                *ret_problem = xasprintf(
                        "--listen: \"%s\" is not HOST:PORT (such as 127.0.0.1:4566 or [::1]:4566)", address);
                return -EINVAL;
        }
        if (*address == '[' && host_len >= 2 && address[host_len - 1] == ']')
                *ret_host = xstrndup(address + 1, host_len - 2);
        else
                *ret_host = xstrndup(address, host_len);
        return 0;
}

static int open_socket(const struct sockaddr *addr, socklen_t len) {
        AUTO(fd) int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int one = 1;

        if (fd < 0)
                return -errno;
        /* A restart must not wait for the old connections' TIME_WAIT. */
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
                return -errno;
        if (addr->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
                return -errno;
        if (bind(fd, addr, len) || listen(fd, BACKLOG))
                return -errno;
        return TAKE_FD(fd);
}

static uint16_t bound_port(int fd) {
        struct sockaddr_storage addr = {};
        socklen_t len = sizeof(addr);

        if (getsockname(fd, (struct sockaddr *)&addr, &len))
                return 0;
        return ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                                : ((struct sockaddr_in *)&addr)->sin_port);
}

static bool is_loopback(const struct sockaddr *addr) {
        if (addr->sa_family == AF_INET6)
                return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)addr)->sin6_addr);
        return ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr) >> 24 == 127;
}

static bool is_wildcard(const struct sockaddr *addr) {
        if (addr->sa_family == AF_INET6)
                return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)addr)->sin6_addr);
        return ((const struct sockaddr_in *)addr)->sin_addr.s_addr == htonl(INADDR_ANY);
}

static char *endpoint_of(const struct sockaddr *addr, uint16_t port) {
        bool v6 = addr->sa_family == AF_INET6;
        char host[INET6_ADDRSTRLEN];
        const void *in = v6 ? (const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)addr)->sin_addr;

        if (is_wildcard(addr))
                return xasprintf("http://%s:%u", v6 ? "[::1]" : "127.0.0.1", port);
        inet_ntop(addr->sa_family, in, host, sizeof(host));
        return xasprintf("http://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static int complain_about(const char *address, int r, char **ret_problem) {
        if (r == -EADDRINUSE)
                *ret_problem = xasprintf(
                        "%s is taken by another program (another lambent?): stop that one, or choose another "
                        "port with --listen HOST:PORT (port 0: a free one)",
                        address);
        else if (r == -EACCES)
                *ret_problem = xasprintf(
                        "%s is for privileged programs: choose a port from 1024 on with --listen HOST:PORT",
                        address);
        else
                *ret_problem = xasprintf("cannot listen on %s: %s", address, strerror(-r));
        return r;
}

static int add(struct listen_sockets *sockets, const char *address, const struct sockaddr *addr,
               socklen_t len, char **ret_problem) {
        int fd;

        if (sockets->count == LISTEN_SOCKETS_MAX) {
                *ret_problem = xasprintf("--listen: more than %d sockets", LISTEN_SOCKETS_MAX);
                return -E2BIG;
        }
        fd = open_socket(addr, len);
        if (fd < 0)
                return complain_about(address, fd, ret_problem);
        sockets->fds[sockets->count++] = fd;
        sockets->foreign = sockets->foreign || !is_loopback(addr);
        if (!sockets->endpoint)
                sockets->endpoint = endpoint_of(addr, bound_port(fd));
        return 0;
}

static int open_loopback(struct listen_sockets *sockets, const char *address, uint16_t port,
                         char **ret_problem) {
        struct sockaddr_in v4 = { .sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
        AUTO(str) char *v6_address = NULL;
        int r = add(sockets, address, (struct sockaddr *)&v4, sizeof(v4), ret_problem);
        uint16_t chosen;

        if (r)
                return r;
        chosen = bound_port(sockets->fds[sockets->count - 1]);
        v6.sin6_port = htons(chosen);
        v6_address = xasprintf("[::1]:%u", chosen);
        r = add(sockets, v6_address, (struct sockaddr *)&v6, sizeof(v6), ret_problem);
        /* Without IPv6 there is nothing to miss; and a port that the kernel chose for IPv4 may be somebody's
         * in IPv6. */
        if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL || (r == -EADDRINUSE && port == 0)) {
                free(TAKE(*ret_problem));
                return 0;
        }
        return r;
}

int listen_open(struct listen_sockets *sockets, const char *address, char **ret_problem) {
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found = NULL;
        AUTO(str) char *host = NULL;
        char service[8];
        uint64_t port;
        int r = split(address, &host, &port, ret_problem);

        if (r)
                return r;
        if (!*host || streq(host, "localhost") || streq(host, "127.0.0.1"))
                return open_loopback(sockets, address, (uint16_t)port, ret_problem);
        snprintf(service, sizeof(service), "%u", (unsigned)port);
        r = getaddrinfo(streq(host, "*") ? NULL : host, service, &hints, &found);
        if (r) {
                *ret_problem =
                        xasprintf("--listen: %s is no address of this machine: %s", host, gai_strerror(r));
                return -EINVAL;
        }
        for (struct addrinfo *at = found; at && !r; at = at->ai_next)
                r = add(sockets, address, at->ai_addr, at->ai_addrlen, ret_problem);
        freeaddrinfo(found);
        return r;
}

void listen_close(struct listen_sockets *sockets) {
        for (size_t i = 0; i < sockets->count; i++)
                fd_close(sockets->fds[i]);
        free(sockets->endpoint);
        *sockets = (struct listen_sockets){};
}
