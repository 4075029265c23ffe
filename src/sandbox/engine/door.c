/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening socket in a folder of its own, which is bound into one container and nowhere else: whoever connects
 * comes from there. It is open for one connection; then socket and folder are gone from our side, while the
 * container keeps the (empty) folder until it ends.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "sandbox/engine/containers_private.h"
#include "sandbox/engine/shape.h"

#define SOCKET_NAME "link"

static char *socket_path(const struct container *c) {
        return xasprintf("%s/" SOCKET_NAME, c->link_dir);
}

static void on_connection(struct source *source, uint32_t events) {
        struct container *c = container_of(source, struct container, listener);
        int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
                return;
        door_close(c);
        container_on_link(c, fd);
}

/* Through the folder's descriptor where the path is longer than a socket's address can be. */
static int bind_in(const struct container *c, int folder, int fd) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        AUTO(str) char *path = socket_path(c);

        if (strlen(path) < sizeof(at.sun_path))
                str_fit(at.sun_path, sizeof(at.sun_path), path);
        else
                snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/" SOCKET_NAME, folder);
        return bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
}

static int make_folder(struct container *c, int *ret_folder) {
        c->link_dir = xasprintf("%s/%s", c->containers->options.state_dir, c->environment_id);
        if (mkdir(c->link_dir, 0700) < 0 && errno != EEXIST)
                return -errno;
        *ret_folder = open(c->link_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*ret_folder < 0)
                return -errno;
        /* The function's user may be anybody here (user namespaces). Others do not get this far: the state dir is ours. */
        return fchmod(*ret_folder, 0755) < 0 ? -errno : 0;
}

int door_open(struct container *c) {
        AUTO(str) char *path = NULL;
        int folder = -1, r = make_folder(c, &folder);

        if (!r) {
                c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                r = c->listen_fd < 0 ? -errno : bind_in(c, folder, c->listen_fd);
        }
        fd_close(folder);
        path = socket_path(c);
        if (!r && (chmod(path, 0666) < 0 || listen(c->listen_fd, 1) < 0))
                r = -errno;
        r = r
                    ?: source_add(c->containers->loop, &c->listener, c->listen_fd, EPOLLIN | EPOLLET,
                                  RANK_NORMAL, on_connection);
        if (r)
                door_close(c);
        return r;
}

void door_close(struct container *c) {
        AUTO(str) char *path = c->link_dir ? socket_path(c) : NULL;

        source_remove(&c->listener);
        c->listen_fd = fd_close(c->listen_fd);
        if (path) {
                unlink(path);
                rmdir(c->link_dir);
        }
        free(TAKE(c->link_dir));
}
