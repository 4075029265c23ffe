/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of remote share; nobody else includes it. */
#pragma once
#include "runtime/remote.h"
#include "runtime/supervisor_private.h"
#include "runtime/tunnel.h"

/* The invocation under way. */
struct remote_invocation {
        bool active, answered, headed, start_logged;
        uint32_t number;
        struct invocation_order order; /* pointers are the caller's, valid until answered */
        char request_id[UUID_LEN + 1];
        nsec_t began;
        enum invocation_outcome outcome;
        char *error_type;
        struct buf payload;
        uint64_t received, unsettled, owed; /* of a stream: in all; not credited; credited and not told */
};

/* The place over there, of a supervisor here: place.h as frames, but for what came by descriptors. */
struct remote_place {
        struct place place;
        struct remote *remote;
        int api_fd, output_fd, memory_fd, peak_fd, diag_fd;
        uint32_t peer_uid;
        uint64_t highest; /* where the kernel keeps no peak */
        uint32_t alive;   /* a bit for each process that was started and whose end was not told */
        bool killing;
        struct source output;
        struct defer opened;
        bool *gone;
        char chunk[16 * KIB]; /* the scratch buffer may be in use around us */
};

struct remote {
        struct environment base;
        struct loop *loop;
        const struct remote_ports *ports;
        void *owner;
        struct buf start_bytes; /* START, encoded: the copy of what the options said */
        struct link_message start;
        int start_error;
        uint16_t localhost_ports[TUNNEL_PORTS_MAX];
        size_t localhost_port_count;

        enum env_state state;
        struct line line;
        struct tunnels tunnels;
        struct timer timer; /* what the other end owes us: the state gives it meaning */
        struct defer soon;  /* what must not happen inside a call */
        struct remote_invocation now;
        struct journal journal; /* of it only the tail is used */
        struct environment_stats stats;
        nsec_t started, start_time, stats_asked;
        bool said_started, link_lost, lost, waited;
        enum remote_loss loss;
        char *lost_why;

        /* The supervisor is here (remote_near.c), or may be. */
        bool supervise_there, open_said;
        int output_fd;            /* the pipe whose other end went with OPEN; -1 */
        struct environment *near; /* NULL: not, or not yet */
        struct remote_place *place;
};

static inline struct remote *remote_of(struct environment *e) {
        return container_of(e, struct remote, base);
}

/* remote.c */
bool remote_is_starting(const struct remote *r);
bool remote_is_asked(const struct remote *r); /* somebody waits for an answer */
void remote_forget_invocation(struct remote *r);
void remote_say_start(struct remote *r); /* the supervisor shall be over there */

/* remote_near.c */
bool near_begin(struct remote *r); /* says OPEN; false: it cannot be */
bool near_is_starting(const struct remote *r);
bool near_is_asked(const struct remote *r);
/* NULL, or what is wrong with the message. */
const char *near_on_message(struct remote *r, const struct link_message *message);
/* The end of all, when the other end cannot tell it any more; may free r. */
void near_lose(struct remote *r, enum invocation_outcome outcome, const char *error_type, const char *text,
               const char *why);

/* remote_place.c */
/* What comes from where the function is is taken for nothing that it does not show itself to be. NULL, or what is
 * wrong. */
const char *remote_place_check(const int fds[static HANDED_MOST]);
/* Takes all of the descriptors over. */
struct remote_place *remote_place_new(struct remote *r, const int fds[static HANDED_MOST], int output_fd,
                                      uint32_t peer_uid);
void remote_place_read_rest(struct remote_place *p); /* of the output; nobody writes any more */
/* False: nothing of the kind can have happened. */
bool remote_place_on_exit(struct remote_place *p, const struct link_message *message);
bool remote_place_on_emptied(struct remote_place *p);

/* remote_link.c */
extern const struct line_ops remote_line_ops;

/* remote_end.c: both may free r */
void remote_end(struct remote *r, enum remote_loss loss,
                const char *why);                    /* answers what is under way, then gone */
void remote_gone(struct remote *r, const char *why); /* closes the link and says it */
