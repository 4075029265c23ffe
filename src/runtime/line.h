/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line - one end of a link at work: frames are put together, taken apart and carried over a stream
 *
 * What is sent waits in two queues with one piece of bulk (the event or the answer of the invocation under way)
 * between them: line_send overtakes the bulk, line_send_behind does not. Bulk is cut into frames only as fast as the
 * stream takes them. Writing happens at the end of the turn, or at line_flush; what nobody waits for (line_send_late)
 * goes with the next of the others, for each write wakes the other end.
 *
 * On a unix socket descriptors can travel beside the frames. None is received but as many as were expected: beyond them
 * the line ends, and where none is expected the kernel drops them.
 *
 * Both HELLOs are the line's own business. on_end is the last call, with a sentence; it never comes from inside
 * a call of the line. Callbacks may deinit the line. Loop thread only.
 */
#pragma once
#include <sys/uio.h>

#include "loop/loop.h"
#include "runtime/link.h"

#define LINE_LINGER (5 * MILLISECOND) /* how long line_send_late may wait for company */
#define LINE_FDS_MAX 4
#define LINE_BACKLOG_MAX (32 * MIB) /* past it the line ends: windows and owners keep far below */

struct line;

struct line_ops {
        /* NULL, or what is wrong with the message: then the line ends. */
        const char *(*on_message)(struct line *line, const struct link_message *message);
        void (*on_end)(struct line *line, const char *why);
        /* Nothing waits any more, after the stream had refused some or line_await_drain. May be NULL. */
        void (*on_drain)(struct line *line);
};

/* A stream that is no descriptor of ours. */
struct line_transport {
        /* Like write(2): how many of the bytes were taken, 0 for "later" (line_writable follows), or -errno. */
        ssize_t (*write)(void *owner, const void *data, size_t len);
        void (*close)(void *owner); /* once; the transport is not called after it */
};

struct line_bulk {
        enum link_type type;
        uint32_t number;
        const struct iovec *parts; /* borrowed, or &own */
        size_t count, offset;      /* parts left; bytes of the first that have gone */
        struct iovec own;
        struct buf bytes;
};

/* Descriptors under way: those that go with the next bytes, or that came and nobody took yet. */
struct line_fds {
        int fds[LINE_FDS_MAX];
        size_t count;
};

struct line {
        struct loop *loop;
        enum link_side side;
        const struct line_ops *ops;
        void *owner;
        int in_fd, out_fd; /* the same for a socket */
        struct source in, out;
        const struct line_transport *transport;
        void *transport_owner;
        struct defer soon;
        struct timer linger;
        struct buf received; /* the beginning of a frame */
        struct buf front, behind, wire;
        struct line_bulk bulk;
        struct line_fds leaving, arrived;
        size_t expected;               /* descriptors that may still arrive */
        bool greeted, blocked, broken; /* HELLO has come; the stream is full; writing failed */
        bool tell_drain;
        char *end; /* why, once it is decided */
        bool *gone;
};

void line_init(struct line *line, struct loop *loop, enum link_side side, const struct line_ops *ops,
               void *owner);
void line_deinit(struct line *line); /* closes the stream; legal at any time after line_init */
static inline bool line_is_open(const struct line *line) {
        return line->in_fd >= 0 || line->transport;
}

/* Non-blocking descriptors, taken over, also when it fails. 0 or -errno. */
int line_open(struct line *line, int in_fd, int out_fd);
void line_open_transport(struct line *line, const struct line_transport *transport, void *owner);
void line_writable(struct line *line);
void line_feed(struct line *line, const char *data, size_t len);
void line_ended(struct line *line);

/* Sending on a line that is not open, or has ended, does nothing. */
void line_send(struct line *line, const struct link_message *message);
void line_send_late(struct line *line, const struct link_message *message);
void line_send_behind(struct line *line, const struct link_message *message);
/* With descriptors, LINE_FDS_MAX at most on their way at once (must); taken over. They arrive before the message does,
 * or not at all where the stream cannot carry them: then the message comes alone. */
void line_send_fds(struct line *line, const struct link_message *message, const int *fds, size_t count);
/* How many descriptors the other end may send from now on; those that nobody took are closed. The stream is a socket. */
void line_expect_fds(struct line *line, size_t count);
/* The next that has arrived, in the order of the other end; -1: none. */
int line_take_fd(struct line *line);
/* One piece of bulk at a time (must). The parts are borrowed until line_drop_bulk, or the end of the bulk. */
void line_send_bulk(struct line *line, enum link_type type, uint32_t number, const struct iovec *parts,
                    size_t count);
void line_send_bulk_consume(struct line *line, enum link_type type, uint32_t number, struct buf *bytes);
void line_drop_bulk(struct line *line);
void line_flush(struct line *line);
void line_await_drain(struct line *line);
/* Bytes that wait, without the bulk. */
size_t line_backlog(const struct line *line);
bool line_is_idle(const struct line *line); /* nothing waits */
