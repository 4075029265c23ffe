/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's standard streams, as the engine's attach carries them: standard error is what init says when it fails;
 * where there is no socket to meet at, standard input and output are the link.
 */
#include "sandbox/engine/containers_private.h"

static bool on_piece(void *owner, enum attach_stream stream, const char *data, size_t len) {
        struct container *c = owner;

        if (stream == ATTACH_ERROR)
                container_keep_words(c, data, len);
        if (c->guest)
                c->guest->ops->output(c->guest->owner, stream == ATTACH_ERROR, data, len);
        else if (stream == ATTACH_ERROR)
                return c->attached;
        else if (c->streams_linked)
                remote_feed(c->environment, data, len);
        else if (buf_append(&c->early, data, len))
                buf_clear(&c->early); /* no greeting is so long */
        return c->attached;
}

void container_on_stream(struct docker_call *call, const char *data, size_t len) {
        struct container *c = container_of(call, struct container, attach_call);

        if (attach_feed(&c->attach, data, len, on_piece, c) && c->streams_linked)
                remote_ended(c->environment);
}

void container_on_stream_end(struct docker_call *call, int r) {
        struct container *c = container_of(call, struct container, attach_call);

        /* Before its head: the engine refused to attach. */
        if (!c->attached) {
                if (!c->problem)
                        c->problem = call->problem ? xstrdup(call->problem) : NULL;
                flow_go_on(&c->flow, r ?: -EPROTO);
                return;
        }
        c->attached = false;
        if (c->guest)
                c->guest->ops->output_ended(c->guest->owner);
        else if (c->streams_linked)
                remote_ended(c->environment);
}

static ssize_t streams_write(void *owner, const void *data, size_t len) {
        struct container *c = owner;
        int r = docker_send(&c->attach_call, data, len);

        return r ? r : (ssize_t)len;
}

static void streams_close(void *owner) {
        struct container *c = owner;

        c->streams_linked = false;
}

static const struct line_transport transport = { streams_write, streams_close };

void container_link_streams(struct container *c) {
        if (!c->attached)
                return;
        c->linked = c->streams_linked = true;
        remote_attach(c->environment, &transport, c);
        if (c->early.len) {
                AUTO(buf) struct buf early = c->early;

                c->early = BUF_NULL(0);
                remote_feed(c->environment, buf_data(&early), early.len);
        }
}
