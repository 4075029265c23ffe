/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/line.h"

#include <stdio.h>
#include <sys/socket.h>

#define LATE_MOST (16 * KIB)          /* more than this does not linger */
#define KEEP_BELOW (128 * KIB)        /* a queue that ran empty gives memory above this back */
#define WRITE_MOST (2 * LOOP_SCRATCH) /* of bulk at once: what waits to overtake it waits no longer */
#define PART_LEAST (4 * KIB)          /* a smaller frame is not worth its head */

static void on_soon(struct defer *defer);
static void on_linger(struct timer *timer);

void line_init(struct line *l, struct loop *loop, enum link_side side, const struct line_ops *ops,
               void *owner) {
        *l = (struct line){
                .loop = loop,
                .side = side,
                .ops = ops,
                .owner = owner,
                .in_fd = -1,
                .out_fd = -1,
                .received = BUF_NULL(LINK_FRAME_MAX + LOOP_SCRATCH),
                .front = BUF_NULL(LINE_BACKLOG_MAX),
                .behind = BUF_NULL(LINE_BACKLOG_MAX),
                .wire = BUF_NULL(LINE_BACKLOG_MAX + 2 * LINK_FRAME_MAX),
        };
        timer_init(&l->linger, loop, on_linger);
}

static void close_stream(struct line *l) {
        source_remove(&l->in);
        source_remove(&l->out);
        if (l->out_fd != l->in_fd)
                fd_close(l->out_fd);
        l->out_fd = -1;
        l->in_fd = fd_close(l->in_fd);
        if (l->transport)
                TAKE(l->transport)->close(l->transport_owner);
}

static void close_fds(struct line_fds *f) {
        for (size_t i = 0; i < f->count; ++i)
                fd_close(f->fds[i]);
        f->count = 0;
}

static void forget_output(struct line *l) {
        close_fds(&l->leaving);
        timer_disarm(&l->linger);
        line_drop_bulk(l);
        buf_deinit(&l->front);
        buf_deinit(&l->behind);
        buf_deinit(&l->wire);
}

void line_deinit(struct line *l) {
        if (l->gone)
                *l->gone = true;
        l->gone = NULL;
        close_stream(l);
        defer_cancel(&l->soon);
        forget_output(l);
        close_fds(&l->arrived);
        buf_deinit(&l->received);
        free(TAKE(l->end));
}

/* ---- ending ---- */

static bool is_usable(const struct line *l) {
        return line_is_open(l) && !l->end;
}

/* Decides that the line ends; on_end follows from the loop. */
static void end_soon(struct line *l, const char *why) {
        if (!is_usable(l))
                return;
        l->end = xstrdup(why);
        defer_call(l->loop, &l->soon, on_soon);
}

static void end_now(struct line *l, const char *why) {
        AUTO(str) char *sentence = l->end ? TAKE(l->end) : xstrdup(why);

        if (!line_is_open(l))
                return;
        defer_cancel(&l->soon);
        forget_output(l);
        close_fds(&l->arrived);
        buf_deinit(&l->received);
        close_stream(l);
        l->ops->on_end(l, sentence);
}

/* ---- receiving ---- */

/* Brackets what may deinit the line; they nest. False: it did. */
static bool *guard_enter(struct line *l, bool *gone) {
        bool *outer = l->gone;

        *gone = false;
        l->gone = gone;
        return outer;
}

static bool guard_leave(struct line *l, const bool *gone, bool *outer) {
        if (!*gone)
                l->gone = outer;
        else if (outer)
                *outer = true;
        return !*gone;
}

static const char *check_hello(struct line *l, const struct link_message *m) {
        static char text[128];

        if (m->type != LINK_HELLO)
                return "the other end of the link did not begin with its greeting";
        l->greeted = true;
        if (m->hello.version == LINK_VERSION)
                return NULL;
        snprintf(text, sizeof(text), "the other end speaks version %u of the link, this one %u",
                 m->hello.version, LINK_VERSION);
        return text;
}

static const char *handle(struct line *l, const struct link_message *m) {
        if (!l->greeted)
                return check_hello(l, m);
        if (m->type == LINK_HELLO)
                return "the other end of the link greeted twice";
        return l->ops->on_message(l, m);
}

/* Handles the whole frames at the start of data. False: the line has ended, or is gone. */
static bool handle_frames(struct line *l, const char *data, size_t len, size_t *ret_used) {
        enum link_side from = l->side == LINK_DAEMON ? LINK_INIT : LINK_DAEMON;
        struct link_message message;
        const char *wrong = NULL;
        size_t used = 0, size;
        bool gone, *outer = guard_enter(l, &gone);
        int r = LINK_MORE;

        while (!wrong && (r = link_decode(data + used, len - used, from, &message, &size)) == LINK_WHOLE) {
                used += size;
                wrong = handle(l, &message);
                if (gone)
                        break;
        }
        if (!guard_leave(l, &gone, outer))
                return false;
        *ret_used = used;
        if (!wrong && r == LINK_MORE)
                return true;
        end_now(l, wrong ?: "the other end of the link sent what is no message");
        return false;
}

/* Whole frames are handled where they lie; only the beginning of one is kept. False: do not go on. */
static bool receive(struct line *l, const char *data, size_t len) {
        size_t used;

        if (buf_is_empty(&l->received)) {
                if (!handle_frames(l, data, len, &used))
                        return false;
                if (buf_append(&l->received, data + used, len - used) == 0)
                        return true;
        } else if (buf_append(&l->received, data, len) == 0) {
                if (!handle_frames(l, buf_data(&l->received), l->received.len, &used))
                        return false;
                buf_consume(&l->received, used);
                if (buf_is_empty(&l->received) && l->received.capacity > KEEP_BELOW)
                        buf_deinit(&l->received);
                return true;
        }
        end_now(l, "no memory for a message of the link");
        return false;
}

void line_expect_fds(struct line *l, size_t count) {
        must(count <= LINE_FDS_MAX);
        close_fds(&l->arrived);
        l->expected = count;
}

int line_take_fd(struct line *l) {
        int fd;

        if (!l->arrived.count)
                return -1;
        fd = l->arrived.fds[0];
        memmove(l->arrived.fds, l->arrived.fds + 1, --l->arrived.count * sizeof(fd));
        return fd;
}

union fds_message {
        char bytes[CMSG_SPACE(LINE_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
};

/* False: more than were expected; what came is closed with the line. Where the kernel gave only some of them (a limit of
 * ours, a policy) it is as if none had come. */
static bool keep_fds(struct line *l, struct msghdr *head) {
        bool surplus = false;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
                size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < count; ++i) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
                        if (l->expected) {
                                --l->expected;
                                l->arrived.fds[l->arrived.count++] = fd;
                        } else {
                                surplus = true;
                                fd_close(fd);
                        }
                }
        }
        if (head->msg_flags & MSG_CTRUNC)
                close_fds(&l->arrived);
        return !surplus;
}

static ssize_t read_with_fds(struct line *l, char *data, size_t len) {
        union fds_message control;
        struct iovec part = { data, len };
        struct msghdr head = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(l->in_fd, &head, MSG_CMSG_CLOEXEC);

        return n < 0 || keep_fds(l, &head) ? n : -EMFILE;
}

static ssize_t read_stream(struct line *l, char *data, size_t len) {
        return l->expected ? read_with_fds(l, data, len) : read(l->in_fd, data, len);
}

/* ended: the peer has closed, and no further edge will say so. */
static void read_some(struct line *l, bool ended) {
        char *scratch = loop_scratch(l->loop);
        bool with_fds = l->expected;
        ssize_t n = read_stream(l, scratch, LOOP_SCRATCH);

        if (n > 0) {
                /* The bytes that descriptors came with end a read. */
                if (receive(l, scratch, (size_t)n) && (n == LOOP_SCRATCH || ended || with_fds))
                        source_again(&l->in, EPOLLIN | (ended ? EPOLLRDHUP : 0));
        } else if (n == -EMFILE) {
                end_now(l, "the other end of the link sent descriptors that nobody asked for");
        } else if (n < 0 && errno == EINTR) {
                source_again(&l->in, EPOLLIN | (ended ? EPOLLRDHUP : 0));
        } else if (n == 0 || errno != EAGAIN || l->broken) {
                end_now(l, "the link has ended");
        }
}

void line_feed(struct line *l, const char *data, size_t len) {
        if (is_usable(l))
                receive(l, data, len);
}

void line_ended(struct line *l) {
        end_now(l, "the link has ended");
}

/* ---- sending ---- */

size_t line_backlog(const struct line *l) {
        return l->front.len + l->behind.len + l->wire.len;
}

bool line_is_idle(const struct line *l) {
        return !line_backlog(l) && !l->bulk.count;
}

static bool enqueue(struct line *l, struct buf *queue, const struct link_message *message) {
        if (!is_usable(l) || l->broken)
                return false;
        if (link_encode(queue, message) == 0)
                return true;
        end_soon(l, "the link cannot keep up with what it should carry");
        return false;
}

static void flush_soon(struct line *l) {
        if (!l->blocked)
                defer_call(l->loop, &l->soon, on_soon);
}

void line_send(struct line *l, const struct link_message *message) {
        if (enqueue(l, &l->front, message))
                flush_soon(l);
}

void line_send_fds(struct line *l, const struct link_message *message, const int *fds, size_t count) {
        bool can = line_is_open(l) && !l->transport && l->in_fd == l->out_fd;
        bool sent = enqueue(l, &l->front, message);

        must(l->leaving.count + count <= LINE_FDS_MAX);
        for (size_t i = 0; i < count; ++i)
                if (sent && can)
                        l->leaving.fds[l->leaving.count++] = fds[i];
                else
                        fd_close(fds[i]);
        if (sent)
                flush_soon(l);
}

void line_send_behind(struct line *l, const struct link_message *message) {
        if (enqueue(l, &l->behind, message))
                flush_soon(l);
}

void line_send_late(struct line *l, const struct link_message *message) {
        if (!enqueue(l, &l->front, message))
                return;
        if (l->front.len > LATE_MOST)
                flush_soon(l);
        else if (!timer_is_armed(&l->linger))
                timer_arm(&l->linger, loop_now(l->loop) + LINE_LINGER);
}

void line_send_bulk(struct line *l, enum link_type type, uint32_t number, const struct iovec *parts,
                    size_t count) {
        must(!l->bulk.count);
        if (!is_usable(l) || l->broken)
                return;
        l->bulk = (struct line_bulk){ .type = type, .number = number, .parts = parts, .count = count };
        flush_soon(l);
}

void line_send_bulk_consume(struct line *l, enum link_type type, uint32_t number, struct buf *bytes) {
        if (buf_is_empty(bytes))
                return;
        line_send_bulk(l, type, number, &l->bulk.own, 1);
        if (!l->bulk.count)
                return;
        l->bulk.bytes = *bytes;
        *bytes = BUF_NULL(bytes->cap);
        l->bulk.own = (struct iovec){ buf_data(&l->bulk.bytes), l->bulk.bytes.len };
}

void line_drop_bulk(struct line *l) {
        buf_deinit(&l->bulk.bytes);
        l->bulk = (struct line_bulk){};
}

/* The other end reads LOOP_SCRATCH at a time, and handles in place what is whole: a frame ends where such a read does. */
static size_t room_for_part(const struct line *l) {
        size_t room = LOOP_SCRATCH - l->wire.len % LOOP_SCRATCH;

        return MIN(room < PART_LEAST ? LINK_CHUNK_MAX : room - LINK_PART_HEAD, LINK_CHUNK_MAX);
}

/* The next frame of the bulk. Small parts are not gathered: events come in one, rarely in a few. */
static int take_bulk(struct line *l) {
        struct line_bulk *b = &l->bulk;
        size_t len = MIN(b->parts->iov_len - b->offset, room_for_part(l));
        struct link_message m = {
                .type = b->type, .part = { b->number, { (const char *)b->parts->iov_base + b->offset, len } }
        };
        int r = len ? link_encode(&l->wire, &m) : 0;

        b->offset += len;
        if (b->offset == b->parts->iov_len) {
                b->offset = 0;
                ++b->parts;
                if (!--b->count)
                        line_drop_bulk(l);
        }
        return r;
}

static int move(struct buf *to, struct buf *from) {
        int r;

        if (buf_is_empty(to)) {
                struct buf empty = *to;

                *to = *from;
                to->cap = empty.cap;
                empty.cap = from->cap;
                *from = empty;
                return 0;
        }
        r = buf_append(to, buf_data(from), from->len);
        buf_clear(from);
        return r;
}

/* Puts what comes next on the wire, a frame's worth or more. */
static int fill(struct line *l) {
        int r = 0;

        if (!buf_is_empty(&l->front))
                r = move(&l->wire, &l->front);
        while (!r && l->bulk.count && l->wire.len < WRITE_MOST)
                r = take_bulk(l);
        if (!r && !l->bulk.count && !buf_is_empty(&l->behind))
                r = move(&l->wire, &l->behind);
        return r;
}

/* What the kernel will not carry is left behind. */
static ssize_t write_with_fds(struct line *l, const char *data, size_t len) {
        size_t size = l->leaving.count * sizeof(int);
        union fds_message control = {};
        struct iovec part = { (char *)(uintptr_t)data, len };
        struct msghdr head = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(size)
        };
        struct cmsghdr *c = CMSG_FIRSTHDR(&head);
        ssize_t n;

        *c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(size),
                               .cmsg_level = SOL_SOCKET,
                               .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(c), l->leaving.fds, size);
        n = sendmsg(l->out_fd, &head, MSG_NOSIGNAL);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
                close_fds(&l->leaving);
        return n < 0 && !l->leaving.count ? send(l->out_fd, data, len, MSG_NOSIGNAL) : n;
}

static ssize_t write_stream(struct line *l, const char *data, size_t len) {
        ssize_t n;

        if (l->transport)
                return l->transport->write(l->transport_owner, data, len);
        if (l->leaving.count) {
                n = write_with_fds(l, data, len);
                return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -errno;
        }
        /* A socket can be told not to raise SIGPIPE; our own init, which alone has pipes, ignores it. */
        n = l->out_fd == l->in_fd ? send(l->out_fd, data, len, MSG_NOSIGNAL) : write(l->out_fd, data, len);
        if (n >= 0)
                return n;
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* The last words of the other end may still be there to be read: reading finds the end. */
static void break_output(struct line *l) {
        l->broken = true;
        forget_output(l);
        if (l->transport)
                end_soon(l, "the link has ended");
        else
                source_again(&l->in, EPOLLIN);
}

void line_flush(struct line *l) {
        ssize_t n;

        if (!is_usable(l) || l->broken || l->blocked)
                return;
        timer_disarm(&l->linger);
        while (!line_is_idle(l)) {
                if (fill(l)) {
                        end_soon(l, "no memory for the messages of the link");
                        return;
                }
                n = write_stream(l, buf_data(&l->wire), l->wire.len);
                if (n < 0) {
                        break_output(l);
                        return;
                }
                buf_consume(&l->wire, (size_t)n);
                if (n == 0) {
                        l->blocked = l->tell_drain = true;
                        return;
                }
        }
        if (l->wire.capacity > KEEP_BELOW)
                buf_deinit(&l->wire);
}

static void tell_drain(struct line *l) {
        if (!l->tell_drain || !is_usable(l) || !line_is_idle(l))
                return;
        l->tell_drain = false;
        if (l->ops->on_drain)
                l->ops->on_drain(l);
}

void line_await_drain(struct line *l) {
        l->tell_drain = true;
        if (is_usable(l) && !l->blocked)
                defer_call(l->loop, &l->soon, on_soon);
}

void line_writable(struct line *l) {
        l->blocked = false;
        line_flush(l);
        tell_drain(l);
}

static void on_soon(struct defer *defer) {
        struct line *l = container_of(defer, struct line, soon);

        if (l->end) {
                end_now(l, NULL);
                return;
        }
        line_flush(l);
        tell_drain(l);
}

static void on_linger(struct timer *timer) {
        struct line *l = container_of(timer, struct line, linger);

        line_flush(l);
        tell_drain(l);
}

/* ---- opening ---- */

static void on_out(struct source *source, uint32_t events) {
        line_writable(container_of(source, struct line, out));
}

static void on_in(struct source *source, uint32_t events) {
        struct line *l = container_of(source, struct line, in);
        bool gone, *outer = guard_enter(l, &gone);

        if (events & EPOLLOUT)
                line_writable(l);
        if (!gone && line_is_open(l) && events & ~(uint32_t)EPOLLOUT)
                read_some(l, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
        guard_leave(l, &gone, outer);
}

static void greet(struct line *l) {
        const struct link_message hello = { .type = LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION } };

        line_send(l, &hello);
}

int line_open(struct line *l, int in_fd, int out_fd) {
        const uint32_t reading = EPOLLIN | EPOLLRDHUP | EPOLLET;
        bool same = in_fd == out_fd;
        int r;

        must(!line_is_open(l));
        l->in_fd = in_fd;
        l->out_fd = out_fd;
        r = source_add(l->loop, &l->in, in_fd, same ? 0 : reading, RANK_NORMAL, on_in);
        if (!r && !same)
                r = source_add(l->loop, &l->out, out_fd, EPOLLOUT | EPOLLET, RANK_NORMAL, on_out);
        if (r) {
                close_stream(l);
                return r;
        }
        greet(l);
        return 0;
}

void line_open_transport(struct line *l, const struct line_transport *transport, void *owner) {
        must(!line_is_open(l));
        l->transport = transport;
        l->transport_owner = owner;
        greet(l);
}
