/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn - one connection of the server; shared by the files of this room only
 *
 *   listener.c  accepts, evicts, counts          receive.c  reads and parses: bytes in, events out
 *   conn.c      the life of a connection         respond.c  writes heads and bodies
 *   request.c   what llhttp found, judged        out.c      the queue of what the socket did not take
 *
 * Everything that happens to a connection ends in conn_run, which alone finishes exchanges, starts the next
 * one and reads. Responding never calls back: it marks and, outside conn_run, defers one. Callbacks of the
 * parser only note what they saw and pause it, so no handler ever runs below llhttp and a handler may destroy
 * everything.
 *
 * `holds` counts the frames that have the connection on the stack; a connection killed meanwhile is freed by
 * the last.
 */
#pragma once
#include <llhttp.h>

#include "http/head.h"

enum phase {
        PHASE_IDLE,   /* between requests */
        PHASE_HEAD,   /* some bytes of a head have come */
        PHASE_BODY,   /* an exchange whose request is incomplete */
        PHASE_ANSWER, /* an exchange whose request is complete */
        PHASE_DROP,   /* answered; the rest of the body is read for nothing, then the next request follows */
        PHASE_LINGER, /* answered and shut down for writing; what still comes is dropped until the peer closes
                       */
};

enum response { RESPONSE_NONE, RESPONSE_BEGUN, RESPONSE_ENDED };

enum parsed { PARSED_NOTHING, PARSED_HEAD, PARSED_BODY, PARSED_END };

struct http_listener {
        struct loop *loop;
        const struct http_handler *handler;
        const struct http_limits *limits;
        void *owner;
        struct source source;
        struct timer retry; /* no room, or descriptors ran out */
        struct defer quiet;
        void (*on_quiet)(void *owner); /* NULL: nobody waits for it */
        void *quiet_owner;
        struct list conns, idle; /* idle: the one that waits longest is first */
        size_t conn_count, exchange_count;
        unsigned holds;
        int fd;
        bool full, stopped, freed;
};

/* Enough for the heads of the runtime clients that AWS ships, so that a parked long poll owns no memory
 * beside this. */
#define CONN_ROOM 960
#define LINGER_TIME (5 * SECOND)
#define LINGER_BYTES (64 * MIB)

struct conn {
        struct http_exchange x;
        struct http_listener *listener;
        struct loop *loop;
        struct list link, idle_link;
        struct source source;
        struct timer timer;
        struct defer defer;
        nsec_t deadline;
        nsec_t idle_since;

        llhttp_t parser;
        struct head head, trailers;
        struct buf pending; /* read, not parsed yet: pipelined, or the handler paused */
        const char *span;   /* of the body, as the parser just found it */
        size_t span_len;
        uint64_t body_left; /* of a known length */
        uint64_t overhead;  /* bytes of head or chunk framing in a row */
        size_t taken;       /* read in this turn */

        struct list out; /* struct out_piece */
        size_t queued;
        int64_t answer_left; /* of a declared length; -1: chunked or until close */

        int refusal; /* status for a request that the parser callbacks found wanting */
        enum phase phase;
        enum response response;
        enum parsed parsed;
        uint16_t holds;
        char last; /* byte of framing, to judge line ends across pieces */
        bool active, killed, broken, gone, eof, half_close_seen, half_close_told, readable;
        bool keep_alive, expects_continue, paused, old_peer, chunked, no_body, blocked, had_queue, used;
        char room[CONN_ROOM] __attribute__((aligned(8)));
};

static inline struct conn *conn_of(const struct http_exchange *x) {
        return container_of((struct http_exchange *)x, struct conn, x);
}

/* conn.c */
int conn_new(struct http_listener *l, int fd, const struct sockaddr_storage *peer);
void conn_kill(struct conn *c); /* closes; a running exchange ends incomplete, before this returns */
void conn_run(struct conn *c);
void conn_kick(struct conn *c);     /* conn_run soon */
void conn_catch_up(struct conn *c); /* conn_run until no head is left in the socket */
void conn_settle(struct conn *c);
void conn_idle(struct conn *c);
/* Answers a request that never became an exchange (or whose exchange is over), and closes. */
void conn_refuse(struct conn *c, int status);
void conn_finish(struct conn *c, bool complete); /* on_done */
bool conn_wants_input(const struct conn *c);

/* receive.c: one read and what follows from it. False when there is nothing to do. */
bool receive_some(struct conn *c);

/* request.c */
extern const llhttp_settings_t request_settings;
void request_begin(struct conn *c);
/* Turns the parsed head into the exchange: 0, or the status to refuse it with. */
int request_accept(struct conn *c);
int request_status_of_error(const struct conn *c, int parser_error);
/* Line ends: CR LF only, and no line that starts with white space. False when violated. */
bool request_lines_ok(struct conn *c, const char *data, size_t len);

/* out.c */
void out_send(struct conn *c, const struct iovec *parts, size_t count, struct buf *body_consume);
void out_queue(struct conn *c, const void *data, size_t len);
void out_flush(struct conn *c);
void out_drop(struct conn *c);

/* respond.c */
void respond_continue(struct conn *c);
void respond_refusal(struct conn *c, int status);

/* text.c */
const char *http_reason(int status); /* "" when unknown */
/* "Date: …\r\n" of this second. */
const char *http_date_line(nsec_t wall, size_t *ret_len);

/* listener.c */
void listener_conn_gone(struct http_listener *l);
void listener_exchange_gone(struct http_listener *l);
void listener_room_made(struct http_listener *l); /* by a connection that went, or could go */
