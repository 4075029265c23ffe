/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport - what the client speaks over where that is not a plain socket: TLS (lib/tls.h)
 *
 * A dialer makes connections, each a transport: its struct begins with a struct transport. The first event of a
 * connection is on_connected, and nothing may be read or written before; it never comes from inside dial. on_ready says
 * that a read or a write which answered -EAGAIN may now do better. The user may free the transport in both.
 */
#pragma once
#include "loop/loop.h"

struct transport;

struct transport_ops {
        /* Bytes read (at least one); 0: the peer has ended; -EAGAIN; -errno. What is left may lie in the transport and
         * not in the kernel: only -EAGAIN says that there is nothing. */
        ssize_t (*read)(struct transport *t, void *room, size_t len);
        /* Bytes taken, which may still wait in the transport; -EAGAIN; -errno. */
        ssize_t (*write)(struct transport *t, const void *data, size_t len);
        /* Tells on_ready in the next turn. */
        void (*again)(struct transport *t);
        /* Says that no more will be written, once what was taken has gone. */
        void (*shutdown)(struct transport *t);
        /* The sentence of what read or write failed with; "" without. Lives until the next of them. */
        const char *(*problem)(const struct transport *t);
        /* Closes; nothing of it comes any more. */
        void (*free)(struct transport *t);
};

struct transport {
        const struct transport_ops *ops;
};

struct transport_user {
        /* 0, or -errno and a sentence that lives until the transport is freed. */
        void (*on_connected)(void *owner, int r, const char *problem);
        void (*on_ready)(void *owner);
};

struct dialer {
        struct transport *(*dial)(struct dialer *d, const char *address, const struct transport_user *user,
                                  void *owner);
};
